//! The work report's wire shape: what a service answers when the judge asks whether it is done with a trace.
//!
//! Written by `telemetry` (every service that uses it answers), read by `client` and `check`. It is the fact behind the evidence
//! *drained* (DESIGN section 7): nothing open, nothing queued, nothing unexported, and no activity between two looks.

use serde::{Deserialize, Serialize};

/// The path at which a service answers for its work: `GET {PATH}?trace_id=<32 hex>`, `?correlation_id=<text>` or both (then the
/// report is their sum), with `wait_ms` to hold the answer until the service is idle for it (or the time is over).
pub const PATH: &str = "/.well-known/devstack/work";

/// Where control requests go: a path that no service has, so that they change nothing; the 404 is traced like any request.
pub const BARRIER_PATH: &str = "/.well-known/devstack/barrier";

/// The resource attribute that carries the address (`http://host:port`) at which a service answers for its work, so that a judge who
/// only sees its spans can ask it.
pub const ENDPOINT_ATTRIBUTE: &str = "devstack.work.endpoint";

/// The longest `wait_ms` a service honours.
pub const LONGEST_WAIT_MS: u64 = 10_000;

/// What one process knows of one trace (or of all traces of one correlation id).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkReport {
    /// `service.name` of the process.
    pub service: String,
    /// `service.instance.id` of the process.
    pub instance: String,
    /// Trace ids (32 hex digits) this report sums over. Empty: the process has never seen work of what was asked for.
    pub traces: Vec<String>,
    /// Units of work under way: requests being answered, runs executing, background work that was handed a guard.
    pub active: u64,
    /// Runs accepted and not final: queued, delayed, or waiting for a retry.
    pub queued: u64,
    /// Spans that were started and have not ended, oldest first.
    pub open: Vec<OpenSpan>,
    /// Recorded spans that ended and whose export has not been acknowledged.
    pub unexported: u64,
    /// Spans whose export was acknowledged by the receiver.
    pub exported: u64,
    /// Spans whose export failed or which the exporter's queue dropped; they will never arrive.
    pub lost: u64,
    /// Grows with everything that happens for these traces (work begun or ended, span started or ended). Two equal values with an
    /// idle report each mean that nothing happened in between.
    pub activity: u64,
    /// The exporter's regular flush period in milliseconds.
    pub flush_ms: u64,
    /// The last export error of the process, in words, if the most recent export failed.
    pub export_error: Option<String>,
}

/// A span that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSpan {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits, empty for a root.
    pub parent_id: String,
    /// Span name.
    pub name: String,
    /// Span kind in lower case: `server`, `client`, `producer`, `consumer`, `internal`.
    pub kind: String,
    /// How long it has been open.
    pub age_ms: u64,
}

impl WorkReport {
    /// Nothing is under way and nothing waits: no request, no run, no retry. Spans may still be open or unexported.
    pub fn at_rest(&self) -> bool {
        self.active == 0 && self.queued == 0
    }

    /// At rest, every span has ended and every recorded one is exported or known to be lost.
    pub fn idle(&self) -> bool {
        self.at_rest() && self.open.is_empty() && self.unexported == 0
    }
}
