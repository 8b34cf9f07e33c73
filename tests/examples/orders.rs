//! `examples/python`: its trace and counter over each protocol of the Python SDK's exporters, and the flush at the end.
//!
//! There is no `http/json` among them: the SDK raises `Unsupported OTLP protocol`, and the service runs on without telemetry.

use base64::{Engine, prelude::BASE64_STANDARD};
use devstack::{client, model::SpanKind::Server};

use super::{
    arrived::{Place, Sent, Stack, hmac},
    install::{self, Example},
    service::{Running, Service},
};

const SECRET: &str = "shpss_of_a_test";
const TRACE: [Place<'_>; 1] = [("orders", Server, "POST /webhooks/shopify", None)];

/// Started the way the README says.
fn open(example: &Example, settings: &std::collections::BTreeMap<String, String>) -> Running {
    let command = [".venv/bin/opentelemetry-instrument", ".venv/bin/python", "app.py"];
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Service::new(&example.path(""), &command)
        .with_all(settings)
        .with_all([
            ("OTEL_SERVICE_NAME", "orders"),
            ("OTEL_PYTHON_FLASK_EXCLUDED_URLS", "health"),
            ("SHOPIFY_API_SECRET", SECRET),
        ])
        .start()
}

/// An order, signed with this secret as Shopify does, and the status of the answer.
async fn order(example: &Example, service: &Running, secret: &str) -> (Sent, u16) {
    let sent = Sent::new();
    let body = std::fs::read(example.path("fixtures/shopify/order-created.json")).unwrap();
    let request = client::loopback()
        .unwrap()
        .post(format!("{}/webhooks/shopify", service.url()))
        .header("content-type", "application/json")
        .header("x-shopify-hmac-sha256", BASE64_STANDARD.encode(hmac(secret, &[&body])))
        .header("traceparent", sent.traceparent())
        .body(body);
    (sent, request.send().await.unwrap().status().as_u16())
}

async fn whole_over(protocol: &str) {
    let Some(example) = install::python() else { return };
    let stack = Stack::up();
    let tail = stack.tail("1");
    let service = open(&example, &stack.settings(protocol));
    let (sent, status) = order(&example, &service, SECRET).await;
    assert_eq!(status, 200, "{}", service.output());
    assert_eq!(sent.whole(&stack.spans(sent, 1).await), TRACE);
    assert_eq!(stack.shown(sent)["spans"][0]["attributes"]["http.route"], "/webhooks/shopify");
    let lines = tail.end().json();
    assert_eq!(lines[0]["trace_id"], sent.trace.to_string().as_str(), "{lines:#?}");
    assert_eq!(stack.counted("orders.webhooks").await, [("true shopify".into(), 1.0)].into());
    service.terminate();

    // Everything that waits in the queues goes out when the service ends.
    let service = open(&example, &stack.settings_of_silence(protocol));
    let (sent, _) = order(&example, &service, SECRET).await;
    let (forged, status) = order(&example, &service, "another").await;
    assert_eq!(status, 401);
    service.terminate();
    assert_eq!(sent.whole(&stack.spans(sent, 1).await), TRACE);
    assert_eq!(forged.whole(&stack.spans(forged, 1).await), TRACE);
    let counted = [("false shopify".into(), 1.0), ("true shopify".into(), 2.0)];
    assert_eq!(stack.counted("orders.webhooks").await, counted.into());
    assert_eq!(stack.traffic()["spans"]["received"], 1 + 3, "the canary and the traces");
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
async fn over_json_there_is_a_service_without_telemetry() {
    let Some(example) = install::python() else { return };
    let stack = Stack::up();
    let service = open(&example, &stack.settings("http/json"));
    let (_, status) = order(&example, &service, SECRET).await;
    assert_eq!(status, 200);
    let said = service.terminate();
    assert!(said.contains("Unsupported OTLP protocol 'http/json'"), "{said}");
    assert_eq!(stack.traffic()["spans"]["received"], 1, "the canary");
}
