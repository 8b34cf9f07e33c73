//! The queries against real containers after one `devstack replay fixtures`.
//!
//! Needs an engine with the images, so it runs where `DEVSTACK_TEST_DOCKER` is set, as CI does.

use std::time::Duration;

use devstack::{
    backend::{Backend, Config},
    client::loopback,
    demo::{Demo, DemoConfig},
    runtime::Kept,
    support::{
        env::{Env as _, Map, Os},
        project::Project,
    },
    telemetry::{Protocol, Settings},
};
use tokio_util::sync::CancellationToken;

use super::{check_queries, containers::Containers, tee::Tee};
use crate::sandbox::Sandbox;

/// How often the demo's services export, as in an embedded run.
const EXPORT: Duration = Duration::from_millis(50);
const METRICS: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a test that did not test says so")]
async fn every_query_answers_after_one_run_of_the_fixtures() {
    if Os.get("DEVSTACK_TEST_DOCKER").is_none() {
        eprintln!("skipped: DEVSTACK_TEST_DOCKER is not set");
        return;
    }
    let stack = Containers::start().await;
    replay_into(&stack.collector).await;
    check_queries(&stack.prometheus).await;
}

/// Runs the shipped fixtures with the real binary; what the services export reaches the ledger and `collector` alike.
async fn replay_into(collector: &str) {
    let backend = Backend::bind(Config::default()).await.unwrap();
    let url = |address| format!("http://{address}");
    let (ledger, api, shutdown) = (url(backend.otlp_http()), url(backend.api()), CancellationToken::new());
    let serving = tokio::spawn(backend.run(shutdown.clone()));
    let tee = Tee { ledger, collector: collector.to_owned() }.serve(shutdown.clone()).await;

    let settings = Settings::new("demo")
        .with_endpoint(&url(tee))
        .with_protocol(Protocol::HttpProtobuf)
        .with_schedule_delay(EXPORT)
        .with_metric_interval(METRICS);
    let config = DemoConfig::new(settings);
    let secrets = config.secrets.clone();
    let demo = Demo::start(config).await.unwrap();
    let kept = Kept {
        pid: std::process::id(),
        ledger: api,
        otlp_http: url(tee),
        services: demo.addresses().iter().map(|(name, address)| ((*name).to_owned(), url(*address))).collect(),
        externals: demo.externals_url(),
        secrets,
    };
    let sandbox = Sandbox::new();
    let state = sandbox.path("state").display().to_string();
    let project = Project::find(&sandbox.path(""), &[("XDG_STATE_HOME", state.as_str())].into_iter().collect::<Map>());
    let note = kept.leave(project.state().unwrap(), &loopback().unwrap()).await.unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let run = tokio::task::block_in_place(|| sandbox.run(&["replay", fixtures]));
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("demo services of") || run.err.contains("demo services of"), "it used other services:\n{}", run.out);
    drop(note);
    demo.stop().await;
    shutdown.cancel();
    serving.await.unwrap();
}
