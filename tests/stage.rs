//! A stage for one run: a backend that receives, and a service that exports by OTLP like any other and knows nothing of devstack.
//!
//! Used by the tests of what the judge does without work reports, and of the witness.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri},
};
use devstack::{
    backend::{Backend, Config},
    check::{self, Aim, Grounds, Judge, Plan, RunReport, ServiceAddress},
    client::{self, OtlpClient, StoreAddress, StoreKind},
    fixture::{self, LoadOptions},
    model::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::{
        address::Address,
        clock::{self, Stopwatch},
    },
    webhook::{Secrets, secrets::OF_DEMO},
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::sandbox::Sandbox;

/// The request of a fixture for the service.
pub(crate) const REQUEST: &str = "request: { path: /page, service: stranger }\nresponse: 200\n";

/// A backend that runs until the stage is closed.
pub(crate) struct Stage {
    /// Its API: ledger and Tempo's.
    pub(crate) api: String,
    /// Its receiver of OTLP over HTTP.
    pub(crate) otlp: String,
    /// How often the fixture runs.
    pub(crate) repeat: u32,
    /// How many cases run at once.
    pub(crate) jobs: Option<usize>,
    shutdown: CancellationToken,
    receiving: JoinHandle<()>,
}

impl Stage {
    /// A backend on free ports.
    pub(crate) async fn open() -> Self {
        let shutdown = CancellationToken::new();
        let backend = Backend::bind(Config::default()).await.unwrap();
        let (api, otlp) = (format!("http://{}", backend.api()), format!("http://{}", backend.otlp_http()));
        let receiving = tokio::spawn(backend.run(shutdown.clone()));
        Self { api, otlp, repeat: 1, jobs: None, shutdown, receiving }
    }

    /// The store that the backend itself is.
    pub(crate) fn store(&self) -> StoreAddress {
        StoreAddress { kind: StoreKind::Tempo, at: Address::plain(self.api.as_str()) }
    }

    /// Runs one fixture, whose service and whose devstack export to `otlp`, on grounds that the caller may change; then closes.
    pub(crate) async fn judged(self, fixture: &str, otlp: &str, change: impl FnOnce(&mut Grounds)) -> RunReport {
        let sandbox = Sandbox::new();
        sandbox.write("fixtures/case.yaml", fixture);
        let options = LoadOptions { home: sandbox.path(""), ..LoadOptions::default() };
        let suite = fixture::load(&[sandbox.path("fixtures")], &options).unwrap();

        let http = client::loopback().unwrap();
        let exporter = OtlpClient::new(http.clone(), otlp);
        let (url, serving) = serve(stranger(exporter), self.shutdown.clone()).await;
        let mut grounds = Grounds {
            stack: "a stranger".into(),
            aim: Aim::default(),
            http,
            ledger: self.api.clone(),
            judge: Judge::Ledger,
            store: Some(self.store()),
            store_patience: check::STORE_PATIENCE,
            hops: Vec::new(),
            flush: check::SDK_DELAY,
            examiner: None,
            otlp: otlp.to_owned(),
            services: vec![ServiceAddress { name: "stranger".into(), url }],
            externals: None,
            enqueued: None,
            secrets: Secrets::generated(OF_DEMO),
            isolation: None,
        };
        change(&mut grounds);
        let (events, _inbox) = mpsc::unbounded_channel();
        let plan = Plan::new(suite, self.repeat, self.jobs);
        let stop = CancellationToken::new();
        let running = check::run(plan, Arc::new(grounds), Stopwatch::start(), "test".into(), events, stop);
        let finished = tokio::time::timeout(Duration::from_mins(2), running).await.expect("a run ends");
        self.shutdown.cancel();
        self.receiving.await.unwrap();
        serving.await.unwrap();
        finished.report
    }
}

/// Serves until it is told to stop.
pub(crate) async fn serve(router: Router, stop: CancellationToken) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap() };
    (url, tokio::spawn(serving))
}

/// A service that exports a moment after it answered, as any exporter does: each page with its span (and the control requests of
/// devstack), `/lossy` with a job that a worker does in a trace of its own, and nothing where the caller does not sample. Only the worker
/// behind `/background` heeds no flag, and is done when the next control request has been.
fn stranger(otlp: OtlpClient) -> Router {
    let jobs: Arc<Mutex<Vec<Arc<Span>>>> = Arc::default();
    let answer = move |uri: Uri, headers: HeaderMap| {
        let spans = pages(uri.path(), &headers);
        if uri.path() == "/background" {
            jobs.lock().unwrap().push(Arc::new(span(sent_trace(&headers), "worker", SpanKind::Consumer)));
        }
        let done = if spans.is_empty() { Vec::new() } else { std::mem::take(&mut *jobs.lock().unwrap()) };
        let otlp = otlp.clone();
        async move {
            tokio::spawn(async move {
                otlp.export(&spans).await.unwrap();
                otlp.export(&done).await.unwrap();
            });
            if PAGES.contains(&uri.path()) { (StatusCode::OK, "hello") } else { (StatusCode::NOT_FOUND, "no such page") }
        }
    };
    Router::new().fallback(answer)
}

/// What it has.
const PAGES: [&str; 3] = ["/page", "/lossy", "/background"];

/// The trace that the caller sent, or a new one.
fn sent_trace(headers: &HeaderMap) -> TraceId {
    let sent = headers.get("traceparent").and_then(|header| header.to_str().ok()).unwrap_or_default();
    sent.split('-').nth(1).and_then(TraceId::parse).unwrap_or_else(TraceId::random)
}

fn pages(path: &str, headers: &HeaderMap) -> Vec<Arc<Span>> {
    let sent = headers.get("traceparent").and_then(|header| header.to_str().ok()).unwrap_or_default();
    let traced = PAGES.contains(&path) || path.ends_with("/barrier");
    if sent.ends_with("-00") || !traced {
        return Vec::new();
    }
    let (trace, parent_id) = (sent_trace(headers), sent.split('-').nth(2).and_then(SpanId::parse));
    let server = Span { parent_id, ..span(trace, "stranger", SpanKind::Server) };
    let mut server = Span { name: format!("GET {path}"), ..server };
    server.attributes.push("http.status_code", 200_i64);
    if path != "/lossy" {
        return vec![Arc::new(server)];
    }
    let mut call = Span { parent_id: Some(server.span_id), name: "POST".into(), ..span(trace, "stranger", SpanKind::Client) };
    call.attributes.push("url.full", "http://127.0.0.1:3001/jobs");
    let mut job = Span { name: "POST /jobs".into(), ..span(TraceId::random(), "worker", SpanKind::Server) };
    job.attributes.push("url.path", "/jobs");
    [server, call, job].map(Arc::new).into()
}

/// A root of its trace.
fn span(trace_id: TraceId, service: &str, kind: SpanKind) -> Span {
    Span {
        trace_id,
        span_id: SpanId::random(),
        parent_id: None,
        trace_state: String::new(),
        flags: 1,
        name: String::new(),
        kind,
        start_ns: clock::unix_nanos(),
        end_ns: clock::unix_nanos(),
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", service)].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    }
}
