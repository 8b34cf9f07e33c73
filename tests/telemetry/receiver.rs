//! An OTLP receiver for these tests: HTTP (protobuf, JSON, gzip) and gRPC on one port, that answers, refuses or keeps silent.

use std::io::Read;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What the receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Keeps it and says so.
    Answer,
    /// Says 400, which exporters do not try again.
    Refuse,
    /// Accepts it and never answers, until the manner changes.
    Silent,
}

/// Everything that arrived.
#[derive(Debug, Default, Clone)]
pub(super) struct Received {
    pub(super) traces: Vec<ExportTraceServiceRequest>,
    pub(super) metrics: Vec<ExportMetricsServiceRequest>,
    pub(super) logs: Vec<ExportLogsServiceRequest>,
    pub(super) headers: Vec<HeaderMap>,
}

/// A running receiver.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    /// Base URL.
    pub(super) endpoint: String,
    shared: Shared,
}

#[derive(Debug, Clone)]
struct Shared {
    received: Arc<Mutex<Received>>,
    manner: watch::Sender<Manner>,
    arrivals: watch::Sender<usize>,
}

impl Receiver {
    /// Listens on a free port of this machine.
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let shared = Shared { received: Arc::default(), manner: watch::channel(manner).0, arrivals: watch::channel(0).0 };
        let router = router(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, shared }
    }

    pub(super) fn behave(&self, manner: Manner) {
        self.shared.manner.send_replace(manner);
    }

    pub(super) fn received(&self) -> Received {
        self.shared.received.lock().expect("no test panics while it holds the lock").clone()
    }

    /// Waits until `count` requests have come in, answered or not.
    pub(super) async fn arrivals(&self, count: usize) {
        let mut arrivals = self.shared.arrivals.subscribe();
        arrivals.wait_for(|so_far| *so_far >= count).await.expect("the receiver holds the sender");
    }

    /// Names of the spans that were kept, in the order of arrival.
    pub(super) fn span_names(&self) -> Vec<String> {
        let received = self.received();
        let resources = received.traces.into_iter().flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
    }
}

impl Shared {
    /// Counts the arrival, then behaves as told; `true` if the request is to be kept.
    async fn accept(&self) -> bool {
        self.arrivals.send_modify(|count| *count += 1);
        let mut manner = self.manner.subscribe();
        let manner = manner.wait_for(|manner| *manner != Manner::Silent).await.expect("the receiver holds the sender");
        *manner == Manner::Answer
    }

    fn keep(&self, put: impl FnOnce(&mut Received)) {
        put(&mut self.received.lock().expect("no test panics while it holds the lock"));
    }
}

/// The value of a string attribute.
pub(super) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|pair| pair.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

fn router(shared: Shared) -> Router {
    let grpc = tonic::service::Routes::new(TraceServiceServer::new(shared.clone()))
        .add_service(MetricsServiceServer::new(shared.clone()))
        .add_service(LogsServiceServer::new(shared.clone()))
        .into_axum_router();
    grpc.route("/v1/traces", post(traces).with_state(shared.clone()))
        .route("/v1/metrics", post(metrics).with_state(shared.clone()))
        .route("/v1/logs", post(logs).with_state(shared))
}

async fn traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let request = decode(&headers, &body);
    receive(&shared, headers, request, |received, request| received.traces.push(request)).await
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let request = decode(&headers, &body);
    receive(&shared, headers, request, |received, request| received.metrics.push(request)).await
}

async fn logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let request = decode(&headers, &body);
    receive(&shared, headers, request, |received, request| received.logs.push(request)).await
}

/// The empty body is an empty response message in protobuf.
async fn receive<R>(shared: &Shared, headers: HeaderMap, request: R, put: impl FnOnce(&mut Received, R)) -> StatusCode {
    if !shared.accept().await {
        return StatusCode::BAD_REQUEST;
    }
    shared.keep(|received| {
        received.headers.push(headers);
        put(received, request);
    });
    StatusCode::OK
}

fn decode<R: Message + Default + serde::de::DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> R {
    let body = match headers.get("content-encoding") {
        Some(encoding) => {
            assert_eq!(encoding, "gzip");
            let mut unpacked = Vec::new();
            GzDecoder::new(body.as_ref()).read_to_end(&mut unpacked).expect("gzip");
            unpacked
        }
        None => body.to_vec(),
    };
    if headers["content-type"] == "application/json" {
        serde_json::from_slice(&body).expect("OTLP JSON")
    } else {
        R::decode(body.as_slice()).expect("OTLP protobuf")
    }
}

#[tonic::async_trait]
impl TraceService for Shared {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        answer(receive(self, metadata.into_headers(), request, |received, request| received.traces.push(request)).await)
    }
}

#[tonic::async_trait]
impl MetricsService for Shared {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        answer(receive(self, metadata.into_headers(), request, |received, request| received.metrics.push(request)).await)
    }
}

#[tonic::async_trait]
impl LogsService for Shared {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        answer(receive(self, metadata.into_headers(), request, |received, request| received.logs.push(request)).await)
    }
}

fn answer<R: Default>(status: StatusCode) -> Result<tonic::Response<R>, tonic::Status> {
    if status == StatusCode::OK {
        Ok(tonic::Response::new(R::default()))
    } else {
        Err(tonic::Status::invalid_argument("refused"))
    }
}
