//! The ledger's edge: a cheap clone of a handle that inserts, views and waits.
//!
//! One std mutex guards all of it. No critical section awaits, and a waiter subscribes under the same lock under which it looked,
//! so a change between looking and waiting cannot be missed.

use std::sync::{Arc, Mutex, MutexGuard};

use super::{
    logs::Logs,
    losses::Losses,
    metrics::Metrics,
    senders,
    spans::Spans,
    waiters::{Subscription, Topic, Waiters},
};
use crate::{
    backend::Capacity,
    model::{
        LedgerView, LogRecord, MetricPoint, Span, TraceId,
        arrival::{CorrelatedTraces, LONGEST_LIST, MOST_BEGUN, MOST_RECENT, SenderList, SeriesList},
    },
    support::clock::{Stopwatch, unix_nanos},
};

/// A handle to a ledger; clones share it.
#[derive(Debug, Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

/// What one request brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch {
    /// Spans of any traces.
    Spans(Vec<Span>),
    /// Log records of any traces, or of none.
    Logs(Vec<LogRecord>),
    /// Metric points of any series.
    Metrics(Vec<MetricPoint>),
}

/// How much a ledger holds and how much it has thrown out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Spans.
    pub spans: Held,
    /// Log records.
    pub logs: Held,
    /// Metric series.
    pub metrics: Held,
    /// Waits that are open.
    pub waiting: usize,
}

/// How much of one signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Items held now.
    pub items: u64,
    /// What they take, in bytes; never more than the capacity.
    pub bytes: usize,
    /// Items thrown out since the start to stay within it.
    pub evicted: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    /// Arrival is told by this clock, which nobody can set back.
    clock: Stopwatch,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// Counts changes of the whole ledger. A trace's version is the count at its last change, so it grows even when the trace was
    /// thrown out and came again.
    version: u64,
    last_request_ns: Option<u64>,
    spans: Spans,
    logs: Logs,
    metrics: Metrics,
    losses: Losses,
    pub(super) waiters: Waiters,
}

impl Ledger {
    /// An empty ledger that keeps at most `capacity`.
    pub fn new(capacity: Capacity) -> Self {
        let state = State {
            version: 0,
            last_request_ns: None,
            spans: Spans::new(capacity.spans),
            logs: Logs::new(capacity.logs),
            metrics: Metrics::new(capacity.metrics),
            losses: Losses::default(),
            waiters: Waiters::default(),
        };
        Self { shared: Arc::new(Shared { clock: Stopwatch::start(), state: Mutex::new(state) }) }
    }

    /// Keeps what a request brought and wakes whoever waits for its traces. An empty batch still counts as a request.
    pub fn insert(&self, batch: Batch) {
        let mut state = self.shared.lock();
        // Read under the lock, so that arrivals are in order of time.
        let now = self.now_ns();
        state.last_request_ns = Some(now);
        match batch {
            Batch::Spans(spans) => spans.into_iter().for_each(|span| state.insert_span(span, now)),
            Batch::Logs(records) => records.into_iter().for_each(|record| state.insert_log(record, now)),
            Batch::Metrics(points) => points.into_iter().for_each(|point| state.metrics.insert(point, now)),
        }
        state.waiters.wake_marked();
    }

    /// Everything held of a trace, now.
    pub fn view(&self, trace: TraceId) -> LedgerView {
        let state = self.shared.lock();
        state.view(trace, self.now_ns())
    }

    /// Waits until a trace has changed since `after`, then returns it. Waits for ever if it never does: bound it with a timeout,
    /// and dropping the future is safe at any time.
    pub async fn wait_for_change(&self, trace: TraceId, after: u64) -> LedgerView {
        loop {
            let subscription = {
                let mut state = self.shared.lock();
                if state.version_of(trace) > after {
                    return state.view(trace, self.now_ns());
                }
                Subscription::new(&self.shared, &mut state.waiters, Topic::Trace(trace))
            };
            subscription.woken().await;
        }
    }

    /// The traces that carry a correlation id.
    pub fn correlated(&self, correlation: &str) -> CorrelatedTraces {
        CorrelatedTraces { traces: self.shared.lock().spans.correlated(correlation) }
    }

