//! Spans by trace, with the traces of each correlation id; the oldest traces leave first, each as a whole.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    mem::size_of,
    sync::Arc,
};

use super::{Held, intern::Interner, losses::Losses};
use crate::model::{Arrival, Resource, Scope, Span, SpanId, TraceId, arrival::CORRELATION_ATTRIBUTE, size::Footprint};

/// What a trace takes before it has a span: its entry, its place in the order, and the slack of both tables.
const TRACE: usize = 2 * (size_of::<Entry>() + 2 * size_of::<TraceId>());

/// What a span takes in the tables of its trace: its arrival and its key, with the slack of growing tables.
const INDEXED: usize = 2 * (size_of::<Arrival>() + size_of::<(SpanId, u64, usize)>());

/// What a correlation id takes besides its text, mostly: the set in the trace (one node of a B-tree), its entry and its list in
/// the index.
const CORRELATED: usize = 400;

/// The spans.
#[derive(Debug)]
pub(super) struct Spans {
    capacity: usize,
    used: usize,
    /// Spans held and thrown out.
    items: u64,
    evicted: u64,
    traces: HashMap<TraceId, Entry>,
    /// Traces in order of first arrival.
    order: VecDeque<TraceId>,
    correlations: HashMap<Arc<str>, VecDeque<TraceId>>,
    resources: Interner<Resource>,
    scopes: Interner<Scope>,
    hasher: RandomState,
}

