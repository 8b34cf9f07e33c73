//! Traces, metrics and logs as the receiver sees them: a request, where it goes, and what is kept of it.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
    },
    common::v1::any_value::Value,
    resource::v1::Resource,
};
use serde::de::DeserializeOwned;

use crate::{
    backend::{Batch, traffic::Sort, wire::Rejected},
    model::otlp::{BadPoints, logs_of, points_of, spans_of},
};

/// How many reasons are told; the rest is counted.
const REASONS: usize = 3;

/// One of OTLP's signals.
pub(super) trait Signal: Send + Sync + 'static {
    /// The export request.
    type Request: prost::Message + Default + DeserializeOwned + Send;

    /// As what its items are counted.
    const SORT: Sort;
    /// What it is called.
    const NAME: &'static str;
    /// Its path over HTTP.
    const PATH: &'static str;
    /// Its path over gRPC.
    const METHOD: &'static str;
    /// The one field of the request in JSON.
    const FIELD: &'static str;
    /// The field of a partial success that counts the rejected, in JSON.
    const REJECTED: &'static str;

    /// Whether the request brings nothing at all.
    fn is_empty(request: &Self::Request) -> bool;

    /// The first resource of the request.
    fn resource(request: &Self::Request) -> Option<&Resource>;

    /// Takes the request apart.
    fn apart(request: Self::Request) -> Apart;

    /// `service.name` of the first resource.
    fn service(request: &Self::Request) -> Option<String> {
        let name = Self::resource(request)?.attributes.iter().find(|pair| pair.key == "service.name")?;
        match name.value.as_ref()?.value.as_ref()? {
            Value::StringValue(name) => Some(name.clone()),
            _ => None,
        }
    }
}

/// A request taken apart.
#[derive(Debug)]
pub(super) struct Apart {
    /// What can be kept.
    pub(super) batch: Batch,
    /// How many items it has.
    pub(super) items: u64,
    /// What cannot.
    pub(super) rejected: Option<Rejected>,
}

/// The traces signal.
pub(super) struct Traces;

/// The metrics signal.
pub(super) struct Metrics;

/// The logs signal.
pub(super) struct Logs;

impl Signal for Traces {
    type Request = ExportTraceServiceRequest;

    const SORT: Sort = Sort::Spans;
    const NAME: &'static str = "traces";
    const PATH: &'static str = "/v1/traces";
    const METHOD: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const FIELD: &'static str = "resourceSpans";
    const REJECTED: &'static str = "rejectedSpans";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_spans.is_empty()
    }

    fn resource(request: &Self::Request) -> Option<&Resource> {
        request.resource_spans.first()?.resource.as_ref()
    }

    fn apart(request: Self::Request) -> Apart {
        let (spans, bad) = spans_of(request.resource_spans);
        let items = spans.len();
        Apart::new(Batch::Spans(spans), items, rejected(bad.len(), items, "spans", &bad))
    }
}

impl Signal for Metrics {
    type Request = ExportMetricsServiceRequest;

    const SORT: Sort = Sort::Points;
    const NAME: &'static str = "metrics";
    const PATH: &'static str = "/v1/metrics";
    const METHOD: &'static str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    const FIELD: &'static str = "resourceMetrics";
    const REJECTED: &'static str = "rejectedDataPoints";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_metrics.is_empty()
    }

    fn resource(request: &Self::Request) -> Option<&Resource> {
        request.resource_metrics.first()?.resource.as_ref()
    }

    fn apart(request: Self::Request) -> Apart {
        let (points, bad) = points_of(request.resource_metrics);
        let (items, lost) = (points.len(), bad.iter().map(BadPoints::points).sum());
        Apart::new(Batch::Metrics(points), items, rejected(lost, items, "data points", &bad))
    }
}

impl Signal for Logs {
    type Request = ExportLogsServiceRequest;

    const SORT: Sort = Sort::Logs;
    const NAME: &'static str = "logs";
    const PATH: &'static str = "/v1/logs";
    const METHOD: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const FIELD: &'static str = "resourceLogs";
    const REJECTED: &'static str = "rejectedLogRecords";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_logs.is_empty()
    }

    fn resource(request: &Self::Request) -> Option<&Resource> {
        request.resource_logs.first()?.resource.as_ref()
    }

    /// Nothing can be wrong with a log record: one with invalid ids belongs to no trace.
    fn apart(request: Self::Request) -> Apart {
        let records = logs_of(request.resource_logs);
        let items = records.len();
        Apart::new(Batch::Logs(records), items, None)
    }
}

impl Apart {
    fn new(batch: Batch, items: usize, rejected: Option<Rejected>) -> Self {
        Self { batch, items: items as u64, rejected }
    }
}

/// The partial success for `count` bad items beside `good` ones.
fn rejected(count: usize, good: usize, noun: &str, reasons: &[impl ToString]) -> Option<Rejected> {
    if reasons.is_empty() {
        return None;
    }
    let mut told: Vec<_> = reasons.iter().take(REASONS).map(ToString::to_string).collect();
    if reasons.len() > REASONS {
        told.push(format!("and {} more", reasons.len() - REASONS));
    }
    let words = format!("{count} of {} {noun} rejected: {}", good + count, told.join("; "));
    Some(Rejected { count: count as i64, words })
}

#[cfg(test)]
mod tests {
    use super::rejected;

    #[test]
    fn the_first_reasons_are_told_and_the_rest_is_counted() {
        let reasons = ["a", "b", "c", "d", "e"];
        assert_eq!(rejected(5, 4, "spans", &reasons).unwrap().words, "5 of 9 spans rejected: a; b; c; and 2 more");
        assert_eq!(rejected(0, 9, "spans", &reasons[..0]), None);
    }
}
