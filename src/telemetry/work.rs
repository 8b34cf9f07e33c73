//! The account of a service's work, per trace: what is under way, what waits, which spans are open, which have arrived.
//!
//! Fed by guards (requests, runs, background work) and by `tracking` (spans and exports); answers judges over `server::work_routes`.

use std::time::Duration;

use opentelemetry::trace::TraceId;

pub use crate::support::work::{OpenSpan, WorkReport};

/// Whose work is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkQuery {
    /// One trace.
    Trace(TraceId),
    /// All traces of one correlation id.
    Correlation(String),
}

/// The account of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Work {}

/// A unit of work under way; over when dropped.
#[derive(Debug)]
#[must_use = "work is over when its guard is dropped"]
pub struct ActiveWork {}

/// A run accepted and not begun: queued, delayed, or waiting for a retry; gone when dropped.
#[derive(Debug)]
#[must_use = "work is forgotten when its guard is dropped"]
pub struct QueuedWork {}

impl Work {
    /// Begins a unit of work: a request, a run. An invalid trace id is fine (telemetry disabled, no parent).
    pub fn begin(&self, trace_id: TraceId, correlation_id: Option<&str>) -> ActiveWork {
        unimplemented!("{trace_id} {correlation_id:?}")
    }

    /// Accepts a run that will begin later.
    pub fn queued(&self, trace_id: TraceId, correlation_id: Option<&str>) -> QueuedWork {
        unimplemented!("{trace_id} {correlation_id:?}")
    }

    /// The account as it stands.
    pub fn report(&self, query: &WorkQuery) -> WorkReport {
        unimplemented!("{query:?}")
    }

    /// The account once it is idle, or when `within` is over. Once the work is at rest, what has ended is exported at once.
    pub async fn wait_idle(&self, query: &WorkQuery, within: Duration) -> WorkReport {
        unimplemented!("{query:?} {within:?}")
    }
}

impl QueuedWork {
    /// The run begins; there is no moment at which it is neither queued nor active.
    pub fn start(self) -> ActiveWork {
        unimplemented!()
    }
}

impl ActiveWork {
    /// The run failed and waits for its retry.
    pub fn requeue(self) -> QueuedWork {
        unimplemented!()
    }
}
