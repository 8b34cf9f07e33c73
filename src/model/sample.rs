//! Spans with times in milliseconds, for the tests of the rooms that draw, measure and judge traces.

use std::sync::Arc;

use super::{Attributes, Event, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Trace, TraceId, Value};

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
        resource: resource(service),
        scope: Arc::new(Scope::default()),
    })
}

impl Draft {
    pub(crate) fn under(mut self, parent: u64) -> Self {
        self.0.parent_id = SpanId::new(parent.to_be_bytes());
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn at(mut self, from_ms: u64, to_ms: u64) -> Self {
        (self.0.start_ns, self.0.end_ns) = (START_NS + from_ms * 1_000_000, START_NS + to_ms * 1_000_000);
        self
    }

    pub(crate) fn resource(mut self, key: &str, value: impl Into<Value>) -> Self {
        Arc::make_mut(&mut self.0.resource).attributes.push(key, value);
        self
    }

    pub(crate) fn of(mut self, service: &str) -> Self {
        self.0.resource = resource(service);
        self
    }

    /// It only stands in for its service.
    pub(crate) fn stand_in(mut self) -> Self {
        Arc::make_mut(&mut self.0.resource).attributes.push("devstack.stand_in", true);
        self
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.attributes.push(key, value);
        self
    }

    pub(crate) fn failed(mut self) -> Self {
        self.0.status = Status { code: StatusCode::Error, message: "boom".into() };
        self
    }

    pub(crate) fn event(mut self, name: &str) -> Self {
        let event = Event { time_ns: self.0.start_ns, name: name.into(), attributes: Attributes::default() };
        self.0.events.push(event);
        self
    }
}

fn resource(service: &str) -> Arc<Resource> {
    Arc::new(Resource { attributes: [("service.name", service)].into_iter().collect() })
}

/// The trace of these spans.
pub(crate) fn trace(spans: impl IntoIterator<Item = Draft>) -> Trace {
    Trace::new(spans.into_iter().map(|draft| Arc::new(draft.0)))
}
