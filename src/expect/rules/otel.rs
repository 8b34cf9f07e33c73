//! The `otel` pack: what holds for any trace worth the name, by the OpenTelemetry specification and its semantic conventions.

use super::{Breach, Rule, Subject, service_spans};
use crate::model::{Span, SpanKind, Trace, Value};

pub(super) const RULES: &[Rule] = &[
    Rule { code: "otel.one-root", asks: "the spans form one tree with one root", fails: true, mends: false, check: one_root },
    Rule { code: "otel.orphan", asks: "every parent that a span names has arrived", fails: true, mends: true, check: orphans },
    Rule {
        code: "otel.consumed",
        asks: "every producer that succeeded has a consumer of its run",
        fails: true,
        mends: true,
        check: consumed,
    },
    Rule {
        code: "otel.kinds",
        asks: "a SERVER span hangs under a CLIENT span, a CONSUMER span under or linked to a PRODUCER span, or is a root",
        fails: true,
        mends: true,
        check: kinds,
    },
    Rule {
        code: "otel.error-type",
        asks: "a span that ended in error says which: `error.type`",
        fails: true,
        mends: false,
        check: error_type,
    },
    Rule {
        code: "otel.exception",
        asks: "where something was thrown, the span or a log carries the `exception`",
        fails: true,
        mends: true,
        check: exception,
    },
    Rule {
        code: "otel.unhandled-error",
        asks: "an error is seen above, mended by a later attempt, or marked with an `error_handled` event",
        fails: false,
        mends: true,
        check: unhandled,
    },
    Rule {
        code: "otel.leak",
        asks: "no personal value and no secret in spans, events or logs",
        fails: true,
        mends: false,
        check: leaks,
    },
];

fn one_root(subject: &Subject<'_>) -> Vec<Breach> {
    let trace = subject.trace;
    let roots = trace.roots();
    let Some((_, others)) = roots.split_first() else { return Vec::new() };
    others
        .iter()
        .map(|at| {
            let span = &trace.spans()[*at];
            Breach::of(*at, format!("`{}` of {} is a second root of the same trace.", span.name, span.service()))
                .with("A trace has one root; this span carries the trace id but names no parent.".to_owned())
        })
        .collect()
}

fn orphans(subject: &Subject<'_>) -> Vec<Breach> {
    let trace = subject.trace;
    trace
        .orphans()
        .into_iter()
        .map(|at| {
            let span = &trace.spans()[at];
            let parent = span.parent_id.map(|id| id.to_string()).unwrap_or_default();
            Breach::of(at, format!("`{}` of {} hangs in the air: its parent {parent} never arrived.", span.name, span.service()))
        })
        .collect()
}

/// A producer is consumed by a child or linked consumer; a deduplicated one by the consumer of the run it was answered with.
fn consumed(subject: &Subject<'_>) -> Vec<Breach> {
    let trace = subject.trace;
    service_spans(trace)
        .filter(|(_, span)| span.kind == SpanKind::Producer && !span.is_error())
        .filter(|(_, producer)| !is_consumed(trace, producer))
        .map(|(at, producer)| {
            let message = format!("`{}` of {} was sent and nobody consumed it.", producer.name, producer.service());
            match producer.attributes.get("trigger.task.handle_id") {
                Some(run) => Breach::of(at, message).with(format!("No consumer of run `{run}` arrived.")),
                None => Breach::of(at, message),
            }
        })
        .collect()
}

fn is_consumed(trace: &Trace, producer: &Span) -> bool {
    let run = producer.attributes.get("trigger.task.handle_id");
    trace.spans().iter().filter(|span| span.kind == SpanKind::Consumer).any(|consumer| {
        let follows =
            consumer.parent_id == Some(producer.span_id) || consumer.links.iter().any(|link| link.span_id == producer.span_id);
        let same_run = run.is_none_or(|run| consumer.attributes.get("trigger.task.run_id").is_none_or(|other| other == run));
        let deduplicated = producer.attributes.get("trigger.task.deduplicated") == Some(&Value::Bool(true));
        (follows && same_run) || (deduplicated && run.is_some() && run == consumer.attributes.get("trigger.task.run_id"))
    })
}

fn kinds(subject: &Subject<'_>) -> Vec<Breach> {
    let trace = subject.trace;
    service_spans(trace)
        .filter_map(|(at, span)| {
            let parent = trace.parent(span)?;
            let linked =
                || span.links.iter().filter_map(|link| trace.get(link.span_id)).any(|other| other.kind == SpanKind::Producer);
            let wanted = match span.kind {
                SpanKind::Server if parent.kind != SpanKind::Client => SpanKind::Client,
                SpanKind::Consumer if parent.kind != SpanKind::Producer && !linked() => SpanKind::Producer,
                _ => return None,
            };
            let headline = format!(
                "`{}` is a {} span under the {} span `{}`; it belongs under a {wanted} span.",
                span.name, span.kind, parent.kind, parent.name
            );
            Some(Breach::of(at, headline))
        })
        .collect()
}

