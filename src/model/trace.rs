//! The spans of one trace as a tree: who is whose child, who is a root, whose parent is missing.
//!
//! Built from what arrived, read by `expect` (matching), `check` (rules, diagnosis) and `term` (drawing).

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Span, SpanId, TraceId};

/// The spans of one trace, in order of start, with their tree.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    spans: Vec<Arc<Span>>,
    by_id: HashMap<SpanId, usize>,
    children: HashMap<SpanId, Vec<usize>>,
}

impl Trace {
    /// Builds the tree. Of two spans with the same id the first one wins; the ledger reports such conflicts itself.
    pub fn new(spans: impl IntoIterator<Item = Arc<Span>>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().collect();
        spans.sort_by_key(|span| (span.start_ns, std::cmp::Reverse(span.end_ns), span.span_id));
        let mut by_id = HashMap::with_capacity(spans.len());
        let mut children: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            by_id.entry(span.span_id).or_insert(index);
            if let Some(parent) = span.parent_id {
                children.entry(parent).or_default().push(index);
            }
        }
        Self { spans, by_id, children }
    }

    /// All spans in order of start.
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// The trace id of its spans; `None` for an empty trace.
    pub fn id(&self) -> Option<TraceId> {
        self.spans.first().map(|span| span.trace_id)
    }

    /// The span with this id.
    pub fn get(&self, id: SpanId) -> Option<&Arc<Span>> {
        self.by_id.get(&id).map(|index| &self.spans[*index])
    }

    /// The position of a span in [`Trace::spans`].
    pub fn index_of(&self, id: SpanId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// Positions of the direct children of a span, in order of start.
    pub fn children(&self, id: SpanId) -> &[usize] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The parent of a span, where it arrived.
    pub fn parent(&self, span: &Span) -> Option<&Arc<Span>> {
        span.parent_id.and_then(|id| self.get(id))
    }

    /// Positions of everything below a span, in pre-order; ends on cycles.
    pub fn descendants(&self, id: SpanId) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([id]);
        let mut stack: Vec<usize> = self.children(id).iter().rev().copied().collect();
        while let Some(index) = stack.pop() {
            let below = self.spans[index].span_id;
            if seen.insert(below) {
                found.push(index);
                stack.extend(self.children(below).iter().rev().copied());
            }
        }
        found
    }

    /// Positions of spans without a parent.
    pub fn roots(&self) -> Vec<usize> {
        self.positions(|span| span.parent_id.is_none())
    }

    /// Positions of spans whose parent never arrived.
    pub fn orphans(&self) -> Vec<usize> {
        self.positions(|span| span.parent_id.is_some_and(|parent| !self.by_id.contains_key(&parent)))
    }

    /// Positions where drawing begins: roots and orphans, in order of start.
    pub fn tops(&self) -> Vec<usize> {
        self.positions(|span| span.parent_id.is_none_or(|parent| !self.by_id.contains_key(&parent)))
    }

    /// Names of the services that sent spans, sorted.
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(|span| span.service()).collect()
    }

    /// Earliest start and latest end, nanoseconds since the Unix epoch; zeroes for an empty trace.
    pub fn bounds(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start_ns).min().unwrap_or_default();
        let end = self.spans.iter().map(|span| span.end_ns).max().unwrap_or_default();
        (start, end.max(start))
    }

    fn positions(&self, wanted: impl Fn(&Span) -> bool) -> Vec<usize> {
        self.spans.iter().enumerate().filter(|(_, span)| wanted(span)).map(|(index, _)| index).collect()
    }
}
