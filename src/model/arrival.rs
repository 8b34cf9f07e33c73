//! What the ledger knows of a trace: its spans with the moment each arrived, on the judge's own monotonic clock.
//!
//! Written by `backend` (the ledger), carried as JSON over HTTP, read by `client` and `check`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Span, TraceId};

/// The path at which the receiver answers for its ledger: `GET {LEDGER_PATH}/{trace id}?after=<version>&wait_ms=<n>` holds the answer
/// until the trace has changed since `after`; `GET {LEDGER_PATH}?correlation_id=<text>` lists the traces that carry it.
pub const LEDGER_PATH: &str = "/.well-known/devstack/ledger";

/// The span attribute by which a trace is found when its id is not known beforehand.
pub const CORRELATION_ATTRIBUTE: &str = "medicalcor.correlation_id";

/// A span and when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// The span.
    pub span: Arc<Span>,
    /// First arrival, nanoseconds since the ledger was opened (monotonic).
    pub at_ns: u64,
    /// How often the identical span came again (an exporter's retry).
    pub resent: u32,
}

/// Everything of one trace that the ledger holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LedgerView {
    /// Grows with every change of this trace; zero when nothing of it ever came.
    pub version: u64,
    /// Now, on the same clock as [`Arrival::at_ns`].
    pub now_ns: u64,
    /// Spans in order of arrival. Two entries with the same span id are a conflict: same id, different content.
    pub arrivals: Vec<Arrival>,
    /// Spans of this trace that were thrown out to keep the ledger within its bounds.
    pub evicted: u64,
    /// When the last request of any trace came in, on the same clock; `None` when the receiver never got anything.
    pub last_request_ns: Option<u64>,
}

/// Traces that carry a correlation id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CorrelatedTraces {
    /// Their ids, in order of first arrival.
    pub traces: Vec<TraceId>,
}
