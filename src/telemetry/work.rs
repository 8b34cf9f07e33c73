//! The account of a service's work, per trace: what is under way, what waits, which spans are open, which have arrived.
//!
//! Fed by guards (requests, runs, background work) and by `tracking` (spans and exports); answers judges over `server::work_routes`.
//! Guards do not depend on sampling, so that a trace nobody records is accounted for all the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TraceId;
use tokio::sync::Notify;

use super::account::{Accounts, Stage};
use super::settings::Settings;
use crate::support::random;
pub use crate::support::work::{OpenSpan, WorkReport};

/// Whose work is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkQuery {
    /// One trace.
    Trace(TraceId),
    /// All traces of one correlation id.
    Correlation(String),
    /// A trace and all traces of a correlation id, summed.
    Case(TraceId, String),
}

/// The account of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Work {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    service: String,
    instance: String,
    flush_period: Duration,
    accounts: Mutex<Accounts>,
    /// Told when a trace is at rest and something about it changed.
    changed: Notify,
    /// Told when somebody waits for spans to be exported.
    flush_wanted: Notify,
}

/// A unit of work under way; over when dropped.
#[derive(Debug)]
#[must_use = "work is over when its guard is dropped"]
pub struct ActiveWork(Guard);

/// A run accepted and not begun: queued, delayed, or waiting for a retry; gone when dropped.
#[derive(Debug)]
#[must_use = "work is forgotten when its guard is dropped"]
pub struct QueuedWork(Guard);

#[derive(Debug)]
struct Guard {
    work: Work,
    trace_id: TraceId,
    stage: Stage,
}

impl Work {
    pub(super) fn new(settings: &Settings) -> Self {
        let shared = Shared {
            service: settings.service.clone(),
            instance: settings.instance.clone(),
            flush_period: if settings.immediate { Duration::ZERO } else { settings.batching.delay },
            accounts: Mutex::default(),
            changed: Notify::new(),
            flush_wanted: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins a unit of work: a request, a run. An invalid trace id is fine (telemetry disabled, no parent): the work is then found
    /// by its correlation id.
    pub fn begin(&self, trace_id: TraceId, correlation_id: Option<&str>) -> ActiveWork {
        ActiveWork(self.enter(trace_id, correlation_id, Stage::Active))
    }

    /// Accepts a run that will begin later.
    pub fn queued(&self, trace_id: TraceId, correlation_id: Option<&str>) -> QueuedWork {
        QueuedWork(self.enter(trace_id, correlation_id, Stage::Queued))
    }

    /// The account as it stands.
    pub fn report(&self, query: &WorkQuery) -> WorkReport {
        let accounts = self.accounts();
        let report = match query {
            WorkQuery::Trace(trace_id) => accounts.report(&[*trace_id]),
            WorkQuery::Correlation(id) => accounts.report(&accounts.traces_of(id)),
            WorkQuery::Case(trace_id, id) => {
                let mut traces = accounts.traces_of(id);
                if !traces.contains(trace_id) {
                    traces.push(*trace_id);
                }
                accounts.report(&traces)
            }
        };
        WorkReport {
            service: self.shared.service.clone(),
            instance: self.shared.instance.clone(),
            flush_ms: self.shared.flush_period.as_millis() as u64,
            ..report
        }
    }

    /// The account once it is idle, or when `within` is over. While the work is at rest, what has ended is exported at once instead of
    /// at the next regular time. What was never heard of is idle.
    pub async fn wait_idle(&self, query: &WorkQuery, within: Duration) -> WorkReport {
        tokio::time::timeout(within, self.until_idle(query)).await.unwrap_or_else(|_| self.report(query))
    }

    async fn until_idle(&self, query: &WorkQuery) -> WorkReport {
        loop {
            // Registered before the look, so that a change between look and wait is not missed.
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let report = self.report(query);
            if report.idle() {
                return report;
            }
            if report.at_rest() && report.unexported > 0 {
                self.shared.flush_wanted.notify_one();
            }
            changed.await;
        }
    }

    /// Waits until somebody wants spans exported; several wishes are one.
    pub(super) async fn flush_wanted(&self) {
        self.shared.flush_wanted.notified().await;
    }

    pub(super) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing that is open now will ever be exported.
    pub(super) fn close(&self) {
        self.accounts().close();
        self.changed();
    }

    /// Wakes those who wait, because a trace at rest has changed.
    pub(super) fn changed(&self) {
        self.shared.changed.notify_waiters();
    }

    fn enter(&self, trace_id: TraceId, correlation_id: Option<&str>, stage: Stage) -> Guard {
        let trace_id = if trace_id == TraceId::INVALID { TraceId::from_bytes(random::bytes()) } else { trace_id };
        self.accounts().enter(trace_id, correlation_id, stage);
        Guard { work: self.clone(), trace_id, stage }
    }
}

impl QueuedWork {
    /// The run begins; there is no moment at which it is neither queued nor active.
    pub fn start(self) -> ActiveWork {
        ActiveWork(self.0.pass(Stage::Active))
    }
}

impl ActiveWork {
    /// The run failed and waits for its retry.
    pub fn requeue(self) -> QueuedWork {
        QueuedWork(self.0.pass(Stage::Queued))
    }
}

impl Guard {
    fn pass(mut self, to: Stage) -> Self {
        self.work.accounts().pass(self.trace_id, self.stage, to);
        self.stage = to;
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let at_rest = self.work.accounts().leave(self.trace_id, self.stage);
        if at_rest {
            self.work.changed();
        }
    }
}
