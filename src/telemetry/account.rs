//! The books of the work report: counters per trace, an index of correlation ids, and a bound on both.
//!
//! Written by `work` (guards) and `tracking` (spans, exports) under one lock; read by `work` for its reports. No I/O, no waiting.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use opentelemetry::trace::{SpanId, SpanKind, TraceId};

use crate::support::clock;
use crate::support::work::{OpenSpan, WorkReport};

/// Traces remembered. A judge asks within seconds of a trace's end; at a thousand traces a second that leaves it four.
const REMEMBERED: usize = 4096;

/// Traces remembered even if they are not idle: beyond this, someone leaks spans or guards, and memory comes first.
const REMEMBERED_AT_MOST: usize = 4 * REMEMBERED;

/// Longest correlation id that is indexed, in bytes: callers choose them, and each is kept as long as its trace.
const LONGEST_CORRELATION_ID: usize = 256;

/// How many of the oldest traces are looked at for each new one.
const EVICTION_EFFORT: usize = 4;

/// A span that was started and has not ended.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) span_id: SpanId,
    pub(super) parent_id: SpanId,
    pub(super) name: String,
    pub(super) kind: SpanKind,
    pub(super) since: Instant,
}

/// What one trace is doing here.
#[derive(Debug, Default)]
struct Account {
    active: u64,
    queued: u64,
    /// Oldest first.
    open: Vec<Open>,
    unexported: u64,
    exported: u64,
    lost: u64,
    activity: u64,
    correlation_ids: Vec<String>,
}

/// Where a unit of work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Under way.
    Active,
    /// Accepted, not begun.
    Queued,
}

/// The accounts of all traces a service remembers.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    traces: HashMap<TraceId, Account>,
    /// Oldest first; every key of `traces` once.
    order: VecDeque<TraceId>,
    by_correlation: HashMap<String, Vec<TraceId>>,
    /// Sum of `unexported` over all traces, forgotten ones included.
    waiting: usize,
    export_error: Option<String>,
}

impl Account {
    fn at_rest(&self) -> bool {
        self.active == 0 && self.queued == 0
    }

    fn idle(&self) -> bool {
        self.at_rest() && self.open.is_empty() && self.unexported == 0
    }

    fn count(&mut self, stage: Stage) -> &mut u64 {
        match stage {
            Stage::Active => &mut self.active,
            Stage::Queued => &mut self.queued,
        }
    }
}

/// Each change answers whether the trace is at rest now: only then may somebody who waits have got what he waits for.
impl Accounts {
    /// A unit of work appears.
    pub(super) fn enter(&mut self, trace_id: TraceId, correlation_id: Option<&str>, stage: Stage) {
        let account = self.open_account(trace_id, correlation_id);
        *account.count(stage) += 1;
        account.activity += 1;
    }

    /// A unit of work goes from one stage to another, without a moment at which it is in neither.
    pub(super) fn pass(&mut self, trace_id: TraceId, from: Stage, to: Stage) {
        if let Some(account) = self.traces.get_mut(&trace_id) {
            let before = account.count(from);
            *before = before.saturating_sub(1);
            *account.count(to) += 1;
            account.activity += 1;
        }
    }

    /// A unit of work is over.
    pub(super) fn leave(&mut self, trace_id: TraceId, stage: Stage) -> bool {
        let Some(account) = self.traces.get_mut(&trace_id) else { return false };
        let before = account.count(stage);
        *before = before.saturating_sub(1);
        account.activity += 1;
        account.at_rest()
    }

    /// A recording span has started.
    pub(super) fn span_started(&mut self, trace_id: TraceId, correlation_id: Option<&str>, span: Open) {
        let account = self.open_account(trace_id, correlation_id);
        account.open.push(span);
        account.activity += 1;
    }

