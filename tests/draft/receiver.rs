//! A service that takes the webhooks of every built-in provider: it checks their signatures over what came, and exports the SERVER span of
//! each request by OTLP, as any instrumented service does. It knows nothing of devstack but how signatures are checked.

use std::sync::Arc;

use axum::{
    Json as Answer, Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, Uri},
};
use devstack::{
    client::{OtlpClient, loopback},
    model::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::clock,
    webhook::{Parts, Provider, Providers, Secrets, verify},
};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::stage::serve;

/// It ends with its value.
pub(super) struct Receiver {
    pub(super) url: String,
    _stop: DropGuard,
}

impl Receiver {
    /// One that shares these secrets and exports to `otlp`.
    pub(super) async fn start(secrets: Secrets, otlp: &str) -> Self {
        let exporter = OtlpClient::new(loopback().unwrap(), otlp);
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let status = if is_signed(&secrets, uri.path(), &headers, &body) { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            let (span, exporter) = (server_span(uri.path(), &headers, status), exporter.clone());
            // As an exporter does, a moment after the answer.
            tokio::spawn(async move { exporter.export(&[Arc::new(span)]).await });
            async move { (status, Answer(json!({ "received": status == StatusCode::OK }))) }
        });
        let stop = CancellationToken::new();
        let (url, _) = serve(router, stop.clone()).await;
        Self { url, _stop: stop.drop_guard() }
    }
}

/// Whether the request is signed as the provider does whose route it is.
fn is_signed(secrets: &Secrets, path: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let host = headers["host"].to_str().unwrap();
    let parts = Parts { body, url: &format!("http://{host}{path}"), id: "", unix_seconds: clock::unix_seconds() };
    let providers = Providers::built_in();
    let sender = providers.iter().find(|provider| provider.has_path() && provider.path() == path);
    sender.or(providers.get("plain")).is_some_and(|sender: &Provider| verify(sender, secrets, headers, &parts).is_ok())
}

fn server_span(path: &str, headers: &HeaderMap, status: StatusCode) -> Span {
    let sent = headers.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split('-').skip(1);
    let (trace_id, parent_id) = (parts.next().and_then(TraceId::parse), parts.next().and_then(SpanId::parse));
    let mut attributes: Attributes = [("http.request.method", "POST"), ("http.route", path)].into_iter().collect();
    attributes.push("http.response.status_code", i64::from(status.as_u16()));
    Span {
        trace_id: trace_id.unwrap_or_else(TraceId::random),
        span_id: SpanId::random(),
        parent_id,
        trace_state: String::new(),
        flags: 1,
        name: format!("POST {path}"),
        kind: SpanKind::Server,
        start_ns: clock::unix_nanos(),
        end_ns: clock::unix_nanos(),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", "shop")].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    }
}
