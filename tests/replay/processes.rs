//! The demo services each in a process of its own, as in life: nothing between them but HTTP, and nothing lost when they are ended.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use devstack::{
    backend::{Backend, Config},
    model::{SpanKind, TraceId},
    support::{clock, tls},
    webhook::{self, Freshness, Parts, Provider, Renewal, Secrets, Shift, Signature, secrets::OF_DEMO},
};
use tokio_util::sync::CancellationToken;

use super::sandbox::Sandbox;

/// Far beyond any test: only the flush at the end can export.
const NEVER_MILLIS: &str = "3600000";

/// One service, killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
}

impl Service {
    fn start(sandbox: &Sandbox, args: &[&str], secrets: &Secrets, otlp: &str) -> Self {
        Self::start_exporting(sandbox, args, secrets, otlp, NEVER_MILLIS)
    }

    /// A service that exports so often, in milliseconds.
    pub(crate) fn start_exporting(sandbox: &Sandbox, args: &[&str], secrets: &Secrets, otlp: &str, every: &str) -> Self {
        let all: Vec<&str> = ["demo"].into_iter().chain(args.iter().copied()).collect();
        let mut command = sandbox.command(&all);
        command.envs(secrets.variables());
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp).env("OTEL_BSP_SCHEDULE_DELAY_MILLIS", every);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the service starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).unwrap();
        let url = line.split_whitespace().nth(1).unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
        Self { child, url }
    }

    /// SIGTERM, as a container engine ends a service, and its exit code.
    fn terminate(&mut self) -> Option<i32> {
        let sent = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        self.child.wait().expect("the service ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_right_after_the_answer_loses_no_run_and_no_span() {
    let sandbox = Sandbox::new();
    let backend = Backend::bind(Config::default()).await.unwrap();
    let (ledger, otlp, shutdown) = (backend.ledger(), format!("http://{}", backend.otlp_http()), CancellationToken::new());
    let serving = tokio::spawn(backend.run(shutdown.clone()));
    let secrets = Secrets::generated(OF_DEMO);

    let externals = Service::start(&sandbox, &["externals"], &secrets, &otlp);
    let mut trigger = Service::start(&sandbox, &["medicalcor-trigger", "--externals-url", &externals.url], &secrets, &otlp);
    let mut api = Service::start(&sandbox, &["medicalcor-api", "--trigger-url", &trigger.url], &secrets, &otlp);

    let trace_id = TraceId::random();
    assert_eq!(deliver(&api.url, &secrets, trace_id).await, 200);
    let (ended_api, ended_trigger) = tokio::task::spawn_blocking(move || (api.terminate(), trigger.terminate())).await.unwrap();
    assert_eq!((ended_api, ended_trigger), (Some(0), Some(0)));

    let view = ledger.view(trace_id);
    let names: Vec<_> = view.arrivals.iter().map(|arrival| arrival.span.name.as_str()).collect();
    for name in ["POST /webhooks/whatsapp", "trigger.task.whatsapp-message-handler", "trigger.task.lead-scoring-workflow"] {
        assert!(names.contains(&name), "`{name}` was lost; there are {names:?}");
    }
    let (producers, consumers) = (SpanKind::Producer, SpanKind::Consumer);
    let count = |kind| view.arrivals.iter().filter(|arrival| arrival.span.kind == kind).count();
    assert_eq!(count(producers), count(consumers), "every run that was accepted was done");
    shutdown.cancel();
    serving.await.unwrap();
}

/// Sends a hot lead's message and returns the status of the answer.
async fn deliver(api: &str, secrets: &Secrets, trace_id: TraceId) -> u16 {
    let recorded = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/whatsapp/hot-lead.json")).unwrap();
    let now = clock::unix_seconds();
    let how = Freshness { ids: Renewal::Fresh, time: Shift::Now, personal: Renewal::Fresh, now, nonce: 7 };
    let body = webhook::freshen(&Provider::whatsapp(), &recorded, how).unwrap().body;
    let signed = webhook::sign(
        &Provider::whatsapp(),
        secrets,
        &Parts { body: &body, unix_seconds: now, ..Parts::default() },
        Signature::Valid,
    )
    .unwrap();
    tls::install();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let mut request = client.post(format!("{api}{}", Provider::whatsapp().path())).body(body);
    for (name, value) in signed {
        request = request.header(name, value);
    }
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    request.header("traceparent", traceparent).header("content-type", "application/json").send().await.unwrap().status().as_u16()
}
