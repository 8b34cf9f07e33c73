//! Sends spans by OTLP over HTTP in protobuf, as any exporter does.
//!
//! Read by `check` for devstack's own spans.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use reqwest::{Client, header};

use super::{ClientError, http};
use crate::model::{Span, otlp};

/// An OTLP/HTTP receiver.
#[derive(Debug, Clone)]
pub struct OtlpClient {
    http: Client,
    base: String,
}

impl OtlpClient {
    /// The receiver at `base`, to which `/v1/traces` is added.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// Exports spans; nothing is sent for none.
    pub async fn export(&self, spans: &[Arc<Span>]) -> Result<(), ClientError> {
        if spans.is_empty() {
            return Ok(());
        }
        let data = otlp::traces_data(spans.iter().map(AsRef::as_ref));
        let request = ExportTraceServiceRequest { resource_spans: data.resource_spans };
        let url = http::under(&self.base, "/v1/traces")?;
        let post =
            self.http.post(url.clone()).header(header::CONTENT_TYPE, "application/x-protobuf").body(request.encode_to_vec());
        let response = http::send(post, &url, std::time::Duration::ZERO).await?;
        http::successful(response, &url).await.map(drop)
    }
}
