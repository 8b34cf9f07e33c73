//! Small traces and patterns for the tests of this room.

use std::sync::Arc;

use super::spec::{AttributePattern, Bounds, Literal, NamePattern, Place, Predicate, SpanPattern};
use crate::model::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, Trace, TraceId, Value};

/// A span under construction: `span(2).under(1).named("db.INSERT").client()`.
#[derive(Clone)]
pub(crate) struct Draft(Span);

/// A span whose id and times follow from its number; an internal span of service `api`.
pub(crate) fn span(number: u64) -> Draft {
    Draft(Span {
        trace_id: TraceId::new([7; 16]).expect("not zero"),
        span_id: id(number),
        parent_id: None,
        trace_state: String::new(),
        flags: 1,
        name: format!("span {number}"),
        kind: SpanKind::Internal,
        start_ns: 1_000 + number * 10,
        end_ns: 1_000 + number * 10 + 5,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: resource("api"),
        scope: Arc::new(Scope::default()),
    })
}

fn id(number: u64) -> SpanId {
    SpanId::new(number.to_be_bytes()).expect("numbers begin at one")
}

fn resource(service: &str) -> Arc<Resource> {
    Arc::new(Resource { attributes: [("service.name", service)].into_iter().collect() })
}

impl Draft {
    pub(crate) fn under(mut self, parent: u64) -> Self {
        self.0.parent_id = Some(id(parent));
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

    pub(crate) fn of(mut self, service: &str) -> Self {
        self.0.resource = resource(service);
        self
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.attributes.push(key, value);
        self
    }

    pub(crate) fn failed(mut self) -> Self {
        self.0.status = Status { code: crate::model::StatusCode::Error, message: "boom".into() };
        self
    }

    pub(crate) fn event(mut self, name: &str) -> Self {
        let event = crate::model::Event { time_ns: self.0.start_ns, name: name.into(), attributes: Attributes::default() };
        self.0.events.push(event);
        self
    }
}

/// The trace of these spans.
pub(crate) fn trace(spans: impl IntoIterator<Item = Draft>) -> Trace {
    Trace::new(spans.into_iter().map(|draft| Arc::new(draft.0)))
}

/// A pattern for a span of this kind and name.
pub(crate) fn pattern(kind: SpanKind, name: &str) -> SpanPattern {
    SpanPattern {
        place: Place::default(),
        kind: Some(kind),
        name: NamePattern { predicate: text(name), place: Place::default() },
        service: None,
        status: None,
        attributes: Vec::new(),
        resource: Vec::new(),
        events: Vec::new(),
        duration: None,
        count: None,
        sequence: None,
        exact: false,
        children: Vec::new(),
        below: Vec::new(),
    }
}

pub(crate) fn text(value: &str) -> Predicate {
    Predicate::Equals(Literal::String(value.to_owned()))
}

impl SpanPattern {
    pub(crate) fn with(mut self, key: &str, predicate: Predicate) -> Self {
        self.attributes.push(AttributePattern { key: key.to_owned(), predicate, place: Place::default() });
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn below(mut self, child: Self) -> Self {
        self.below.push(child);
        self
    }

    pub(crate) fn count(mut self, at_least: usize, at_most: Option<usize>) -> Self {
        self.count = Some((Bounds { at_least, at_most }, Place::default()));
        self
    }

    pub(crate) fn exact(mut self) -> Self {
        self.exact = true;
        self
    }
}
