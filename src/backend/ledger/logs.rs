//! Log records in order of arrival, found by trace; the oldest records leave first.

use std::{
    collections::{HashMap, VecDeque},
    mem::size_of,
    sync::Arc,
};

use super::{Held, intern::Interner, losses::Losses};
use crate::model::{LogArrival, LogRecord, Resource, Scope, TraceId, size::Footprint};

/// What a record takes besides itself: its place in the order and in its trace, with the slack of growing tables.
const INDEXED: usize = 2 * (size_of::<LogArrival>() + size_of::<Kept>()) + 2 * size_of::<(TraceId, OfTrace)>();

/// The log records.
#[derive(Debug)]
pub(super) struct Logs {
    capacity: usize,
    used: usize,
    evicted: u64,
    order: VecDeque<Kept>,
    by_trace: HashMap<TraceId, OfTrace>,
    resources: Interner<Resource>,
    scopes: Interner<Scope>,
}

#[derive(Debug)]
struct Kept {
    record: Arc<LogRecord>,
    at_ns: u64,
    bytes: usize,
}

#[derive(Debug, Default)]
struct OfTrace {
    version: u64,
    arrivals: VecDeque<LogArrival>,
}

impl Logs {
    /// An empty store of at most `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            used: 0,
            evicted: 0,
            order: VecDeque::new(),
            by_trace: HashMap::new(),
            resources: Interner::default(),
            scopes: Interner::default(),
        }
    }

    /// Keeps a record; returns the traces of those that left to make room.
    pub(super) fn insert(&mut self, mut record: LogRecord, at_ns: u64, version: u64, losses: &mut Losses) -> Vec<TraceId> {
        record.resource = self.resources.intern(&record.resource);
        record.scope = self.scopes.intern(&record.scope);
        let (trace, bytes) = (record.trace_id, record.shared() + INDEXED);
        let evicted = self.make_room(bytes, version, losses);
        if self.bytes() + bytes > self.capacity {
            self.evicted += 1;
            if let Some(trace) = trace {
                losses.add_logs(trace, 1, version);
            }
            return evicted;
        }
        let record = Arc::new(record);
        if let Some(trace) = trace {
            let of_trace = self.by_trace.entry(trace).or_default();
            of_trace.version = version;
            of_trace.arrivals.push_back(LogArrival { record: Arc::clone(&record), at_ns });
        }
        self.order.push_back(Kept { record, at_ns, bytes });
        self.used += bytes;
        evicted
    }

    /// The version of a trace, zero when no record of it is held.
    pub(super) fn version(&self, trace: TraceId) -> u64 {
        self.by_trace.get(&trace).map_or(0, |of_trace| of_trace.version)
    }

    /// The records of a trace in order of arrival.
    pub(super) fn arrivals(&self, trace: TraceId) -> Vec<LogArrival> {
        self.by_trace.get(&trace).map(|of_trace| of_trace.arrivals.iter().cloned().collect()).unwrap_or_default()
    }

    /// Every record held and when it came, in order of arrival.
    pub(super) fn each(&self) -> impl Iterator<Item = (&LogRecord, u64)> {
        self.order.iter().map(|kept| (&*kept.record, kept.at_ns))
    }

    /// How much is held and how much was thrown out.
    pub(super) fn held(&self) -> Held {
        Held { items: self.order.len() as u64, bytes: self.bytes(), evicted: self.evicted }
    }

    fn bytes(&self) -> usize {
        self.used + self.resources.bytes() + self.scopes.bytes()
    }

    /// Throws out the oldest records until one of this size fits; one that could never fit costs nobody else.
    fn make_room(&mut self, bytes: usize, version: u64, losses: &mut Losses) -> Vec<TraceId> {
        let mut evicted = Vec::new();
        if bytes > self.capacity {
            return evicted;
        }
        while self.bytes() + bytes > self.capacity {
            let Some(oldest) = self.order.pop_front() else {
                self.resources.sweep();
                self.scopes.sweep();
                break;
            };
            self.used -= oldest.bytes;
            self.evicted += 1;
            if let Some(trace) = oldest.record.trace_id {
                self.forget_first(trace);
                losses.add_logs(trace, 1, version);
                evicted.push(trace);
            }
            let shared = (Arc::clone(&oldest.record.resource), Arc::clone(&oldest.record.scope));
            drop(oldest);
            self.resources.release(&shared.0);
            self.scopes.release(&shared.1);
        }
        evicted
    }

    /// The oldest record of all is the oldest of its trace.
    fn forget_first(&mut self, trace: TraceId) {
        if let Some(of_trace) = self.by_trace.get_mut(&trace) {
            of_trace.arrivals.pop_front();
            if of_trace.arrivals.is_empty() {
                self.by_trace.remove(&trace);
            }
        }
    }
}
