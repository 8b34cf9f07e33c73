//! Patterns, selectors and edges, from a checked tree.
//!
//! Called by `fixture` with the keys that speak of the trace. What the check has refused is skipped here; only what a table cannot say
//! (bounds the wrong way round, keys that contradict each other) is reported.

use super::{
    super::spec::{
        Bounds, DurationBounds, Edge, EventPattern, NamePattern, Predicate, Selector, SequenceStep, SpanPattern, StatusPattern,
        TraceExpectation,
    },
    attributes, formats, predicate,
    tables::KINDS,
};
use crate::{
    model::{SpanKind, StatusCode},
    support::{
        source::{Place, Problem},
        yaml::{Entry, Node, Value},
    },
};

/// The place that a finding about `entry` points at: its value where that is on the key's line, else the key.
pub fn place_of(entry: &Entry) -> Place {
    entry.blame()
}

/// Everything a fixture says of its trace, from the fixture's top-level map.
pub fn trace_expectation(fixture: &Node, problems: &mut Vec<Problem>) -> TraceExpectation {
    let trace = fixture.entry("trace");
    let expectation = TraceExpectation {
        nothing: trace.filter(|entry| entry.value.text() == Some("none")).map(place_of),
        spans: trace.map(|entry| spans(&entry.value, problems)).unwrap_or_default(),
        exact: fixture.get("exact").and_then(Node::bool).unwrap_or_default(),
        none: selectors(fixture, "none", problems),
        complete: selectors(fixture, "complete_when", problems),
        edges: fixture.get("edges").map(|edges| edges.items().iter().filter_map(edge).collect()).unwrap_or_default(),
        stand_ins: fixture.get("stand_in").and_then(Node::text) == Some("ok"),
    };
    if expectation.nothing.is_some() {
        for entry in ["edges", "exact", "complete_when"].iter().filter_map(|key| fixture.entry(key)) {
            let message = format!("`{}` does not go with `trace: none`", entry.key);
            problems.push(Problem::at(entry.key_place, "conflict", message).label("there will be no span"));
        }
    } else if let Some(exact) = fixture.entry("exact").filter(|_| trace.is_none()) {
        let problem = Problem::at(exact.key_place, "conflict", "`exact` without `trace`").label("of which spans?");
        problems.push(problem.help("list the spans under `trace`, or say `trace: none`"));
    }
    expectation
}

fn selectors(fixture: &Node, key: &str, problems: &mut Vec<Problem>) -> Vec<Selector> {
    fixture.get(key).map(Node::items).unwrap_or_default().iter().filter_map(|node| selector(node, problems)).collect()
}

/// A span pattern. One whose kind or name has been refused is taken for any span, so that the rest of it is looked at as well.
pub fn span_pattern(node: &Node, problems: &mut Vec<Problem>) -> SpanPattern {
    let head = node.entries().iter().find(|entry| KINDS.contains(&entry.key.as_str()));
    let count = node.entry("count").and_then(|entry| Some((bounds(entry, problems)?, place_of(entry))));
    SpanPattern {
        place: head.map_or(node.place, |head| head.key_place),
        kind: head.and_then(|head| kind(&head.key)),
        name: name(head, node.place, problems),
        service: placed(node, "service", |entry| predicate(&entry.value, problems)),
        status: placed(node, "status", |entry| status(&entry.value, problems)),
        attributes: attributes(node.get("attributes"), problems),
        resource: attributes(node.get("resource"), problems),
        events: events(node, problems),
        duration: placed(node, "duration", |entry| duration_bounds(entry, problems)),
        count,
        sequence: placed(node, "sequence", |entry| Some(sequence(&entry.value, problems))),
        exact: node.get("exact").and_then(Node::bool).unwrap_or_default(),
        children: node.get("children").map(|children| spans(children, problems)).unwrap_or_default(),
        below: node.get("below").map(|below| spans(below, problems)).unwrap_or_default(),
    }
}

/// A selector of `none:`; `None` when it selects by nothing.
pub fn selector(node: &Node, problems: &mut Vec<Problem>) -> Option<Selector> {
    let first = node.entries().first()?;
    let head = node.entries().iter().find(|entry| KINDS.contains(&entry.key.as_str()));
    Some(Selector {
        place: Place { length: node.place.length.max(first.key_place.length), ..node.place },
        kind: head.and_then(|head| kind(&head.key)).or_else(|| node.get("kind").and_then(Node::text).and_then(kind)),
        name: head.or_else(|| node.entry("name")).and_then(|entry| predicate(&entry.value, problems)),
        service: node.get("service").and_then(|service| predicate(service, problems)),
        status: node.get("status").and_then(|node| status(node, problems)),
        attributes: attributes(node.get("attributes"), problems),
    })
}

