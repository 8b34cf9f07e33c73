//! `examples/node`: whole traces and counters over each protocol of the Node SDK, the flush at the end, and what the one line is for.

use std::collections::BTreeMap;

use axum::{Json as Answer, Router, http::StatusCode, routing::post};
use devstack::{
    client,
    model::SpanKind::{Client, Consumer, Producer, Server},
    support::clock,
};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::{
    arrived::{Place, Sent, Stack, hmac, service},
    install::{self, Example},
    service::{Running, Service},
};

const STRIPE: &str = "whsec_of_a_test";
const GITHUB: &str = "hook_of_a_test";
/// What hangs below what, sorted.
const TRACE: [Place<'_>; 6] = [
    ("api", Client, "POST", Some("payment_intent.succeeded send")),
    ("api", Producer, "payment_intent.succeeded send", Some("POST /webhooks/stripe")),
    ("api", Server, "POST /webhooks/stripe", None),
    ("worker", Client, "POST", Some("payment_intent.succeeded process")),
    ("worker", Consumer, "payment_intent.succeeded process", Some("payment_intent.succeeded send")),
    ("worker", Server, "POST /jobs", Some("POST")),
];

/// Both services, and a mail service that is not instrumented.
pub(crate) struct Shop {
    pub(crate) api: Running,
    pub(crate) worker: Running,
    mail: CancellationToken,
}

impl Shop {
    /// Started the way the README says, with these settings for both.
    pub(crate) async fn open(example: &Example, settings: &BTreeMap<String, String>) -> Self {
        let mail = CancellationToken::new();
        let send = || async { (StatusCode::ACCEPTED, Answer(json!({ "queued": true }))) };
        let (mail_url, _) = crate::stage::serve(Router::new().route("/send", post(send)), mail.clone()).await;
        let npm = |script: &str| {
            let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Service::new(&example.path(""), &["npm", "run", "--silent", script]).with_all(settings)
        };
        let worker = npm("worker").with("MAIL_URL", mail_url).start();
        let api = npm("api")
            .with("WORKER_URL", worker.url())
            .with_all([("STRIPE_WEBHOOK_SECRET", STRIPE), ("GITHUB_WEBHOOK_SECRET", GITHUB)]);
        Self { api: api.start(), worker, mail }
    }

    /// Ends both as a supervisor does, the sender first.
    pub(crate) fn close(self) {
        for said in [self.api.terminate(), self.worker.terminate()] {
            assert!(!said.contains("telemetry was lost"), "{said}");
        }
        self.mail.cancel();
    }

