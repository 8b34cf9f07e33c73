//! A span against the line of a pattern: kind, name, service, status, attributes, events, duration; nothing about other spans.
//!
//! Read by the matcher, both to decide and to tell the nearest miss.

use super::{
    miss::{Difference, Wanted},
    predicate::{describe_actual, describe_expected},
    spec::{AttributePattern, DurationBounds, EventPattern, Place, Selector, SequenceStep, SpanPattern, StatusPattern},
};
use crate::model::{Attributes, Event, Span, Value};

/// The differences between a span and a pattern's own line; empty when it matches.
pub(super) fn differences(pattern: &SpanPattern, span: &Span) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(kind) = pattern.kind.filter(|kind| *kind != span.kind) {
        found.push(Difference {
            place: pattern.place,
            what: "kind".into(),
            expected: kind.to_string(),
            actual: span.kind.to_string(),
        });
    }
    if !pattern.name.predicate.accepts_text(&span.name) {
        let expected = pattern.name.predicate.to_string();
        found.push(Difference { place: pattern.name.place, what: "name".into(), expected, actual: span.name.clone() });
    }
    if let Some((service, place)) = &pattern.service
        && !service.accepts_text(span.service())
    {
        let (expected, actual) = (service.to_string(), span.service().to_owned());
        found.push(Difference { place: *place, what: "service".into(), expected, actual });
    }
    status(pattern.status.as_ref(), span, &mut found);
    attributes(&pattern.attributes, &|key| span.attribute(key), "", &mut found);
    attributes(&pattern.resource, &|key| span.resource.attributes.get(key), "resource ", &mut found);
    events(&pattern.events, &span.events, &mut found);
    if let Some((bounds, place)) = &pattern.duration {
        duration(*bounds, *place, span, &mut found);
    }
    found
}

/// Whether a span matches a pattern's own line.
pub(super) fn matches(pattern: &SpanPattern, span: &Span) -> bool {
    pattern.kind.is_none_or(|kind| kind == span.kind)
        && pattern.name.predicate.accepts_text(&span.name)
        && differences(pattern, span).is_empty()
}

/// Whether a span is what a pattern is about, whatever else it says: kind, name, service.
pub(super) fn is_about(pattern: &SpanPattern, span: &Span) -> bool {
    pattern.kind.is_none_or(|kind| kind == span.kind)
        && pattern.name.predicate.accepts_text(&span.name)
        && pattern.service.as_ref().is_none_or(|(service, _)| service.accepts_text(span.service()))
}

/// The differences between a span and one step of a `sequence`.
pub(super) fn step_differences(step: &SequenceStep, span: &Span) -> Vec<Difference> {
    let mut found = Vec::new();
    status(step.status.as_ref(), span, &mut found);
    attributes(&step.attributes, &|key| span.attribute(key), "", &mut found);
    events(&step.events, &span.events, &mut found);
    found
}

/// Whether a selector of `none:` takes this span.
pub(super) fn selects(selector: &Selector, span: &Span) -> bool {
    selector.kind.is_none_or(|kind| kind == span.kind)
        && selector.name.as_ref().is_none_or(|name| name.accepts_text(&span.name))
        && selector.service.as_ref().is_none_or(|service| service.accepts_text(span.service()))
        && selector.status.as_ref().is_none_or(|status| status_accepts(status, span))
        && selector.attributes.iter().all(|attribute| attribute.predicate.accepts(span.attribute(&attribute.key)))
}

