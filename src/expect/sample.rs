//! Small traces and patterns for the tests of this room and of `check`.

use super::spec::{AttributePattern, Bounds, Literal, NamePattern, Place, Predicate, SpanPattern};
pub(crate) use crate::model::sample::{Draft, trace};
use crate::model::{SpanKind, sample};

/// A span whose id and times follow from its number; an internal root of service `api`.
pub(crate) fn span(number: u64) -> Draft {
    sample::span(number, 0, "api", SpanKind::Internal, number * 10, number * 10 + 5)
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
    pub(crate) fn of(mut self, service: &str) -> Self {
        self.service = Some((text(service), Place::default()));
        self
    }

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