    async fn send(&self, path: &str, headers: &[(&str, String)], body: &[u8]) -> (u16, Json) {
        let request = client::loopback().unwrap().post(format!("{}{path}", self.api.url())).body(body.to_vec());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A payment, signed as Stripe does; accepted.
    pub(crate) async fn pays(&self, example: &Example) -> Sent {
        let sent = Sent::new();
        let body = std::fs::read(example.path("fixtures/stripe/payment-succeeded.json")).unwrap();
        let headers = [("stripe-signature", stripe(clock::unix_seconds(), &body)), ("traceparent", sent.traceparent())];
        let answer = self.send("/webhooks/stripe", &headers, &body).await;
        assert_eq!(answer, (200, json!({ "received": true })), "{}", self.api.output());
        sent
    }
}

fn stripe(time: i64, body: &[u8]) -> String {
    format!("t={time},v1={}", const_hex::encode(hmac(STRIPE, &[format!("{time}.").as_bytes(), body])))
}

/// Every protocol that the Node SDK speaks.
async fn whole_over(protocol: &str) {
    let Some(example) = install::node() else { return };
    let stack = Stack::up();
    let tail = stack.tail("6");
    let shop = Shop::open(&example, &stack.settings(protocol)).await;

    let sent = shop.pays(&example).await;
    assert_eq!(sent.whole(&stack.spans(sent, 6).await), TRACE);
    let shown = stack.shown(sent);
    assert_eq!((&shown["services"], shown["spans"].as_array().unwrap().len()), (&json!(["api", "worker"]), 6), "{shown:#}");
    let mut lines: Vec<(String, String)> = tail.end().json().iter().map(seen).collect();
    lines.sort();
    let mut spans: Vec<_> = TRACE.iter().map(|(service, _, name, _)| ((*service).to_owned(), (*name).to_owned())).collect();
    spans.sort();
    assert_eq!(lines, spans, "`tail` shows each");
    assert_eq!(stack.counted("shop.webhooks").await, [("true stripe".into(), 1.0)].into());
    assert_eq!(stack.counted("shop.jobs").await, [("done payment_intent.succeeded".into(), 1.0)].into());
    shop.close();
    assert_eq!(stack.traffic()["spans"]["received"], 1 + 6, "the canary and the trace");

    // Everything that waits in the queues goes out when a service ends.
    let shop = Shop::open(&example, &stack.settings_of_silence(protocol)).await;
    let sent = shop.pays(&example).await;
    shop.close();
    assert_eq!(sent.whole(&stack.spans(sent, 6).await), TRACE);
    assert_eq!(stack.counted("shop.webhooks").await, [("true stripe".into(), 2.0)].into());
    assert_eq!(stack.counted("shop.jobs").await, [("done payment_intent.succeeded".into(), 2.0)].into());
    assert_eq!(stack.traffic()["spans"]["received"], 1 + 12);
}

fn seen(line: &Json) -> (String, String) {
    let text = |key: &str| line[key].as_str().unwrap_or_else(|| panic!("no {key}: {line:#}")).to_owned();
    (text("service"), text("name"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_over_http_json() {
    whole_over("http/json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_over_http_protobuf() {
    whole_over("http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_over_grpc() {
    whole_over("grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_accepted() {
    let Some(example) = install::node() else { return };
    let stack = Stack::up();
    let shop = Shop::open(&example, &stack.settings("http/json")).await;
    let body = std::fs::read(example.path("fixtures/github/push.json")).unwrap();
    let github = |secret: &str| format!("sha256={}", const_hex::encode(hmac(secret, &[&body])));
    let (now, hour) = (clock::unix_seconds(), 3600);
    let other_body = stripe(now, b"{}");
    let signatures = [
        ("/webhooks/stripe", "stripe-signature", String::new(), 401),
        ("/webhooks/stripe", "stripe-signature", other_body, 401),
        ("/webhooks/stripe", "stripe-signature", stripe(now - hour, &body), 401),
        ("/webhooks/github", "x-hub-signature-256", github(STRIPE), 401),
        ("/webhooks/github", "x-other", github(GITHUB), 401),
        ("/webhooks/github", "x-hub-signature-256", github(GITHUB), 200),
    ];
    for (path, header, signature, status) in signatures {
        let answer = shop.send(path, &[(header, signature)], &body).await;
        assert_eq!(answer.0, status, "{path}: {}", answer.1);
    }
    shop.close();
    let counted = [("false github".into(), 2.0), ("false stripe".into(), 3.0), ("true github".into(), 1.0)];
    assert_eq!(stack.counted("shop.webhooks").await, counted.into());
    assert_eq!(stack.counted("shop.jobs").await, [("done push".into(), 1.0)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_line_the_work_is_in_another_trace() {
    let Some(example) = install::node() else { return };
    example.without_line("api.mjs", "propagation.inject(context.active(), job)");
    let stack = Stack::up();
    let tail = stack.tail("6");
    let shop = Shop::open(&example, &stack.settings("http/protobuf")).await;
    let sent = shop.pays(&example).await;
    shop.close();
    let spans = stack.spans(sent, 4).await;
    let left: Vec<_> = TRACE.into_iter().filter(|place| !matches!(place, ("worker", Consumer | Client, ..))).collect();
    assert_eq!(sent.whole(&spans), left);
    assert!(spans.iter().any(|span| service(span) == "worker"), "the instrumentation of HTTP still connects both");
    let trace = sent.trace.to_string();
    let mut elsewhere: Vec<_> = tail.end().json().iter().filter(|line| line["trace_id"] != trace.as_str()).map(seen).collect();
    elsewhere.sort();
    let work = ["POST", "payment_intent.succeeded process"].map(|name| ("worker".to_owned(), name.to_owned()));
    assert_eq!(elsewhere, work);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_loses_what_it_had_and_goes_on_when_it_is_back() {
    let Some(example) = install::node() else { return };
    let stack = Stack::up();
    let mut shop = Shop::open(&example, &stack.settings_of_silence("http/protobuf")).await;
    let lost = shop.pays(&example).await;
    let (url, pid) = (shop.api.url(), shop.api.pid());
    shop.api = shop.api.restart();
    assert_eq!(shop.api.url(), url);
    assert_ne!(shop.api.pid(), pid);
    let sent = shop.pays(&example).await;
    shop.close();
    assert_eq!(sent.whole(&stack.spans(sent, 6).await), TRACE);
    // The worker has ended and said all it had; the killed process said nothing.
    let left = stack.spans(lost, 3).await;
    assert!(left.len() == 3 && left.iter().all(|span| service(span) == "worker"), "{left:#?}");
    assert_eq!(stack.counted("shop.webhooks").await, [("true stripe".into(), 1.0)].into());
}
