//! A service that does not report its work: the judge has only what arrives, so that absence rests on *quiet*, and what lacks is waited for
//! until the deadline.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::HeaderMap, routing::get};
use devstack::{
    backend::{Backend, Config},
    check::{self, CaseReport, Evidence, Grounds, Plan, ServiceAddress, Verdict},
    client::{self, OtlpClient},
    fixture::{self, LoadOptions},
    model::{Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::clock::{self, Stopwatch},
    webhook::Secrets,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::sandbox::Sandbox;

/// A page that exports its SERVER span a moment after it answered, as any exporter does, and knows nothing of devstack.
fn page(headers: &HeaderMap, otlp: OtlpClient) -> &'static str {
    let traceparent = headers["traceparent"].to_str().unwrap();
    let mut parts = traceparent.split('-').skip(1);
    let (trace_id, parent) = (parts.next().unwrap(), parts.next().unwrap());
    let span = Span {
        trace_id: TraceId::parse(trace_id).unwrap(),
        span_id: SpanId::random(),
        parent_id: SpanId::parse(parent),
        trace_state: String::new(),
        flags: 1,
        name: "GET /page".into(),
        kind: SpanKind::Server,
        start_ns: clock::unix_nanos(),
        end_ns: clock::unix_nanos(),
        attributes: [("http.status_code", 200_i64)].into_iter().collect(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", "stranger")].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    };
    tokio::spawn(async move { otlp.export(&[Arc::new(span)]).await.unwrap() });
    "hello"
}

/// Runs one fixture against the stranger.
async fn judged(fixture: &str) -> CaseReport {
    judged_by(fixture, None).await
}

/// The same, by a judge who reads the ledger at this address, where it is not the receiver's own.
async fn judged_by(fixture: &str, ledger: Option<&str>) -> CaseReport {
    let sandbox = Sandbox::new();
    sandbox.write("fixtures/case.yaml", fixture);
    let shutdown = CancellationToken::new();
    let backend = Backend::bind(Config::default()).await.unwrap();
    let (api, otlp) = (format!("http://{}", backend.api()), format!("http://{}", backend.otlp_http()));
    let receiving = tokio::spawn(backend.run(shutdown.clone()));

    let http = client::loopback().unwrap();
    let exporter = OtlpClient::new(http.clone(), otlp.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/page", get(move |headers: HeaderMap| async move { page(&headers, exporter) }));
    let stop = shutdown.clone();
    let serving =
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap() });

    let options = LoadOptions { home: sandbox.path(""), ..LoadOptions::default() };
    let suite = fixture::load(&[sandbox.path("fixtures")], &options).unwrap();
    let grounds = Grounds {
        stack: "a stranger".into(),
        http,
        ledger: ledger.map_or(api, str::to_owned),
        otlp,
        services: vec![ServiceAddress { name: "stranger".into(), url }],
        externals: None,
        secrets: Secrets::generated(),
        isolation: None,
    };
    let (events, _inbox) = mpsc::unbounded_channel();
    let plan = Plan::new(suite, 1, None);
    let running = check::run(plan, Arc::new(grounds), Stopwatch::start(), "test".into(), events, CancellationToken::new());
    let mut finished = tokio::time::timeout(Duration::from_mins(2), running).await.expect("a run ends");
    shutdown.cancel();
    receiving.await.unwrap();
    serving.await.unwrap();
    finished.report.cases.remove(0)
}

const REQUEST: &str = "request: { path: /page, service: stranger }\nresponse: 200\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_count_holds_on_quiet_and_says_so() {
    let case = judged(&format!("name: x\ndeadline: 30s\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n")).await;
    assert_eq!((case.verdict, case.evidence), (Verdict::Held, Evidence::Quiet), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lacks_is_waited_for_until_the_deadline_and_then_fails() {
    let case =
        judged(&format!("name: x\ndeadline: 8s\n{REQUEST}trace: [{{ server: GET /page }}, {{ client: db.SELECT }}]\n")).await;
    assert_eq!(case.verdict, Verdict::Failed, "{:#?}", case.findings);
    assert!(case.elapsed >= Duration::from_secs(8), "given up on quiet alone, after {:?}", case.elapsed);
    assert!(case.findings.iter().any(|finding| finding.headline.contains("db.SELECT")), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_is_not_enough_where_more_is_demanded() {
    let case =
        judged(&format!("name: x\ndeadline: 7s\nevidence: drained\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n")).await;
    assert_eq!(case.verdict, Verdict::Undecided, "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be_read_is_no_empty_trace() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let case = judged_by(&format!("name: x\ndeadline: 1s\n{REQUEST}trace: none\n"), Some(&address)).await;
    assert_eq!((case.verdict, case.findings[0].code.as_str()), (Verdict::Broken, "case.ledger"), "{:#?}", case.findings);
}