/// What an insert did besides.
#[derive(Debug, Default)]
pub(super) struct Inserted {
    /// Traces that left to make room.
    pub(super) evicted: Vec<TraceId>,
    /// The correlation id under which the trace was found for the first time.
    pub(super) correlation: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Entry {
    version: u64,
    bytes: usize,
    arrivals: Vec<Arrival>,
    /// Positions of arrivals by span id and hash of the content, so that a re-send is found without comparing all.
    known: HashMap<(SpanId, u64), usize>,
    correlations: BTreeSet<Arc<str>>,
}

impl Spans {
    /// An empty store of at most `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            used: 0,
            items: 0,
            evicted: 0,
            traces: HashMap::new(),
            order: VecDeque::new(),
            correlations: HashMap::new(),
            resources: Interner::default(),
            scopes: Interner::default(),
            hasher: RandomState::new(),
        }
    }

    /// Keeps a span. The same span again only counts as a re-send; other content under the same ids is kept beside the first.
    pub(super) fn insert(&mut self, mut span: Span, at_ns: u64, version: u64, losses: &mut Losses) -> Inserted {
        let key = (span.span_id, self.hasher.hash_one(&span));
        if self.count_resend(&span, key, version) {
            return Inserted::default();
        }
        span.resource = self.resources.intern(&span.resource);
        span.scope = self.scopes.intern(&span.scope);
        let trace = span.trace_id;
        let correlation = span.attributes.text(CORRELATION_ATTRIBUTE).map(Arc::<str>::from);
        let bytes = span.shared() + INDEXED;
        let evicted = self.make_room(trace, bytes, version, losses);
        if !self.fits(trace, bytes) {
            self.evicted += 1;
            losses.add_spans(trace, 1, version);
            return Inserted { evicted, correlation: None };
        }
        self.keep(Arrival { span: Arc::new(span), at_ns, resent: 0 }, key, bytes, version);
        let correlation = correlation.filter(|text| self.correlate(trace, text));
        Inserted { evicted, correlation }
    }

    /// The version of a trace, zero when it is not held.
    pub(super) fn version(&self, trace: TraceId) -> u64 {
        self.traces.get(&trace).map_or(0, |entry| entry.version)
    }

    /// The spans of a trace in order of arrival.
    pub(super) fn arrivals(&self, trace: TraceId) -> &[Arrival] {
        self.traces.get(&trace).map_or(&[], |entry| &entry.arrivals)
    }

    /// The traces of a correlation id in order of first arrival.
    pub(super) fn correlated(&self, correlation: &str) -> Vec<TraceId> {
        self.correlations.get(correlation).map(|traces| traces.iter().copied().collect()).unwrap_or_default()
    }

    /// How much is held and how much was thrown out.
    pub(super) fn held(&self) -> Held {
        Held { items: self.items, bytes: self.bytes(), evicted: self.evicted }
    }

    fn bytes(&self) -> usize {
        self.used + self.resources.bytes() + self.scopes.bytes()
    }

    /// Traces whose id begins so, oldest first. A person asks, so looking at each is soon enough.
    pub(super) fn beginning_with(&self, prefix: &str, most: usize) -> Vec<TraceId> {
        self.order.iter().filter(|trace| trace.to_string().starts_with(prefix)).take(most).copied().collect()
    }

    /// The newest traces whose first span arrived at or after `since_ns`, oldest first.
    pub(super) fn begun_since(&self, since_ns: u64, most: usize) -> Vec<TraceId> {
        let began = |trace: &TraceId| self.arrivals(*trace).first().map_or(0, |arrival| arrival.at_ns);
        let mut newest: Vec<_> =
            self.order.iter().rev().take_while(|trace| began(trace) >= since_ns).take(most).copied().collect();
        newest.reverse();
        newest
    }

    /// The traces that came last, oldest first.
    pub(super) fn recent(&self, most: usize) -> Vec<TraceId> {
        self.order.iter().skip(self.order.len().saturating_sub(most)).copied().collect()
    }

    /// Every span held, in no order.
    pub(super) fn each(&self) -> impl Iterator<Item = &Arrival> {
        self.traces.values().flat_map(|entry| &entry.arrivals)
    }

    fn count_resend(&mut self, span: &Span, key: (SpanId, u64), version: u64) -> bool {
        let Some(entry) = self.traces.get_mut(&span.trace_id) else { return false };
        let Some(at) = entry.known.get(&key).copied() else { return false };
        let arrival = &mut entry.arrivals[at];
        if *arrival.span != *span {
            return false;
        }
        arrival.resent = arrival.resent.saturating_add(1);
        entry.version = version;
        true
    }

    fn keep(&mut self, arrival: Arrival, key: (SpanId, u64), bytes: usize, version: u64) {
        let trace = arrival.span.trace_id;
        let entry = self.traces.entry(trace).or_insert_with(|| {
            self.order.push_back(trace);
            self.used += TRACE;
            Entry { bytes: TRACE, ..Entry::default() }
        });
        entry.known.entry(key).or_insert(entry.arrivals.len());
        entry.arrivals.push(arrival);
        entry.version = version;
        entry.bytes += bytes;
        self.used += bytes;
        self.items += 1;
    }

    /// Enters a trace under a correlation id; false when it was there already.
    fn correlate(&mut self, trace: TraceId, correlation: &Arc<str>) -> bool {
        let entry = self.traces.get_mut(&trace).expect("the trace has just got a span");
        if !entry.correlations.insert(Arc::clone(correlation)) {
            return false;
        }
        let bytes = correlation.len() + CORRELATED;
        entry.bytes += bytes;
        self.used += bytes;
        self.correlations.entry(Arc::clone(correlation)).or_default().push_back(trace);
        true
    }

    fn fits(&self, trace: TraceId, bytes: usize) -> bool {
        let entry = if self.traces.contains_key(&trace) { 0 } else { TRACE };
        self.bytes() + bytes + entry <= self.capacity
    }

    /// Throws out the oldest traces, be it the span's own, until the span fits or nothing is left. A span that could never fit
    /// costs nobody else.
    fn make_room(&mut self, trace: TraceId, bytes: usize, version: u64, losses: &mut Losses) -> Vec<TraceId> {
        let mut evicted = Vec::new();
        if bytes + TRACE > self.capacity {
            return evicted;
        }
        while !self.fits(trace, bytes) {
            let Some(oldest) = self.order.pop_front() else {
                self.resources.sweep();
                self.scopes.sweep();
                break;
            };
            self.evict(oldest, version, losses);
            evicted.push(oldest);
        }
        evicted
    }

    fn evict(&mut self, trace: TraceId, version: u64, losses: &mut Losses) {
        let entry = self.traces.remove(&trace).expect("every trace in the order is held");
        self.used -= entry.bytes;
        let spans = entry.arrivals.len() as u64;
        self.items -= spans;
        self.evicted += spans;
        losses.add_spans(trace, spans, version);
        for arrival in entry.arrivals {
            let shared = (Arc::clone(&arrival.span.resource), Arc::clone(&arrival.span.scope));
            drop(arrival);
            self.resources.release(&shared.0);
            self.scopes.release(&shared.1);
        }
        for correlation in entry.correlations {
            self.uncorrelate(trace, &correlation);
        }
    }

    fn uncorrelate(&mut self, trace: TraceId, correlation: &Arc<str>) {
        let Some(traces) = self.correlations.get_mut(correlation) else { return };
        // The oldest trace stands at or near the front of the list.
        if let Some(at) = traces.iter().position(|other| *other == trace) {
            traces.remove(at);
        }
        if traces.is_empty() {
            self.correlations.remove(correlation);
        }
    }
}
