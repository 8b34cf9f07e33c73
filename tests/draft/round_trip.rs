//! Recorded, written, replayed: what really happened holds at once, for every provider.

use std::{fs, path::Path};

use devstack::webhook::{Providers, Secrets};
use serde_json::Value as Json;

use super::{
    receiver::Receiver,
    senders::{self, Delivery},
    sessions::{bytes_of, demo, record},
};
use crate::{
    sandbox::{Run, Sandbox},
    up::stand::Stand,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_of_each_provider_holds_when_it_is_replayed() {
    let providers = Providers::built_in();
    let secrets = Secrets::generated(providers.variables());
    let stand = Stand::new();
    let otlp = stand.up(&["--runtime", "embedded"])["note"]["otlp_http"].as_str().unwrap().to_owned();
    let receiver = Receiver::start(secrets.clone(), &otlp).await;
    let sandbox = &stand.sandbox;
    let (recorder, url) = record(sandbox, &receiver.url, &[]);
    let deliveries = senders::of_all();
    for delivery in &deliveries {
        assert_eq!(delivery.send(&url, &secrets).await, 200, "{}", delivery.name());
    }
    let lines = recorder.lines(deliveries.len());
    let mut said = format!("{lines:?} {}", recorder.err());
    assert_eq!(recorder.interrupt(), 0, "{said}");
    for delivery in &deliveries {
        let of_it =
            |line: &&Json| line["provider"] == delivery.name() && line["body"].as_str().unwrap().ends_with(delivery.ending());
        let line = lines.iter().find(of_it).expect("a line each");
        assert!(line["recorded"] == true && line["status"] == 200 && line["spans"] == 1, "{line}");
        let text = fs::read_to_string(sandbox.path(line["fixture"].as_str().unwrap())).unwrap();
        let body = Path::new(line["body"].as_str().unwrap()).file_name().unwrap().to_str().unwrap();
        assert!(text.contains(&format!("{}: {body}", delivery.name())) && !text.contains("malformed"), "{text}");
        assert!(text.contains(&format!("trace:\n  - server: POST {}\n", delivery.path())), "{text}");
        assert!(text.contains("response: { status: 200, json: { $.received: true } }"), "{text}");
    }
    let github = fs::read_to_string(sandbox.path("fixtures/github/push.yaml")).unwrap();
    assert!(github.contains("headers: { x-github-event: push, "), "{github}");
    assert!(sandbox.path("fixtures/shopify/orders-create.yaml").is_file());

    let linted = sandbox.run(&["lint"]);
    assert_eq!((linted.code, linted.out.contains("nothing to complain about")), (0, true), "{}", linted.out);
    let run = replayed(sandbox, &receiver.url, &secrets);
    assert_eq!(run.code, 0, "{}\n{}", run.err, run.out);
    let report: Json = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), deliveries.len());

    said += &[linted.out, run.out, run.err, bytes_of(&sandbox.path("fixtures")), kept(sandbox)].concat();
    let secrets_written: Vec<_> = secrets.variables().filter(|(_, value)| said.contains(value)).map(|(name, _)| name).collect();
    assert!(secrets_written.is_empty(), "{secrets_written:?}");
    for delivery in &deliveries {
        assert_nothing_left(delivery, &said);
    }

    // The fixtures are no empty promise: a service that does not share the secrets refuses each one, but what nobody signs.
    let stranger = Receiver::start(Secrets::generated(providers.variables()), &otlp).await;
    let run = replayed(sandbox, &stranger.url, &secrets);
    let report: Json = serde_json::from_str(&run.out).unwrap();
    let held = report["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "held").count();
    assert_eq!((run.code, held), (1, 1), "{}", run.err);
}