    /// The traces whose id begins with these hex digits (lower case), oldest first, at most [`LONGEST_LIST`].
    pub fn beginning_with(&self, prefix: &str) -> CorrelatedTraces {
        CorrelatedTraces { traces: self.shared.lock().spans.beginning_with(prefix, LONGEST_LIST) }
    }

    /// The traces whose first span arrived at or after a moment of this ledger's clock, oldest first, at most [`MOST_BEGUN`].
    pub fn begun_since(&self, since_ns: u64) -> CorrelatedTraces {
        CorrelatedTraces { traces: self.shared.lock().spans.begun_since(since_ns, MOST_BEGUN) }
    }

    /// Waits until more than `after` traces carry a correlation id, then returns them. As with [`Ledger::wait_for_change`], bound
    /// it.
    pub async fn wait_for_correlated(&self, correlation: &str, after: usize) -> CorrelatedTraces {
        loop {
            let subscription = {
                let mut state = self.shared.lock();
                let traces = state.spans.correlated(correlation);
                if traces.len() > after {
                    return CorrelatedTraces { traces };
                }
                Subscription::new(&self.shared, &mut state.waiters, Topic::Correlation(correlation.into()))
            };
            subscription.woken().await;
        }
    }

    /// The last point of every series, or of those with this name.
    pub fn metrics(&self, name: Option<&str>) -> SeriesList {
        let state = self.shared.lock();
        SeriesList { now_ns: self.now_ns(), series: state.metrics.list(name), evicted: state.metrics.held().evicted }
    }

    /// The traces that came last, oldest first, at most so many and [`MOST_RECENT`].
    pub fn recent(&self, most: usize) -> CorrelatedTraces {
        CorrelatedTraces { traces: self.shared.lock().spans.recent(most.min(MOST_RECENT)) }
    }

    /// Who sends what is held.
    pub fn senders(&self) -> SenderList {
        let state = self.shared.lock();
        let now_ns = self.now_ns();
        let opened = unix_nanos().saturating_sub(now_ns);
        SenderList { now_ns, senders: senders::list(&state.spans, &state.logs, &state.metrics, opened) }
    }

    /// How much is held and how much was thrown out.
    pub fn usage(&self) -> Usage {
        let state = self.shared.lock();
        Usage {
            spans: state.spans.held(),
            logs: state.logs.held(),
            metrics: state.metrics.held(),
            waiting: state.waiters.count(),
        }
    }

    /// Now, in nanoseconds since the ledger was opened.
    pub fn now_ns(&self) -> u64 {
        self.shared.clock.elapsed().as_nanos() as u64
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the ledger")
    }
}

impl State {
    fn insert_span(&mut self, span: Span, now: u64) {
        self.version += 1;
        let (trace, version) = (span.trace_id, self.version);
        let inserted = self.spans.insert(span, now, version, &mut self.losses);
        self.waiters.mark(Topic::Trace(trace));
        for evicted in inserted.evicted {
            self.waiters.mark(Topic::Trace(evicted));
        }
        if let Some(correlation) = inserted.correlation {
            self.waiters.mark(Topic::Correlation(correlation));
        }
    }

    fn insert_log(&mut self, record: LogRecord, now: u64) {
        self.version += 1;
        let (trace, version) = (record.trace_id, self.version);
        for evicted in self.logs.insert(record, now, version, &mut self.losses) {
            self.waiters.mark(Topic::Trace(evicted));
        }
        if let Some(trace) = trace {
            self.waiters.mark(Topic::Trace(trace));
        }
    }

    fn version_of(&self, trace: TraceId) -> u64 {
        self.spans.version(trace).max(self.logs.version(trace)).max(self.losses.of(trace).version)
    }

    fn view(&self, trace: TraceId, now_ns: u64) -> LedgerView {
        let lost = self.losses.of(trace);
        LedgerView {
            version: self.version_of(trace),
            now_ns,
            arrivals: self.spans.arrivals(trace).to_vec(),
            logs: self.logs.arrivals(trace),
            evicted: lost.spans,
            evicted_logs: lost.logs,
            last_request_ns: self.last_request_ns,
        }
    }
}