    /// A recording span has ended. `exportable` ones wait for their export now, unless `room` spans wait already: then the span is
    /// lost, and `false` is returned.
    pub(super) fn span_ended(&mut self, trace_id: TraceId, span_id: SpanId, exportable: bool, room: usize) -> bool {
        let accepted = exportable && self.waiting < room;
        self.waiting += usize::from(accepted);
        let account = self.open_account(trace_id, None);
        account.open.retain(|open| open.span_id != span_id);
        account.activity += 1;
        account.unexported += u64::from(accepted);
        account.lost += u64::from(exportable && !accepted);
        accepted
    }

    /// Whether nothing is under way or queued for this trace.
    pub(super) fn at_rest(&self, trace_id: TraceId) -> bool {
        self.traces.get(&trace_id).is_none_or(Account::at_rest)
    }

    /// An export of these spans was acknowledged.
    pub(super) fn acknowledged(&mut self, spans: impl IntoIterator<Item = TraceId>) {
        self.export_error = None;
        self.settle(spans, |account| account.exported += 1);
    }

    /// An export of these spans failed.
    pub(super) fn lost(&mut self, spans: impl IntoIterator<Item = TraceId>, error: String) {
        self.export_error = Some(error);
        self.settle(spans, |account| account.lost += 1);
    }

    /// Nothing that is open now will ever be exported.
    pub(super) fn close(&mut self) {
        for account in self.traces.values_mut() {
            account.lost += account.open.drain(..).count() as u64;
        }
    }

    /// Spans that have ended and whose export is not settled.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The traces of a correlation id, oldest first.
    pub(super) fn traces_of(&self, correlation_id: &str) -> Vec<TraceId> {
        self.by_correlation.get(correlation_id).cloned().unwrap_or_default()
    }

    /// Sums over those of `traces` that are known here.
    pub(super) fn report(&self, traces: &[TraceId]) -> WorkReport {
        let mut report = WorkReport { export_error: self.export_error.clone(), ..WorkReport::default() };
        let now = clock::monotonic();
        for (trace_id, account) in traces.iter().filter_map(|id| Some((id, self.traces.get(id)?))) {
            report.traces.push(trace_id.to_string());
            report.active += account.active;
            report.queued += account.queued;
            report.unexported += account.unexported;
            report.exported += account.exported;
            report.lost += account.lost;
            report.activity += account.activity;
            report.open.extend(account.open.iter().map(|open| describe(*trace_id, open, now)));
        }
        report.open.sort_by_key(|open| Reverse(open.age_ms));
        report
    }

    fn settle(&mut self, spans: impl IntoIterator<Item = TraceId>, count: impl Fn(&mut Account)) {
        for trace_id in spans {
            self.waiting = self.waiting.saturating_sub(1);
            if let Some(account) = self.traces.get_mut(&trace_id) {
                account.unexported = account.unexported.saturating_sub(1);
                count(account);
            }
        }
    }

    fn open_account(&mut self, trace_id: TraceId, correlation_id: Option<&str>) -> &mut Account {
        if !self.traces.contains_key(&trace_id) {
            self.make_room();
            self.order.push_back(trace_id);
        }
        let account = self.traces.entry(trace_id).or_default();
        if let Some(id) = correlation_id.filter(|id| {
            (1..=LONGEST_CORRELATION_ID).contains(&id.len()) && !account.correlation_ids.iter().any(|known| known == id)
        }) {
            account.correlation_ids.push(id.to_owned());
            self.by_correlation.entry(id.to_owned()).or_default().push(trace_id);
        }
        account
    }

    /// Forgets the oldest idle traces; those that are not idle get to the end of the line.
    fn make_room(&mut self) {
        for _ in 0..EVICTION_EFFORT {
            if self.order.len() < REMEMBERED {
                return;
            }
            let Some(oldest) = self.order.pop_front() else { return };
            if self.traces.get(&oldest).is_some_and(Account::idle) || self.order.len() >= REMEMBERED_AT_MOST {
                self.forget(oldest);
            } else {
                self.order.push_back(oldest);
            }
        }
    }

