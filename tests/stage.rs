//! A stage for one run: a backend that receives, and a service that exports by OTLP like any other and knows nothing of devstack.
//!
//! Used by the tests of what the judge does without work reports, and of the witness.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::HeaderMap, routing::get};
use devstack::{
    backend::{Backend, Config},
    check::{self, Grounds, Judge, Plan, RunReport, ServiceAddress},
    client::{self, OtlpClient, StoreAddress, StoreKind},
    fixture::{self, LoadOptions},
    model::{Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::{
        address::Address,
        clock::{self, Stopwatch},
    },
    webhook::Secrets,
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
        let page = Router::new().route("/page", get(move |headers: HeaderMap| async move { page(&headers, exporter) }));
        let (url, serving) = serve(page, self.shutdown.clone()).await;
        let mut grounds = Grounds {
            stack: "a stranger".into(),
            http,
            ledger: self.api.clone(),
            judge: Judge::Ledger,
            store: Some(self.store()),
            store_patience: check::STORE_PATIENCE,
            hops: Vec::new(),
            quiet: check::QUIET,
            otlp: otlp.to_owned(),
            services: vec![ServiceAddress { name: "stranger".into(), url }],
            externals: None,
            secrets: Secrets::generated(),
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

/// A page that exports its SERVER span a moment after it answered, as any exporter does.
fn page(headers: &HeaderMap, otlp: OtlpClient) -> &'static str {
    let sent = headers.get("traceparent").and_then(|header| header.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split('-').skip(1);
    let (trace_id, parent) = (parts.next().and_then(TraceId::parse), parts.next().and_then(SpanId::parse));
    let span = Span {
        trace_id: trace_id.unwrap_or_else(TraceId::random),
        span_id: SpanId::random(),
        parent_id: parent,
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
