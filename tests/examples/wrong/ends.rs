//! Processes that end before they have exported what they had.

use devstack::support::ports;
use serde_json::json;

use super::scene::{NEVER, Scene, Shop, says_once};
use crate::examples::service::Service;

/// The work of the worker, too, which ends after the mail was sent.
const WHOLE: &str = "\
name: a payment becomes a job, which is done
request: { stripe: payment.json }
response: 200
trace: [{ consumer: payment_intent.succeeded process, service: worker, children: [{ client: POST }] }]
edges: [api -> worker]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_somebody_killed_before_it_flushed() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop(&[], NEVER);
    let (pid, url) = (shop.worker.pid(), shop.worker.url());
    scene.mail.kills(1, pid);
    let replayed = scene.replay(&shop, "3s", &[]);
    let case = replayed.case();
    assert_eq!((replayed.run.code, &case["verdict"], &case["services"]), (1, &json!("failed"), &json!(["api"])), "{case:#}");
    let says =
        format!("The process of worker (pid {pid}) ended while the case ran: spans that it had not exported before are lost.");
    assert_eq!(case["findings"][0]["headline"], says, "{case:#}");
    replayed.says_once(&says);
    let run = scene.doctor(&url);
    assert_eq!(run.code, 3, "{}", run.out);
    says_once(&run, &format!("✗ nothing listens at {url}\nfix: start the service"));

    let Shop { api, worker } = shop;
    let shop = Shop { api, worker: worker.kill().with("OTEL_BSP_SCHEDULE_DELAY", "50").start() };
    let replayed = scene.replay(&shop, "3s", &[]);
    assert_eq!(replayed.run.code, 0, "the end of an earlier process is over: {}", replayed.run.out);
}

/// Of one that devstack started it is known how it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_devstack_run_that_was_killed_before_it_flushed() {
    let Some(scene) = Scene::open().await else { return };
    let worker = of_devstack_run(&scene).start();
    let port = worker.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let pid = ports::holder(port).expect("the worker listens").pid;
    let shop = scene.shop_of(worker, &[]);
    scene.mail.kills(1, pid);
    let replayed = scene.replay(&shop, "3s", &[]);
    let case = replayed.case();
    let killed = format!("worker (pid {pid}) was killed (SIGKILL): the spans that it had not exported yet are lost");
    assert_eq!(case["findings"][0]["headline"], format!("The process of {killed}."), "{case:#}");
    assert_eq!(case["findings"][0]["hint"], "end it with SIGTERM, and let it shut its SDK down");
    let run = scene.doctor(&shop.worker.url());
    assert_eq!(run.code, 3, "{}", run.out);
    says_once(&run, &format!("✗ {killed}\nfix: end it with SIGTERM"));
}

/// `devstack run` with a file of settings that keep spans back.
fn of_devstack_run(scene: &Scene) -> Service {
    let sandbox = &scene.stack.stand.sandbox;
    let settings = NEVER.iter().copied().chain([("MAIL_URL", scene.mail.url.as_str())]);
    let lines: Vec<_> = settings.map(|(name, value)| format!("{name}={value}")).collect();
    sandbox.write("worker.env", lines.join("\n"));
    let telemetry = format!("file://{}", scene.example.path("telemetry.mjs").display());
    let program = scene.example.path("worker.mjs").display().to_string();
    let command = [
        env!("CARGO_BIN_EXE_devstack"),
        "run",
        "--name",
        "worker",
        "--env-file",
        "worker.env",
        "--",
        "node",
        "--import",
        &telemetry,
        &program,
    ];
    Service::new(&sandbox.path(""), &command)
        .with("HOME", sandbox.path("").display().to_string())
        .with("XDG_STATE_HOME", sandbox.path("state").display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_and_started_again_in_the_middle_of_a_run() {
    let Some(scene) = Scene::open().await else { return };
    scene.fixture(WHOLE);
    let Shop { api, worker } = scene.shop(&[], &[]);
    let pid = worker.pid();
    // The third case has begun its work and will not end it.
    scene.mail.kills(3, pid);
    let (api_url, worker_url) = (api.url(), worker.url());
    let (replayed, _worker) = std::thread::scope(|scope| {
        let replaying = scope.spawn(|| scene.replay_at(&api_url, &worker_url, "5s", &["--repeat", "6", "--jobs", "1"]));
        scene.mail.wait_for(3);
        let worker = worker.restart();
        (replaying.join().unwrap(), worker)
    });
    assert_eq!(replayed.run.code, 1, "{}", replayed.run.out);
    let verdict = |at: usize| replayed.cases[at]["verdict"].as_str().unwrap();
    let ended =
        format!("The process of worker (pid {pid}) ended while the case ran: spans that it had not exported before are lost.");
    assert_eq!((verdict(0), verdict(1), verdict(2), verdict(5)), ("held", "held", "failed", "held"), "{}", replayed.run.out);
    assert_eq!(replayed.cases[2]["findings"][0]["headline"], ended, "{}", replayed.run.out);
    for case in &replayed.cases {
        if case["verdict"] == "held" {
            assert_eq!((&case["spans"], &case["services"]), (&json!(6), &json!(["api", "worker"])), "{case:#}");
        } else {
            assert!(!case["findings"].as_array().unwrap().is_empty(), "{case:#}");
        }
    }
}