/// An edge; `None` for what the check has refused.
pub fn edge(node: &Node) -> Option<Edge> {
    let (from, to) = formats::edge(node.text()?).ok()?;
    Some(Edge { from, to, place: node.place })
}

/// `count:`, a number or bounds.
pub fn bounds(entry: &Entry, problems: &mut Vec<Problem>) -> Option<Bounds> {
    let number = |node: &Node| node.int().and_then(|value| usize::try_from(value).ok());
    if let Value::Int(_) = entry.value.value {
        let exact = number(&entry.value)?;
        return Some(Bounds { at_least: exact, at_most: Some(exact) });
    }
    let at_least = entry.value.get("at_least").and_then(number).unwrap_or_default();
    let at_most = entry.value.get("at_most").and_then(number);
    if at_most.is_some_and(|most| most < at_least) {
        problems.push(crossed(entry));
    }
    Some(Bounds { at_least, at_most })
}

fn spans(node: &Node, problems: &mut Vec<Problem>) -> Vec<SpanPattern> {
    node.items().iter().map(|item| span_pattern(item, problems)).collect()
}

fn placed<T>(node: &Node, key: &str, make: impl FnOnce(&Entry) -> Option<T>) -> Option<(T, Place)> {
    let entry = node.entry(key)?;
    Some((make(entry)?, place_of(entry)))
}

fn kind(word: &str) -> Option<SpanKind> {
    match word {
        "server" => Some(SpanKind::Server),
        "client" => Some(SpanKind::Client),
        "producer" => Some(SpanKind::Producer),
        "consumer" => Some(SpanKind::Consumer),
        "internal" => Some(SpanKind::Internal),
        _ => None,
    }
}

fn name(entry: Option<&Entry>, whole: Place, problems: &mut Vec<Problem>) -> NamePattern {
    let Some(entry) = entry else { return NamePattern { predicate: Predicate::Present, place: whole } };
    let predicate = predicate(&entry.value, problems).unwrap_or(Predicate::Present);
    if matches!(predicate, Predicate::Absent) {
        let problem = Problem::at(place_of(entry), "contradiction", "every span and event has a name").label("never holds");
        problems.push(problem);
    }
    NamePattern { predicate, place: place_of(entry) }
}

fn status(node: &Node, problems: &mut Vec<Problem>) -> Option<StatusPattern> {
    let code = |node: &Node| match node.text() {
        Some("unset") => Some(StatusCode::Unset),
        Some("ok") => Some(StatusCode::Ok),
        Some("error") => Some(StatusCode::Error),
        _ => None,
    };
    if let Value::Map(_) = node.value {
        let message = node.get("message").and_then(|message| predicate(message, problems));
        return Some(StatusPattern { code: node.get("code").and_then(code), message });
    }
    code(node).map(|code| StatusPattern { code: Some(code), message: None })
}

fn events(node: &Node, problems: &mut Vec<Problem>) -> Vec<EventPattern> {
    node.get("events").map(Node::items).unwrap_or_default().iter().filter_map(|item| event(item, problems)).collect()
}

fn event(node: &Node, problems: &mut Vec<Problem>) -> Option<EventPattern> {
    if let Value::Map(_) = node.value {
        let name = name(node.entry("name"), node.place, problems);
        return Some(EventPattern { place: name.place, name, attributes: attributes(node.get("attributes"), problems) });
    }
    let name = NamePattern { predicate: predicate(node, problems)?, place: node.place };
    Some(EventPattern { name, attributes: Vec::new(), place: node.place })
}

fn sequence(node: &Node, problems: &mut Vec<Problem>) -> Vec<SequenceStep> {
    let step = |item: &Node| SequenceStep {
        place: item.place,
        status: placed(item, "status", |entry| status(&entry.value, problems)),
        attributes: attributes(item.get("attributes"), problems),
        events: events(item, problems),
    };
    node.items().iter().map(step).collect()
}

fn duration_bounds(entry: &Entry, problems: &mut Vec<Problem>) -> Option<DurationBounds> {
    let bound = |key: &str| entry.value.get(key).and_then(Node::text).and_then(|text| formats::duration(text).ok());
    let bounds = DurationBounds { at_least: bound("at_least"), at_most: bound("at_most") };
    if let (Some(least), Some(most)) = (bounds.at_least, bounds.at_most)
        && most < least
    {
        problems.push(crossed(entry));
    }
    (bounds.at_least.is_some() || bounds.at_most.is_some()).then_some(bounds)
}

/// A lower bound above the upper one.
fn crossed(entry: &Entry) -> Problem {
    let at = entry.value.entry("at_most").map_or_else(|| place_of(entry), place_of);
    Problem::at(at, "contradiction", "`at_most` is below `at_least`").label("never holds")
}
