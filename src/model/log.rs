//! A log record with everything the wire said of it (OTLP `LogRecord`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Attributes, Resource, Scope, SpanId, TraceId, Value};

/// A log record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogRecord {
    /// The trace it was written in, if any.
    pub trace_id: Option<TraceId>,
    /// The span it was written in, if any.
    pub span_id: Option<SpanId>,
    /// W3C trace flags in the low byte.
    pub flags: u32,
    /// When it happened, nanoseconds since the Unix epoch; zero when the sender did not know.
    pub time_ns: u64,
    /// When the sender's logging saw it, nanoseconds since the Unix epoch.
    pub observed_ns: u64,
    /// Severity from 1 (trace) to 24 (fatal), zero when not said (OpenTelemetry's `SeverityNumber`).
    pub severity: i32,
    /// Severity as the source wrote it: `INFO`, `warn`.
    pub severity_text: String,
    /// What kind of event it is, empty for a plain log line.
    pub event_name: String,
    /// The message.
    pub body: Value,
    /// Details.
    pub attributes: Attributes,
    /// Who sent it.
    pub resource: Arc<Resource>,
    /// Which logger wrote it.
    pub scope: Arc<Scope>,
}
