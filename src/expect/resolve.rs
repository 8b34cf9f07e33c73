//! Puts captured values into expectations: `${name}` in any text of a pattern.
//!
//! Fed by `check` once the answers are in; the result is what the matcher judges by.

use super::spec::{
    AttributePattern, EventPattern, NamePattern, Predicate, Selector, SequenceStep, SpanPattern, StatusPattern, TraceExpectation,
};

impl TraceExpectation {
    /// The same expectations with every text passed through `resolve`.
    #[must_use]
    pub fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self {
            nothing: self.nothing,
            spans: self.spans.iter().map(|pattern| pattern.resolved(resolve)).collect(),
            exact: self.exact,
            none: self.none.iter().map(|selector| selector.resolved(resolve)).collect(),
            edges: self.edges.clone(),
            complete: self.complete.iter().map(|selector| selector.resolved(resolve)).collect(),
            stand_ins: self.stand_ins,
        }
    }
}

impl SpanPattern {
    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self {
            name: self.name.resolved(resolve),
            service: self.service.as_ref().map(|(service, place)| (service.resolved(resolve), *place)),
            status: self.status.as_ref().map(|(status, place)| (status.resolved(resolve), *place)),
            attributes: attributes(&self.attributes, resolve),
            resource: attributes(&self.resource, resolve),
            events: events(&self.events, resolve),
            sequence: self
                .sequence
                .as_ref()
                .map(|(steps, place)| (steps.iter().map(|step| step.resolved(resolve)).collect(), *place)),
            children: self.children.iter().map(|child| child.resolved(resolve)).collect(),
            below: self.below.iter().map(|child| child.resolved(resolve)).collect(),
            ..*self
        }
    }
}

impl SequenceStep {
    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self {
            place: self.place,
            status: self.status.as_ref().map(|(status, place)| (status.resolved(resolve), *place)),
            attributes: attributes(&self.attributes, resolve),
            events: events(&self.events, resolve),
        }
    }
}

impl Selector {
    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self {
            name: self.name.as_ref().map(|name| name.resolved(resolve)),
            service: self.service.as_ref().map(|service| service.resolved(resolve)),
            status: self.status.as_ref().map(|status| status.resolved(resolve)),
            attributes: attributes(&self.attributes, resolve),
            ..*self
        }
    }
}

impl StatusPattern {
    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self { code: self.code, message: self.message.as_ref().map(|message: &Predicate| message.resolved(resolve)) }
    }
}

impl NamePattern {
    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        Self { predicate: self.predicate.resolved(resolve), place: self.place }
    }
}

fn attributes(patterns: &[AttributePattern], resolve: &impl Fn(&str) -> String) -> Vec<AttributePattern> {
    patterns
        .iter()
        .map(|attribute| AttributePattern { predicate: attribute.predicate.resolved(resolve), ..attribute.clone() })
        .collect()
}

fn events(patterns: &[EventPattern], resolve: &impl Fn(&str) -> String) -> Vec<EventPattern> {
    patterns
        .iter()
        .map(|event| EventPattern {
            name: event.name.resolved(resolve),
            attributes: attributes(&event.attributes, resolve),
            place: event.place,
        })
        .collect()
}