/// `replay --target` with the secrets in the environment, all cases at once: each waits for what an exporter could still hold.
fn replayed(sandbox: &Sandbox, target: &str, secrets: &Secrets) -> Run {
    let args = ["replay", "fixtures", "--target", target, "--jobs", "16", "--format", "json"];
    Run::of(&sandbox.command(&args).envs(secrets.variables()).output().unwrap())
}

/// Looks for a delivery's personal values, however they are written.
fn assert_nothing_left(delivery: &Delivery, written: &str) {
    assert!(!delivery.personal.is_empty(), "{}", delivery.name());
    let lower = written.to_lowercase();
    for value in &delivery.personal {
        let form: String = value.bytes().map(encoded).collect();
        for spelling in [value.to_lowercase(), form.to_lowercase(), value.to_lowercase().replace(' ', "%20")] {
            assert!(!lower.contains(&spelling), "{value} of {} is left in\n{written}", delivery.name());
        }
    }
}

/// A byte as a form has it.
fn encoded(byte: u8) -> String {
    match byte {
        b' ' => "+".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_of_the_demo_holds_with_all_that_it_caused() {
    let sandbox = Sandbox::new();
    let (demo, api, secrets) = demo(&sandbox);
    let (recorder, url) = record(&sandbox, &api, &[]);
    let deliveries = senders::of_demo();
    for delivery in &deliveries {
        assert_eq!(delivery.send(&url, &secrets).await, 200, "{}", delivery.name());
    }
    let lines = recorder.lines(deliveries.len());
    let said = format!("{lines:?} {}", recorder.err());
    assert_eq!(recorder.interrupt(), 0, "{said}");
    for delivery in &deliveries {
        let line = lines.iter().find(|line| line["provider"] == delivery.name()).expect("a line each");
        assert!(line["recorded"] == true && line["status"] == 200 && line["spans"].as_u64() > Some(1), "{line}");
        let path = sandbox.path(line["fixture"].as_str().unwrap());
        assert!(path.starts_with(sandbox.path(&format!("fixtures/{}", delivery.name()))), "{line}");
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("trace:\n  - server: POST ") && text.contains("none: [{ status: error }]"), "{text}");
    }
    assert!(bytes_of(&sandbox.path("fixtures")).contains("edges: [medicalcor-api -> medicalcor-trigger]"));

    let linted = sandbox.run(&["lint"]);
    assert_eq!((linted.code, linted.out.contains("nothing to complain about")), (0, true), "{}", linted.out);
    let (run, report) = sandbox.replay(&[]);
    assert_eq!(run.code, 0, "{}\n{}", run.err, run.out);
    assert_eq!(report["cases"].as_array().unwrap().len(), deliveries.len());

    let written = [bytes_of(&sandbox.path("fixtures")), said, kept(&sandbox)].concat();
    for delivery in &deliveries {
        assert_nothing_left(delivery, &written);
    }
    // A wrong expectation would be noticed: the fixtures are no empty promise.
    let stripe = lines.iter().find(|line| line["provider"] == "stripe").unwrap()["fixture"].as_str().unwrap();
    let text = fs::read_to_string(sandbox.path(stripe)).unwrap();
    fs::write(sandbox.path(stripe), text.replace("payment-succeeded-handler send", "payment-lost-handler send")).unwrap();
    assert_eq!(sandbox.replay(&["--name", "stripe"]).0.code, 1);
    demo.interrupt();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_saved_with_the_body_that_was_recorded_and_never_over_a_file() {
    let sandbox = Sandbox::new();
    let (demo, api, secrets) = demo(&sandbox);
    let (recorder, url) = record(&sandbox, &api, &["--limit", "1", "--name", "first"]);
    let http = devstack::client::loopback().unwrap();
    let delivery = senders::of_demo().into_iter().find(|one| one.name() == "stripe").unwrap();
    assert_eq!(delivery.send(&url, &secrets).await, 200);
    let line = recorder.lines(1).remove(0);
    let mut recorder = recorder;
    assert_eq!(recorder.ended(), 0, "the limit ends it");
    assert_eq!(line["fixture"], "fixtures/first.yaml");

    // The recorder's trace is in the demo's ledger; a run makes it a kept one.
    let (run, report) = sandbox.replay(&[]);
    assert_eq!(run.code, 0, "{}", run.err);
    let id = report["cases"][0]["trace_id"].as_str().unwrap().to_owned();
    let saved = sandbox.run(&["trace", &id, "--save-as", "fixtures/saved/again.yaml"]);
    assert_eq!(saved.code, 0, "{}", saved.err);
    let text = fs::read_to_string(sandbox.path("fixtures/saved/again.yaml")).unwrap();
    assert!(
        text.contains("A trace does not have the body") && text.contains("request: { path: /webhooks/stripe, method: POST }"),
        "{text}"
    );
    assert!(text.contains("- producer: trigger.dev.payment-succeeded-handler send"), "{text}");
    assert!(text.contains("edges: [medicalcor-api -> medicalcor-trigger]"), "{text}");
    assert_eq!(sandbox.run(&["lint"]).code, 0);

    let refused = sandbox.run(&["trace", &id, "--save-as", "fixtures/saved/again.yaml"]);
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (2, "error: `fixtures/saved/again.yaml` is there already\nhint: `--force` replaces it\n")
    );
    assert_eq!(sandbox.run(&["trace", &id, "--save-as", "fixtures/saved/again.yaml", "--force"]).code, 0);
    for wrong in ["fixtures/saved/again.json", "x.golden.yaml", ".yaml"] {
        assert_eq!(sandbox.run(&["trace", &id, "--save-as", wrong]).code, 2, "{wrong}");
    }

    // The same with the trace that was recorded, from a file: the body is known.
    let recorded = line["trace_id"].as_str().unwrap();
    let spans = otlp_of(&http, &sandbox, recorded).await;
    sandbox.write("seen.json", spans);
    let saved = sandbox.run(&["trace", "./seen.json", "--save-as", "fixtures/saved/whole.yaml"]);
    assert_eq!(saved.code, 0, "{}", saved.err);
    let text = fs::read_to_string(sandbox.path("fixtures/saved/whole.yaml")).unwrap();
    assert!(text.contains("request: { stripe: whole.json }"), "{text}");
    let body = fs::read_to_string(sandbox.path("fixtures/saved/whole.json")).unwrap();
    assert_eq!(body, fs::read_to_string(sandbox.path("fixtures/first.json")).unwrap());
    assert!(delivery.personal.iter().all(|value| !text.contains(value.as_str()) && !body.contains(value.as_str())));
    let (run, _) = sandbox.replay(&["--name", "saved/whole"]);
    assert_eq!(run.code, 0, "{}\n{text}", run.err);
    demo.interrupt();
}

/// What recorders keep of deliveries.
fn kept(sandbox: &Sandbox) -> String {
    let all = super::sessions::walk(&sandbox.path("state"));
    let kept: Vec<_> = all.into_iter().filter(|path| path.to_string_lossy().contains("/deliveries/")).collect();
    assert!(!kept.is_empty(), "deliveries are kept for `trace --save-as`");
    kept.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The trace in the ledger of the demo, as OTLP JSON.
async fn otlp_of(http: &reqwest::Client, sandbox: &Sandbox, id: &str) -> String {
    let demo = fs::read_to_string(sandbox.path("demo.out")).unwrap();
    let tempo = demo.lines().find_map(|line| line.trim().strip_prefix("Tempo's API")).unwrap().trim().to_owned();
    let client = devstack::client::TempoClient::new(http.clone(), tempo);
    let trace = client.trace(devstack::model::TraceId::parse(id).unwrap(), devstack::client::Wire::Json).await.unwrap();
    let data = devstack::model::otlp::traces_data(trace.spans().iter().map(AsRef::as_ref));
    serde_json::to_string(&data).unwrap()
}
