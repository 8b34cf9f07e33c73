//! What was thrown out of each trace to keep the ledger within its bounds, so that a verdict can say that its evidence is gone.
//!
//! Bounded itself: only the traces that lost something most recently are remembered.

use std::collections::{HashMap, VecDeque};

use crate::model::TraceId;

/// How many traces are remembered: about 6 MiB.
const REMEMBERED: usize = 65_536;

/// Losses by trace.
#[derive(Debug, Default)]
pub(super) struct Losses {
    by_trace: HashMap<TraceId, Loss>,
    order: VecDeque<TraceId>,
}

/// What one trace lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Loss {
    /// The ledger's version at the last loss.
    pub(super) version: u64,
    /// Spans.
    pub(super) spans: u64,
    /// Log records.
    pub(super) logs: u64,
}

impl Losses {
    /// Counts spans that left.
    pub(super) fn add_spans(&mut self, trace: TraceId, spans: u64, version: u64) {
        let entry = self.entry(trace);
        entry.spans += spans;
        entry.version = version;
    }

    /// Counts log records that left.
    pub(super) fn add_logs(&mut self, trace: TraceId, logs: u64, version: u64) {
        let entry = self.entry(trace);
        entry.logs += logs;
        entry.version = version;
    }

    /// What a trace lost.
    pub(super) fn of(&self, trace: TraceId) -> Loss {
        self.by_trace.get(&trace).copied().unwrap_or_default()
    }

    fn entry(&mut self, trace: TraceId) -> &mut Loss {
        if !self.by_trace.contains_key(&trace) {
            if self.order.len() == REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_trace.remove(&oldest);
            }
            self.order.push_back(trace);
        }
        self.by_trace.entry(trace).or_default()
    }
}