fn error_type(subject: &Subject<'_>) -> Vec<Breach> {
    service_spans(subject.trace)
        .filter(|(_, span)| span.is_error() && span.attributes.get("error.type").is_none())
        .map(|(at, span)| {
            Breach::of(at, format!("`{}` of {} ended in error and does not say `error.type`.", span.name, span.service()))
        })
        .collect()
}

/// An `error.type` that is a status code says that an answer was bad, not that something was thrown (semantic conventions, HTTP spans).
fn exception(subject: &Subject<'_>) -> Vec<Breach> {
    service_spans(subject.trace)
        .filter(|(_, span)| span.is_error())
        .filter(|(_, span)| {
            let thrown = span.attributes.text("error.type").is_some_and(|kind| kind.parse::<u16>().is_err());
            thrown && !span.events.iter().any(|event| event.name == "exception")
        })
        .filter(|(_, span)| {
            !subject.logged.iter().any(|(place, _)| place.contains("exception") && place.contains(&span.span_id.to_string()))
        })
        .map(|(at, span)| {
            Breach::of(at, format!("`{}` of {} failed by an exception that nothing recorded.", span.name, span.service())).with(
                "An `exception` event on the span, or a log record with `exception.type`, would say what was thrown.".to_owned(),
            )
        })
        .collect()
}

pub(super) fn unhandled(subject: &Subject<'_>) -> Vec<Breach> {
    let trace = subject.trace;
    service_spans(trace)
        .filter(|(_, span)| span.is_error() && !is_handled(trace, span))
        .filter_map(|(at, span)| {
            let above = trace.parent(span)?;
            let headline = format!("`{}` hides the error of `{}`.", above.name, span.name);
            let detail = format!(
                "`{}` of {} ended in error; nothing above it did, no later attempt succeeded, and no `error_handled` event says that it was meant.",
                span.name,
                span.service()
            );
            Some(Breach::of(at, headline).with(detail))
        })
        .collect()
}

/// Seen above, mended by a later sibling of the same name, or said to be handled by something above. A request that devstack itself
/// sent has nobody above to see it: there the answer is what counts, and the fixture's `response` judges it. Nor has a run: its producer
/// ended long before, and the CONSUMER span is where one looks for runs that failed.
fn is_handled(trace: &Trace, span: &Span) -> bool {
    if span.kind == SpanKind::Consumer {
        return true;
    }
    let Some(parent) = trace.parent(span) else { return true };
    if parent.service() == crate::model::OWN_SERVICE || parent.is_error() {
        return true;
    }
    let mended = trace.children(parent.span_id).iter().map(|at| &trace.spans()[*at]).any(|sibling| {
        sibling.name == span.name && sibling.kind == span.kind && sibling.start_ns >= span.end_ns && !sibling.is_error()
    });
    // A producer's consumer may be retried as a run of its own: a later attempt hangs under the same producer, which is the case above.
    mended || ancestors(trace, span).any(|above| above.events.iter().any(|event| event.name == "error_handled"))
}

fn ancestors<'a>(trace: &'a Trace, span: &Span) -> impl Iterator<Item = &'a Span> {
    let mut next = trace.parent(span);
    let mut left = trace.spans().len();
    std::iter::from_fn(move || {
        let here = next?;
        left = left.checked_sub(1)?;
        next = trace.parent(here);
        Some(here.as_ref())
    })
}

fn leaks(subject: &Subject<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (at, span) in service_spans(subject.trace) {
        for (place, text) in texts(span) {
            for (what, value) in subject.secrets.iter().filter(|(_, value)| text.contains(value.as_str())) {
                let headline = format!("`{}` of {} leaks a {what} in {place}.", span.name, span.service());
                found.push(
                    Breach::of(at, headline).with(format!(
                        "The value sent with this case, {} characters long, was found there.",
                        value.chars().count()
                    )),
                );
            }
        }
    }
    for (place, text) in subject.logged {
        for (what, _) in subject.secrets.iter().filter(|(_, value)| text.contains(value.as_str())) {
            found.push(Breach { headline: format!("A log record leaks a {what} in {place}."), details: Vec::new(), span: None });
        }
    }
    found
}

/// Every text of a span, with where it stands.
fn texts(span: &Span) -> Vec<(String, String)> {
    let mut texts =
        vec![("its name".to_owned(), span.name.clone()), ("its status message".to_owned(), span.status.message.clone())];
    texts.extend(span.attributes.iter().map(|(key, value)| (format!("attribute `{key}`"), value.to_string())));
    for event in &span.events {
        texts.extend(
            event.attributes.iter().map(|(key, value)| (format!("`{key}` of event `{}`", event.name), value.to_string())),
        );
    }
    texts
}
