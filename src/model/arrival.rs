//! What the ledger knows of a trace: its spans and logs with the moment each arrived, on the judge's own monotonic clock.
//!
//! Written by `backend` (the ledger), carried as JSON over HTTP, read by `client` and `check`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LogRecord, MetricPoint, Span, TraceId};

/// The path at which the backend answers for its ledger:
/// - `GET {LEDGER_PATH}/{trace id}?after=<version>&wait_ms=<n>` is the [`LedgerView`] of a trace; with `wait_ms` the answer is
///   held until the trace has changed since `after`, or the time is over;
/// - `GET {LEDGER_PATH}?correlation_id=<text>&after=<n>&wait_ms=<n>` lists the [`CorrelatedTraces`]; with `wait_ms` the answer is
///   held until there are more than `after` (0);
/// - `GET {LEDGER_PATH}/traces?prefix=<hex digits>` lists the traces whose id begins so, oldest first, at most [`LONGEST_LIST`];
/// - `GET {LEDGER_PATH}/begun?since_ns=<n>` lists the traces whose first span arrived at or after that moment of the ledger's own clock
///   ([`Arrival::at_ns`]), oldest first, at most [`MOST_BEGUN`] of them, the newest;
/// - `GET {LEDGER_PATH}/metrics?name=<text>` lists the last point of every series ([`SeriesList`]), of one name or of all.
pub const LEDGER_PATH: &str = "/.well-known/devstack/ledger";

/// The longest `wait_ms` that the ledger honours.
pub const LONGEST_WAIT_MS: u64 = 10_000;

/// So many traces are listed by the beginning of their ids.
pub const LONGEST_LIST: usize = 10;

/// So many traces are listed by when they began.
pub const MOST_BEGUN: usize = 200;

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

/// A log record and when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogArrival {
    /// The record.
    pub record: Arc<LogRecord>,
    /// Arrival, nanoseconds since the ledger was opened (monotonic).
    pub at_ns: u64,
}

/// Everything of one trace that the ledger holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LedgerView {
    /// Grows with every change of this trace; zero when nothing of it ever came. Versions of different traces cannot be compared.
    pub version: u64,
    /// Now, on the same clock as [`Arrival::at_ns`].
    pub now_ns: u64,
    /// Spans in order of arrival. Two entries with the same span id are a conflict: same id, different content.
    pub arrivals: Vec<Arrival>,
    /// Log records written in this trace, in order of arrival.
    #[serde(default)]
    pub logs: Vec<LogArrival>,
    /// Spans of this trace that were thrown out to keep the ledger within its bounds.
    pub evicted: u64,
    /// Log records of this trace that were thrown out to keep the ledger within its bounds.
    #[serde(default)]
    pub evicted_logs: u64,
    /// When the last request of any trace came in, on the same clock; `None` when the receiver never got anything.
    pub last_request_ns: Option<u64>,
}

/// Traces that carry a correlation id, whose ids begin alike, or that began since a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CorrelatedTraces {
    /// Their ids, in order of first arrival.
    pub traces: Vec<TraceId>,
}

/// The last point of a series and when it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointArrival {
    /// The point.
    pub point: MetricPoint,
    /// Arrival, nanoseconds since the ledger was opened (monotonic).
    pub at_ns: u64,
}

/// The last point of every series that was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SeriesList {
    /// Now, on the same clock as [`PointArrival::at_ns`].
    pub now_ns: u64,
    /// The points, longest untouched series first.
    pub series: Vec<PointArrival>,
    /// Series that were thrown out to keep the ledger within its bounds.
    pub evicted: u64,
}