/// How much a span resembles a pattern, 0 to 1; for the nearest miss. The name weighs most, because that is what people look for.
pub(super) fn likeness(pattern: &SpanPattern, span: &Span) -> f64 {
    let name = if pattern.name.predicate.accepts_text(&span.name) {
        1.0
    } else {
        pattern.name.predicate.exact_text().map_or(0.0, |wanted| strsim::normalized_levenshtein(wanted, &span.name) * 0.9)
    };
    let kind = f64::from(u8::from(pattern.kind.is_none_or(|kind| kind == span.kind)));
    let service = f64::from(u8::from(pattern.service.as_ref().is_none_or(|(service, _)| service.accepts_text(span.service()))));
    let asked = pattern.attributes.len() + pattern.events.len() + usize::from(pattern.status.is_some());
    let missed = differences(pattern, span).iter().filter(|d| !matches!(d.what.as_str(), "kind" | "name" | "service")).count();
    let rest = if asked == 0 { 1.0 } else { 1.0 - missed.min(asked) as f64 / asked as f64 };
    name * 0.55 + kind * 0.2 + service * 0.1 + rest * 0.15
}

/// The pattern in words.
pub(super) fn wanted(pattern: &SpanPattern) -> Wanted {
    Wanted {
        kind: pattern.kind,
        name: pattern.name.predicate.to_string(),
        service: pattern.service.as_ref().map(|(service, _)| service.to_string()).unwrap_or_default(),
    }
}

fn status(wanted: Option<&(StatusPattern, Place)>, span: &Span, found: &mut Vec<Difference>) {
    let Some((wanted, place)) = wanted else { return };
    if let Some(code) = wanted.code.filter(|code| *code != span.status.code) {
        let (expected, actual) = (code.to_string(), span.status.code.to_string());
        found.push(Difference { place: *place, what: "status".into(), expected, actual });
    }
    if let Some(message) = &wanted.message
        && !message.accepts_text(&span.status.message)
    {
        let (expected, actual) = (message.to_string(), span.status.message.clone());
        found.push(Difference { place: *place, what: "status message".into(), expected, actual });
    }
}

fn status_accepts(wanted: &StatusPattern, span: &Span) -> bool {
    wanted.code.is_none_or(|code| code == span.status.code)
        && wanted.message.as_ref().is_none_or(|message| message.accepts_text(&span.status.message))
}

fn attributes<'a>(
    wanted: &[AttributePattern],
    value_of: &impl Fn(&str) -> Option<&'a Value>,
    prefix: &str,
    found: &mut Vec<Difference>,
) {
    for attribute in wanted {
        let value = value_of(&attribute.key);
        if !attribute.predicate.accepts(value) {
            found.push(Difference {
                place: attribute.place,
                what: format!("{prefix}{}", attribute.key),
                expected: describe_expected(&attribute.predicate, value),
                actual: describe_actual(&attribute.predicate, value),
            });
        }
    }
}

fn events(wanted: &[EventPattern], events: &[Event], found: &mut Vec<Difference>) {
    for pattern in wanted {
        let named: Vec<_> = events.iter().filter(|event| pattern.name.predicate.accepts_text(&event.name)).collect();
        if named.is_empty() {
            let there: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
            let actual = if there.is_empty() { "no event".to_owned() } else { format!("only {}", there.join(", ")) };
            let what = format!("event {}", pattern.name.predicate);
            found.push(Difference { place: pattern.place, what, expected: "recorded".into(), actual });
            continue;
        }
        if !named.iter().any(|event| event_accepts(pattern, &event.attributes)) {
            let prefix = format!("event {} ", pattern.name.predicate);
            attributes(&pattern.attributes, &|key| named[0].attributes.get(key), &prefix, found);
        }
    }
}

fn event_accepts(pattern: &EventPattern, attributes: &Attributes) -> bool {
    pattern.attributes.iter().all(|attribute| attribute.predicate.accepts(attributes.get(&attribute.key)))
}

fn duration(bounds: DurationBounds, place: Place, span: &Span, found: &mut Vec<Difference>) {
    let took = span.duration();
    let expected = match (bounds.at_least, bounds.at_most) {
        (Some(least), _) if took < least => format!("at least {least:?}"),
        (_, Some(most)) if took > most => format!("at most {most:?}"),
        _ => return,
    };
    found.push(Difference { place, what: "duration".into(), expected, actual: format!("{took:?}") });
}
