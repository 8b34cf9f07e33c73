//! Traced servers: what a request's span carries, what the answer says, and the route that answers for the work.

use std::sync::Arc;

use axum::extract::Extension;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use devstack::support::work::PATH;
use devstack::telemetry::{
    Captured, RequestTrace, Settings, SpanData, SpanKind, Status, Telemetry, WorkQuery, WorkReport, trace_requests, work_routes,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A traced service on a free port; returns its base URL too.
async fn serve() -> (String, Telemetry, Captured) {
    serve_until(&Arc::default()).await
}

/// The same; its background work goes on until `release` is notified.
async fn serve_until(release: &Arc<Notify>) -> (String, Telemetry, Captured) {
    let (telemetry, captured) = Telemetry::start_capturing(&Settings::new("medicalcor-api"));
    let router = Router::new()
        .route("/webhooks/{kind}", post(|Extension(trace): Extension<RequestTrace>| async move { trace.correlation_id }))
        .route("/fails", get(|| async { StatusCode::BAD_GATEWAY }))
        .route("/background", post(background))
        .merge(work_routes(&telemetry));
    let router = trace_requests(&telemetry, router).layer(Extension(telemetry.clone())).layer(Extension(release.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, telemetry, captured)
}

/// Answers at once; the work goes on.
async fn background(
    Extension(telemetry): Extension<Telemetry>,
    Extension(release): Extension<Arc<Notify>>,
    Extension(trace): Extension<RequestTrace>,
) -> Json<String> {
    let tracer = telemetry.tracer("test");
    telemetry.spawn(trace.context(), async move {
        let span = tracer.internal("background").start();
        release.notified().await;
        drop(span);
    });
    Json(trace.span.trace_id().to_string())
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|pair| pair.key.as_str() == key).map(|pair| pair.value.to_string())
}

async fn ask(base: &str, question: &str) -> WorkReport {
    let answer = reqwest::get(format!("{base}{PATH}?{question}")).await.expect("the service answers");
    answer.json().await.expect("a work report")
}

#[tokio::test]
async fn a_request_gets_a_span_under_its_caller_and_an_answer_that_names_it() {
    let (base, _telemetry, captured) = serve().await;
    let answer = reqwest::Client::new()
        .post(format!("{base}/webhooks/whatsapp?hub.verify_token=secret"))
        .header("traceparent", PARENT)
        .header("tracestate", "devstack=1")
        .header("x-correlation-id", "c-1")
        .send()
        .await
        .expect("the service answers");
    assert_eq!(answer.headers()["x-correlation-id"], "c-1");
    let traceresponse = answer.headers()["traceresponse"].to_str().expect("ASCII").to_owned();
    assert_eq!(answer.text().await.expect("a body"), "c-1");

    let span = captured.span("POST /webhooks/{kind}").expect("the request's span");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(span.span_context.trace_state().header(), "devstack=1");
    assert_eq!(span.status, Status::Unset);
    assert_eq!(traceresponse, format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", span.span_context.span_id()));
    for (key, value) in [
        ("http.method", "POST"),
        ("http.route", "/webhooks/{kind}"),
        ("http.url", "/webhooks/whatsapp"),
        ("http.status_code", "200"),
        ("medicalcor.correlation_id", "c-1"),
    ] {
        assert_eq!(text(&span, key).as_deref(), Some(value), "{key}");
    }
    assert!(!format!("{span:?}").contains("secret"), "the query holds verify tokens");
}

#[tokio::test]
async fn only_a_5xx_is_an_error_and_an_unmatched_path_is_no_name() {
    let (base, _telemetry, captured) = serve().await;
    reqwest::get(format!("{base}/no/such/page")).await.expect("the service answers");
    reqwest::get(format!("{base}/fails")).await.expect("the service answers");
    let lost = captured.span("GET").expect("the unmatched request's span");
    assert_eq!((lost.status.clone(), text(&lost, "http.status_code").as_deref()), (Status::Unset, Some("404")));
    assert!(text(&lost, "http.route").is_none());
    let failed = captured.span("GET /fails").expect("the failed request's span");
    assert!(matches!(failed.status, Status::Error { .. }));
    assert_eq!(text(&failed, "error.type").as_deref(), Some("502"));
}

#[tokio::test]
async fn without_a_correlation_id_a_new_one_is_made_and_told() {
    let (base, _telemetry, captured) = serve().await;
    let answer = reqwest::Client::new().post(format!("{base}/webhooks/stripe")).send().await.expect("the service answers");
    let told = answer.headers()["x-correlation-id"].to_str().expect("ASCII").to_owned();
    let span = captured.span("POST /webhooks/{kind}").expect("the request's span");
    assert_eq!(text(&span, "medicalcor.correlation_id"), Some(told.clone()));
    let report = ask(&base, &format!("correlation_id={told}")).await;
    assert_eq!(report.traces, [span.span_context.trace_id().to_string()]);
}

#[tokio::test]
async fn the_work_route_waits_for_background_work_and_is_not_traced() {
    let release = Arc::new(Notify::new());
    let (base, telemetry, captured) = serve_until(&release).await;
    let answer = reqwest::Client::new().post(format!("{base}/background")).send().await.expect("the service answers");
    let trace_id: String = answer.json().await.expect("a trace id");
    let report = ask(&base, &format!("trace_id={trace_id}&wait_ms=1")).await;
    assert_eq!((report.active, report.exported), (1, 1), "{report:?}");
    release.notify_one();
    let report = ask(&base, &format!("trace_id={trace_id}&wait_ms=10000")).await;
    assert!(report.idle(), "{report:?}");
    assert_eq!((report.service.as_str(), report.exported), ("medicalcor-api", 2));
    assert_eq!(report.instance, telemetry.instance());
    assert!(captured.span("background").is_some());
    assert_eq!(captured.spans().len(), 2, "asking makes no span");

    let stranger = ask(&base, "correlation_id=nobody").await;
    assert!(stranger.traces.is_empty());
    assert!(telemetry.work().report(&WorkQuery::Correlation("nobody".to_owned())).traces.is_empty(), "asking leaves no trace");
    for question in ["", "trace_id=xyz", "trace_id=00&correlation_id=c-1"] {
        let answer = reqwest::get(format!("{base}{PATH}?{question}")).await.expect("the service answers");
        assert_eq!(answer.status(), 400, "`{question}`");
    }
}
