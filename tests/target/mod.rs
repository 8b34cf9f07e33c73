//! Fixtures sent at services that run already, with the real binary: services that behave and services that do not, each told what it is,
//! and nothing ever sent twice.

mod asked;
mod clock;
mod processes;
mod receiving;
mod refused;
mod service;
mod tls;
mod trouble;

use serde_json::Value as Json;

use crate::{
    sandbox::{Run, Sandbox},
    up::stand::Stand,
};

/// What Stripe deliveries are signed with here.
const SECRET: &str = "whsec_of_the_tests";

/// The request of a fixture that needs that secret.
const PAYMENT: &str = "request: { stripe: payment.json }\n";

/// A project with a fixture and the body that it sends.
fn furnish(sandbox: &Sandbox, fixtures: &[(&str, &str)]) {
    let body = include_bytes!("../../fixtures/stripe/payment-succeeded.json");
    sandbox.write("fixtures/payment.json", body);
    for (name, text) in fixtures {
        sandbox.write(&format!("fixtures/{name}"), text);
    }
}

/// A project with an embedded stack that is up, and where that takes OTLP over HTTP.
async fn stage(fixtures: &[(&str, &str)]) -> (Stand, String) {
    let fixtures: Vec<(String, String)> = fixtures.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    blocking(move || {
        let stand = Stand::new();
        let fixtures: Vec<_> = fixtures.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        furnish(&stand.sandbox, &fixtures);
        let up = stand.up(&["--runtime", "embedded"]);
        let otlp = up["note"]["otlp_http"].as_str().expect("the note says it").to_owned();
        (stand, otlp)
    })
    .await
}

/// Replays in a project, with the secret in the environment, while the services of the test go on; text and the JSON report.
async fn replay(stand: Stand, args: &[&str]) -> (Stand, Run, Json) {
    let args: Vec<String> = ["replay", "fixtures", "--format", "json"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
    blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = stand.sandbox.command(&args).env("STRIPE_WEBHOOK_SECRET", SECRET).output().expect("the binary starts");
        let run = Run::of(&output);
        let report = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.out, run.err));
        (stand, run, report)
    })
    .await
}

/// Off the threads on which the services of the test run.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A case of a report.
#[track_caller]
fn case<'a>(report: &'a Json, id: &str) -> &'a Json {
    let cases = report["cases"].as_array().unwrap();
    cases.iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}: {report:#}"))
}

/// All sentences of a case.
fn sentences(case: &Json) -> String {
    let mut said = String::new();
    for finding in case["findings"].as_array().unwrap() {
        said += finding["headline"].as_str().unwrap();
        said.push('\n');
        for detail in finding["details"].as_array().unwrap() {
            said += detail.as_str().unwrap();
            said.push('\n');
        }
        said += finding["hint"].as_str().unwrap_or_default();
        said.push('\n');
    }
    said
}
