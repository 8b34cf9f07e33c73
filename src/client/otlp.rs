//! Sends spans and gauges by OTLP over HTTP in protobuf, as any exporter does.
//!
//! Used by `check` for devstack's own spans, by `runtime` for canaries.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    metrics::v1::{
        Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point::Value as Number,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use reqwest::{Client, header};

use super::{ClientError, http};
use crate::{
    model::{Attributes, OWN_SERVICE, Span, otlp},
    support::clock,
};

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
        self.post("/v1/traces", request.encode_to_vec()).await
    }

    /// Exports one point of a gauge of devstack's own, measured now.
    pub async fn export_gauge(&self, name: &str, attributes: &Attributes, value: i64) -> Result<(), ClientError> {
        let point = NumberDataPoint {
            attributes: otlp::attributes_out(attributes),
            time_unix_nano: clock::unix_nanos(),
            value: Some(Number::AsInt(value)),
            ..Default::default()
        };
        let gauge =
            Metric { name: name.to_owned(), data: Some(Data::Gauge(Gauge { data_points: vec![point] })), ..Default::default() };
        let own = otlp::attributes_out(&[("service.name", OWN_SERVICE)].into_iter().collect());
        let of_devstack = ResourceMetrics {
            resource: Some(Resource { attributes: own, ..Default::default() }),
            scope_metrics: vec![ScopeMetrics { metrics: vec![gauge], ..Default::default() }],
            ..Default::default()
        };
        let request = ExportMetricsServiceRequest { resource_metrics: vec![of_devstack] };
        self.post("/v1/metrics", request.encode_to_vec()).await
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Result<(), ClientError> {
        let url = http::under(&self.base, path)?;
        let post = self.http.post(url.clone()).header(header::CONTENT_TYPE, "application/x-protobuf").body(body);
        let response = http::send(post, &url, Duration::ZERO).await?;
        http::successful(response, &url).await.map(drop)
    }
}
