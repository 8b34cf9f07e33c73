//! Traces, metrics and logs as the receiver sees them: a request, what is kept of it, and the answer.

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use serde::de::DeserializeOwned;

use crate::{
    backend::{Batch, Ledger},
    model::otlp::{BadPoints, logs_of, points_of, spans_of},
};

/// How many reasons are told; the rest is counted.
const REASONS: usize = 3;

/// One of OTLP's signals.
pub(super) trait Signal: Send + Sync + 'static {
    /// The export request.
    type Request: prost::Message + Default + DeserializeOwned + Send;
    /// The answer to it.
    type Response: prost::Message + Send;

    /// The one field of the request in JSON.
    const FIELD: &'static str;
    /// The field of a partial success that counts the rejected, in JSON.
    const REJECTED: &'static str;

    /// Whether the request brings nothing at all.
    fn is_empty(request: &Self::Request) -> bool;

    /// Puts the request into the ledger and says what was not kept.
    fn keep(request: Self::Request, ledger: &Ledger) -> Option<Rejected>;

    /// The answer; without rejections the partial success is left out, as OTLP demands.
    fn response(rejected: Option<Rejected>) -> Self::Response;
}

/// What of a request was not kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejected {
    /// How many spans, points or records. Zero makes the words a warning.
    pub(super) count: i64,
    /// Why.
    pub(super) words: String,
}

/// The traces signal.
pub(super) struct Traces;

/// The metrics signal.
pub(super) struct Metrics;

/// The logs signal.
pub(super) struct Logs;

impl Signal for Traces {
    type Request = ExportTraceServiceRequest;
    type Response = ExportTraceServiceResponse;

    const FIELD: &'static str = "resourceSpans";
    const REJECTED: &'static str = "rejectedSpans";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_spans.is_empty()
    }

    fn keep(request: Self::Request, ledger: &Ledger) -> Option<Rejected> {
        let (spans, bad) = spans_of(request.resource_spans);
        let total = spans.len() + bad.len();
        ledger.insert(Batch::Spans(spans));
        Rejected::of(bad.len(), total, "spans", &bad)
    }

    fn response(rejected: Option<Rejected>) -> Self::Response {
        let partial_success = rejected.map(|it| ExportTracePartialSuccess { rejected_spans: it.count, error_message: it.words });
        ExportTraceServiceResponse { partial_success }
    }
}

impl Signal for Metrics {
    type Request = ExportMetricsServiceRequest;
    type Response = ExportMetricsServiceResponse;

    const FIELD: &'static str = "resourceMetrics";
    const REJECTED: &'static str = "rejectedDataPoints";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_metrics.is_empty()
    }

    fn keep(request: Self::Request, ledger: &Ledger) -> Option<Rejected> {
        let (points, bad) = points_of(request.resource_metrics);
        let lost = bad.iter().map(BadPoints::points).sum();
        let total = points.len() + lost;
        ledger.insert(Batch::Metrics(points));
        Rejected::of(lost, total, "data points", &bad)
    }

    fn response(rejected: Option<Rejected>) -> Self::Response {
        let partial_success =
            rejected.map(|it| ExportMetricsPartialSuccess { rejected_data_points: it.count, error_message: it.words });
        ExportMetricsServiceResponse { partial_success }
    }
}

impl Signal for Logs {
    type Request = ExportLogsServiceRequest;
    type Response = ExportLogsServiceResponse;

    const FIELD: &'static str = "resourceLogs";
    const REJECTED: &'static str = "rejectedLogRecords";

    fn is_empty(request: &Self::Request) -> bool {
        request.resource_logs.is_empty()
    }

    /// Nothing can be wrong with a log record: one with invalid ids belongs to no trace.
    fn keep(request: Self::Request, ledger: &Ledger) -> Option<Rejected> {
        ledger.insert(Batch::Logs(logs_of(request.resource_logs)));
        None
    }

    fn response(rejected: Option<Rejected>) -> Self::Response {
        let partial_success =
            rejected.map(|it| ExportLogsPartialSuccess { rejected_log_records: it.count, error_message: it.words });
        ExportLogsServiceResponse { partial_success }
    }
}

impl Rejected {
    fn of(count: usize, total: usize, noun: &str, reasons: &[impl ToString]) -> Option<Self> {
        if reasons.is_empty() {
            return None;
        }
        let mut told: Vec<_> = reasons.iter().take(REASONS).map(ToString::to_string).collect();
        if reasons.len() > REASONS {
            told.push(format!("and {} more", reasons.len() - REASONS));
        }
        Some(Self { count: count as i64, words: format!("{count} of {total} {noun} rejected: {}", told.join("; ")) })
    }
}

#[cfg(test)]
mod tests {
    use super::Rejected;

    #[test]
    fn the_first_reasons_are_told_and_the_rest_is_counted() {
        let reasons = ["a", "b", "c", "d", "e"];
        assert_eq!(Rejected::of(5, 9, "spans", &reasons).unwrap().words, "5 of 9 spans rejected: a; b; c; and 2 more");
        assert_eq!(Rejected::of(0, 9, "spans", &reasons[..0]), None);
    }
}
