//! The hop that lost spans, named from what real containers count.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use devstack::{
    check::{CaseReport, Verdict},
    client::{HopAddress, HopKind, StoreAddress, StoreKind, loopback},
    support::address::Address,
};
use tokio_util::sync::CancellationToken;

use crate::{
    containers::{COLLECTOR, Container, JAEGER, available},
    stage::{REQUEST, Stage, serve},
};

const PORTS: [&str; 4] =
    ["--publish=127.0.0.1::4318", "--publish=127.0.0.1::8888", "--publish=127.0.0.1::13133", "--publish=127.0.0.1::16686"];

async fn jaeger() -> Container {
    let jaeger = Container::run(JAEGER, &PORTS, &[]);
    jaeger.answers(16686, "/").await;
    jaeger
}

/// A collector that sends to this address, and does with it what `more` says.
async fn collector(endpoint: &str, more: &str) -> Container {
    let config = format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: 0.0.0.0:4318}}}}}}
extensions:
  health_check: {{endpoint: 0.0.0.0:13133}}
processors:
  batch: {{timeout: 10ms}}
exporters:
  otlp_http/jaeger:
    endpoint: {endpoint}
{more}
service:
  extensions: [health_check]
  telemetry:
    metrics:
      level: detailed
      readers: [{{pull: {{exporter: {{prometheus: {{host: 0.0.0.0, port: 8888}}}}}}}}]
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [otlp_http/jaeger]}}
"
    );
    let options: Vec<_> = PORTS.into_iter().map(str::to_owned).chain([format!("--env=OTELCOL_CONFIG={config}")]).collect();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let collector = Container::run(COLLECTOR, &options, &["--config=env:OTELCOL_CONFIG"]);
    collector.answers(13133, "/").await.answers(8888, "/metrics").await;
    collector
}

/// Runs a case whose telemetry goes to a ledger and, through the collector, to Jaeger.
async fn judged(collector: &Container, jaeger: &Container) -> CaseReport {
    let stage = Stage::open().await;
    let next = [stage.otlp.clone(), collector.port(4318)];
    // A stand-in for the receiver in front: keeps, and passes on.
    let http = loopback().unwrap();
    let pass_on = move |headers: HeaderMap, body: Bytes| async move {
        let content_type = headers["content-type"].clone();
        for base in next {
            let sent = http.post(format!("{base}/v1/traces")).header("content-type", &content_type).body(body.clone()).send();
            if !sent.await.is_ok_and(|answer| answer.status().is_success()) {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
        }
        StatusCode::OK
    };
    let (front, _) = serve(Router::new().route("/v1/traces", post(pass_on)), CancellationToken::new()).await;
    let hop = |name: &str, kind, container: &Container| HopAddress {
        name: name.to_owned(),
        kind,
        metrics: format!("{}/metrics", container.port(8888)),
    };
    let fixture = format!("name: x\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n");
    let report = stage.judged(&fixture, &front, |grounds| {
        grounds.flush = Duration::from_millis(50);
        grounds.store = Some(StoreAddress { kind: StoreKind::Jaeger, at: Address::plain(jaeger.port(16686)) });
        grounds.hops = vec![hop("collector", HopKind::Collector, collector), hop("jaeger", HopKind::Jaeger, jaeger)];
    });
    report.await.cases.remove(0)
}

/// The sentence about the hop that lost it, of a case in which nothing else was wrong.
fn blame(case: &CaseReport) -> &str {
    assert_eq!((case.verdict, case.stored), (Verdict::Broken, Some((0, 3))), "{:#?}", case.findings);
    let lost = &case.findings[0];
    assert_eq!(lost.headline, "Jaeger has none of the 3 spans of this trace.");
    assert!(lost.details[0].contains("`GET /page` of stranger"), "{lost:#?}");
    &lost.details[1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_reaches_jaeger_loses_nothing() {
    if !available(&[COLLECTOR, JAEGER]) {
        return;
    }
    let jaeger = jaeger().await;
    let collector = collector(&format!("http://{}:4318", jaeger.ip()), "").await;
    let case = judged(&collector, &jaeger).await;
    assert_eq!((case.verdict, case.stored), (Verdict::Held, Some((3, 3))), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_with_a_wrong_address_is_named_with_it() {
    if !available(&[COLLECTOR, JAEGER]) {
        return;
    }
    let jaeger = jaeger().await;
    let gives_up = collector("http://127.0.0.1:9", "    retry_on_failure: {enabled: false}").await;
    let case = judged(&gives_up, &jaeger).await;
    let expected = "The collector could not send 3 spans to 127.0.0.1:9: it has given up (exporter `otlp_http/jaeger`).";
    assert_eq!(blame(&case), expected);
    assert_eq!(case.findings[0].hint.as_deref(), Some("devstack logs collector"));

    let goes_on = collector("http://127.0.0.1:9", "    retry_on_failure: {max_elapsed_time: 5m}").await;
    let case = judged(&goes_on, &jaeger).await;
    assert!(blame(&case).starts_with("The collector still holds "), "{:#?}", case.findings);
    assert!(blame(&case).ends_with(" in its queue for `otlp_http/jaeger`."), "{:#?}", case.findings);

    // Its own page of metrics knows no such path: a final answer.
    let refused = collector("http://127.0.0.1:8888/nowhere", "").await;
    let case = judged(&refused, &jaeger).await;
    assert!(blame(&case).starts_with("The collector could not send 3 spans to 127.0.0.1:8888: the answer was no"), "{case:#?}");

    // Its health page says yes to everything, and keeps nothing.
    let elsewhere = collector("http://127.0.0.1:13133", "").await;
    let case = judged(&elsewhere, &jaeger).await;
    let words = "The collector sent 3 spans on, and Jaeger counted ";
    assert!(blame(&case).starts_with(words), "{:#?}", case.findings);
}