    fn forget(&mut self, trace_id: TraceId) {
        let Some(account) = self.traces.remove(&trace_id) else { return };
        for id in account.correlation_ids {
            if let Some(traces) = self.by_correlation.get_mut(&id) {
                traces.retain(|known| *known != trace_id);
                if traces.is_empty() {
                    self.by_correlation.remove(&id);
                }
            }
        }
    }
}

fn describe(trace_id: TraceId, open: &Open, now: Instant) -> OpenSpan {
    let has_parent = open.parent_id != SpanId::INVALID;
    OpenSpan {
        trace_id: trace_id.to_string(),
        span_id: open.span_id.to_string(),
        parent_id: if has_parent { open.parent_id.to_string() } else { String::new() },
        name: open.name.clone(),
        kind: format!("{:?}", open.kind).to_lowercase(),
        age_ms: now.saturating_duration_since(open.since).as_millis() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u128) -> TraceId {
        TraceId::from(n)
    }

    fn open(id: u64) -> Open {
        Open {
            span_id: SpanId::from(id),
            parent_id: SpanId::INVALID,
            name: "step".to_owned(),
            kind: SpanKind::Internal,
            since: clock::monotonic(),
        }
    }

    #[test]
    fn idle_traces_are_forgotten_oldest_first_with_their_correlation_ids() {
        let mut accounts = Accounts::default();
        for n in 1..=(REMEMBERED as u128 + 10) {
            accounts.enter(trace(n), Some(&format!("c{n}")), Stage::Active);
            accounts.leave(trace(n), Stage::Active);
        }
        assert_eq!(accounts.traces.len(), REMEMBERED);
        assert_eq!(accounts.by_correlation.len(), REMEMBERED);
        assert!(accounts.report(&[trace(1)]).traces.is_empty());
        assert_eq!(accounts.traces_of("c11"), [trace(11)]);
    }

    #[test]
    fn a_trace_at_work_outlives_younger_idle_ones() {
        let mut accounts = Accounts::default();
        accounts.enter(trace(1), None, Stage::Queued);
        for n in 2..=(2 * REMEMBERED as u128) {
            accounts.enter(trace(n), None, Stage::Active);
            accounts.leave(trace(n), Stage::Active);
        }
        assert_eq!(accounts.report(&[trace(1)]).queued, 1);
    }

    #[test]
    fn leaked_guards_do_not_grow_memory_without_end() {
        let mut accounts = Accounts::default();
        for n in 1..=(REMEMBERED_AT_MOST as u128 + 100) {
            accounts.enter(trace(n), None, Stage::Active);
        }
        assert!(accounts.traces.len() <= REMEMBERED_AT_MOST + 1);
        assert_eq!(accounts.order.len(), accounts.traces.len());
    }

    #[test]
    fn a_full_queue_loses_the_span_and_says_so() {
        let mut accounts = Accounts::default();
        for id in 1..=3 {
            accounts.span_started(trace(1), None, open(id));
            assert_eq!(accounts.span_ended(trace(1), SpanId::from(id), true, 2), id <= 2);
        }
        let report = accounts.report(&[trace(1)]);
        assert_eq!((report.unexported, report.lost, report.exported), (2, 1, 0));
        accounts.acknowledged([trace(1), trace(1)]);
        let report = accounts.report(&[trace(1)]);
        assert_eq!((report.unexported, report.lost, report.exported), (0, 1, 2));
        assert_eq!(accounts.waiting(), 0);
    }

    #[test]
    fn every_step_of_the_work_counts_as_activity() {
        let mut accounts = Accounts::default();
        accounts.enter(trace(1), None, Stage::Queued);
        accounts.pass(trace(1), Stage::Queued, Stage::Active);
        accounts.span_started(trace(1), None, open(1));
        accounts.span_ended(trace(1), SpanId::from(1), true, 9);
        assert!(accounts.leave(trace(1), Stage::Active));
        assert_eq!(accounts.report(&[trace(1)]).activity, 5);
    }
}
