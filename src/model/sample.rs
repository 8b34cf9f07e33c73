//! Spans with times in milliseconds, for the tests of the rooms that draw and measure traces.

use std::sync::Arc;

use super::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, Trace, TraceId, Value};

/// When sample traces begin: 2026-11-22T17:30:00Z.
pub(crate) const START_NS: u64 = 1_795_368_600_000_000_000;

/// A span under construction.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Span);

/// A span by its number and its parent's (0 for a root), from and to milliseconds after [`START_NS`].
pub(crate) fn span(number: u64, parent: u64, service: &str, kind: SpanKind, from_ms: u64, to_ms: u64) -> Draft {
    let id = |number: u64| SpanId::new(number.to_be_bytes());
    Draft(Span {
        trace_id: TraceId::new([7; 16]).expect("not zero"),
        span_id: id(number).expect("numbers begin at one"),
        parent_id: id(parent),
        trace_state: String::new(),
        flags: 1,
        name: format!("span {number}"),
        kind,
        start_ns: START_NS + from_ms * 1_000_000,
        end_ns: START_NS + to_ms * 1_000_000,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", service)].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    })
}

impl Draft {
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.attributes.push(key, value);
        self
    }
}

/// The trace of these spans.
pub(crate) fn trace(spans: impl IntoIterator<Item = Draft>) -> Trace {
    Trace::new(spans.into_iter().map(|draft| Arc::new(draft.0)))
}
