//! What went through devstack's receiver: counters, and single arrivals as they happen.
//!
//! Counted by `backend`; shown by `status` and `tail`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SpanId, SpanKind, TraceId};

/// The path at which the backend answers with its [`Traffic`] as JSON.
pub const TRAFFIC_PATH: &str = "/.well-known/devstack/traffic";

/// The path at which the backend tells each [`Happening`] from the answer's head on: a JSON document a line, until the client goes or
/// the backend ends.
pub const TAIL_PATH: &str = "/.well-known/devstack/tail";

/// What became of one signal's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flow {
    /// Items in requests that were understood and kept.
    pub received: u64,
    /// Items of requests that were passed on and accepted there. Zero where nothing is passed on.
    pub passed_on: u64,
    /// Items of requests that the next hop refused or that did not reach it.
    pub refused: u64,
    /// Items of understood requests that were not kept because they are no valid OTLP.
    pub rejected: u64,
}

/// What became of everything since the receiver started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Spans.
    pub spans: Flow,
    /// Metric data points.
    pub points: Flow,
    /// Log records.
    pub logs: Flow,
    /// Metric series held in the ledger now.
    pub series: u64,
    /// Requests that could not be read at all.
    pub unreadable: u64,
    /// Requests that were told to come again, because too much was under way to the next hop.
    #[serde(default)]
    pub turned_away: u64,
    /// Why the last request was refused or unreadable, in words.
    pub last_problem: Option<String>,
    /// What was kept of each service, by `service.name`; of the first [`MOST_SERVICES`] that sent.
    #[serde(default)]
    pub services: BTreeMap<String, Sent>,
}

/// Of so many services it is counted apart what they sent: names are the senders' own, and nobody bounds those.
pub const MOST_SERVICES: usize = 200;

/// What was kept of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Spans.
    pub spans: u64,
    /// Metric data points.
    pub points: u64,
    /// Log records.
    pub logs: u64,
}

/// Something that `tail` shows as a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A span arrived.
    Span(Box<SpanArrived>),
    /// A request, or a part of it, was not kept; or it was kept and the next hop refused it.
    Problem {
        /// When, in nanoseconds since the Unix epoch.
        at_ns: u64,
        /// `service.name`, where the request could be read so far.
        service: Option<String>,
        /// What is wrong and, where it is known, what to do.
        words: String,
    },
    /// So many happenings were left out because the reader was too slow.
    Missed {
        /// How many.
        count: u64,
    },
}

/// A span as `tail` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanArrived {
    /// When it arrived, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// `service.name`.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub span_kind: SpanKind,
    /// `ok`, `error`, `unset`; an HTTP status where it has one.
    pub status: String,
    /// Whether it ended in error.
    pub error: bool,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
}
