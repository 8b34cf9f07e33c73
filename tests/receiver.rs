//! The receiver as senders see it: the real exporters on every protocol, then everything that a sender can get wrong.

mod exporters;
mod forward;
mod grpc;
mod http;
mod load;
mod pages;
mod shutdown;
mod traffic;

use std::time::Duration;

use devstack::{
    backend::{Backend, Config, Feed, Ledger, TrafficHandle},
    model::TraceId,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const GUARD: Duration = Duration::from_mins(1);

/// A running backend.
struct Running {
    grpc: String,
    http: String,
    api: String,
    ledger: Ledger,
    traffic: TrafficHandle,
    feed: Feed,
    shutdown: CancellationToken,
    done: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(config: Config) -> Self {
        // The exporters' HTTP clients are made outside of devstack.
        devstack::support::tls::install();
        let backend = Backend::bind(config).await.unwrap();
        let url = |address| format!("http://{address}");
        let (grpc, http, api) = (url(backend.otlp_grpc()), url(backend.otlp_http()), url(backend.api()));
        let (ledger, traffic, feed) = (backend.ledger(), backend.traffic(), backend.feed());
        let shutdown = CancellationToken::new();
        let done = tokio::spawn(backend.run(shutdown.clone()));
        Self { grpc, http, api, ledger, traffic, feed, shutdown, done }
    }

    /// A backend that takes no more than 64 KiB a request.
    async fn small() -> Self {
        Self::start(Config { request_limit: 64 * 1024, ..Config::default() }).await
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(GUARD, self.done).await.expect("the backend drains").unwrap();
    }

    fn arrived(&self, trace: TraceId) -> usize {
        self.ledger.view(trace).arrivals.len()
    }
}

/// A request with a span of these ids each.
fn request(ids: &[(Vec<u8>, Vec<u8>)]) -> ExportTraceServiceRequest {
    let spans = ids
        .iter()
        .map(|(trace_id, span_id)| Span {
            trace_id: trace_id.clone(),
            span_id: span_id.clone(),
            name: "work".to_owned(),
            ..Span::default()
        })
        .collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

/// A trace id and a request with one span of it.
fn one_span() -> (TraceId, ExportTraceServiceRequest) {
    let trace = TraceId::random();
    (trace, request(&[(trace.bytes().to_vec(), vec![1; 8])]))
}

/// A request that one span's name makes this large.
fn large(bytes: usize) -> ExportTraceServiceRequest {
    let (_, mut request) = one_span();
    request.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(bytes);
    request
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, data).unwrap();
    encoder.finish().unwrap()
}
