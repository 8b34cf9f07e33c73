//! What the ledger knows of a trace: its spans and logs with the moment each arrived, on the judge's own monotonic clock.
//!
//! Written by `backend` (the ledger), carried as JSON over HTTP, read by `client` and `check`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LogRecord, MetricPoint, Resource, Span, TraceId, Value};

/// The path at which the backend answers for its ledger:
/// - `GET {LEDGER_PATH}/{trace id}?after=<version>&wait_ms=<n>` is the [`LedgerView`] of a trace; with `wait_ms` the answer is
///   held until the trace has changed since `after`, or the time is over;
/// - `GET {LEDGER_PATH}?correlation_id=<text>&after=<n>&wait_ms=<n>` lists the [`CorrelatedTraces`]; with `wait_ms` the answer is
///   held until there are more than `after` (0);
/// - `GET {LEDGER_PATH}/traces?prefix=<hex digits>` lists the traces whose id begins so, oldest first, at most [`LONGEST_LIST`];
/// - `GET {LEDGER_PATH}/begun?since_ns=<n>` lists the traces whose first span arrived at or after that moment of the ledger's own clock
///   ([`Arrival::at_ns`]), oldest first, at most [`MOST_BEGUN`] of them, the newest;
/// - `GET {LEDGER_PATH}/recent?most=<n>` lists the traces that came last, oldest first, at most [`MOST_RECENT`];
/// - `GET {LEDGER_PATH}/senders` says who sends ([`SenderList`]);
/// - `GET {LEDGER_PATH}/metrics?name=<text>` lists the last point of every series ([`SeriesList`]), of one name or of all.
pub const LEDGER_PATH: &str = "/.well-known/devstack/ledger";

/// The longest `wait_ms` that the ledger honours.
pub const LONGEST_WAIT_MS: u64 = 10_000;

/// So many traces are listed by the beginning of their ids.
pub const LONGEST_LIST: usize = 10;

/// So many traces are listed by when they began.
pub const MOST_BEGUN: usize = 200;

/// So many traces are listed by the time of their arrival.
pub const MOST_RECENT: usize = 200;

/// A span that came later after its end, in nanoseconds, was not delayed but sent again or dated back: a minute.
pub const LONGEST_LAG_NS: u64 = 60_000_000_000;

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

/// One who sends: what its resource says it is, and what came of it and is still held.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sender {
    /// `service.name`, or `unknown_service`.
    pub service: String,
    /// `service.instance.id`, empty where none was sent.
    pub instance: String,
    /// `process.pid`, where it was sent.
    pub pid: Option<i64>,
    /// `host.name`, empty where none was sent.
    pub host: String,
    /// `telemetry.sdk.language`, empty where none was sent.
    pub language: String,
    /// Its spans.
    pub spans: Seen,
    /// Its metric series, by their last points.
    pub series: Seen,
    /// Its log records.
    pub logs: Seen,
    /// The longest time from the end of a span to its arrival, as far as it is below [`LONGEST_LAG_NS`]: about how often it exports.
    pub longest_lag_ns: u64,
}

/// How much came and when, on the clock of [`Arrival::at_ns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Items held.
    pub count: u64,
    /// When the first of them came.
    pub first_ns: u64,
    /// When the last of them came.
    pub last_ns: u64,
}

/// Everybody who sends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SenderList {
    /// Now, on the same clock.
    pub now_ns: u64,
    /// By service and instance.
    pub senders: Vec<Sender>,
}

impl Sender {
    /// Who sends with this resource.
    pub fn of(resource: &Resource) -> Self {
        let text = |key| resource.attributes.text(key).unwrap_or_default().to_owned();
        let pid = match resource.attributes.get("process.pid") {
            Some(Value::Int(pid)) => Some(*pid),
            _ => None,
        };
        let (service, instance) = (resource.service().to_owned(), resource.instance().to_owned());
        Self { service, instance, pid, host: text("host.name"), language: text("telemetry.sdk.language"), ..Self::default() }
    }

    /// Whether it is the same as another one, whatever came of both.
    pub fn is(&self, other: &Self) -> bool {
        let who = |of: &Self| (of.service.clone(), of.instance.clone(), of.pid, of.host.clone(), of.language.clone());
        who(self) == who(other)
    }

    /// Which process it is, for people: `pid 812`, `instance 5f…`; `None` where its resource tells no process from another.
    pub fn identity(&self) -> Option<String> {
        let instance = || (!self.instance.is_empty()).then(|| format!("instance {}", self.instance));
        self.pid.map(|pid| format!("pid {pid}")).or_else(instance)
    }

    /// When the first and the last of anything came.
    pub fn bounds(&self) -> (u64, u64) {
        let seen = || [self.spans, self.series, self.logs].into_iter().filter(|seen| seen.count > 0);
        (seen().map(|seen| seen.first_ns).min().unwrap_or_default(), seen().map(|seen| seen.last_ns).max().unwrap_or_default())
    }
}

impl Seen {
    /// One more came.
    pub fn add(&mut self, at_ns: u64) {
        self.first_ns = if self.count == 0 { at_ns } else { self.first_ns.min(at_ns) };
        self.last_ns = self.last_ns.max(at_ns);
        self.count += 1;
    }
}
