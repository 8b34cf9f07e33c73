//! The two troubleshooting lists of the guide ("Traces not appearing", "Missing trace context propagation"), each line answered by what
//! was found.

use serde::Serialize;

use super::{
    facts::{Facts, Measured, Reach},
    measured::told,
    propagation::{Lost, Propagation},
    told::{Delay, SLOW_MS, delay_of},
};
use crate::support::env::Env as _;

/// One of the guide's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    /// Its heading in the guide.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The line in the guide.
    pub asked: &'static str,
    /// The answer.
    pub told: Told,
    /// What it rests on.
    pub because: String,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// It cannot be said.
    Unknown,
}

/// Both lists.
pub(super) fn of(facts: &Facts) -> Vec<List> {
    vec![
        List {
            title: "Traces not appearing",
            lines: vec![
                line("Check `OTEL_ENABLED=true`", enabled(facts)),
                line("Verify `OTEL_EXPORTER_OTLP_ENDPOINT` is correct", endpoint(facts)),
                line("Check OTLP collector is running", collector(facts)),
                line("Enable debug mode: `OTEL_DEBUG=true`", debug(facts)),
            ],
        },
        List {
            title: "Missing trace context propagation",
            lines: vec![
                line("Ensure `traceparent` is in task payload", propagated(facts, payload)),
                line("Check `extractTraceContext` is called", propagated(facts, extracted)),
                line("Verify `withTaskSpan` wraps the handler", propagated(facts, wrapped)),
            ],
        },
    ]
}

type Answer = (Told, String);

fn line(asked: &'static str, (told, because): Answer) -> Line {
    Line { asked, told, because }
}

fn yes(words: impl Into<String>) -> Answer {
    (Told::Yes, words.into())
}

fn no(words: impl Into<String>) -> Answer {
    (Told::No, words.into())
}

fn unknown(words: impl Into<String>) -> Answer {
    (Told::Unknown, words.into())
}

fn enabled(facts: &Facts) -> Answer {
    if facts.arrived() {
        return yes("a span of the control request came");
    }
    let Some(variables) = facts.variables() else { return unknown("the variables of the process are not known") };
    let says = |name: &str, word: &str| variables.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
    if says("OTEL_ENABLED", "false") {
        no("OTEL_ENABLED=false")
    } else if says("OTEL_SDK_DISABLED", "true") {
        no("OTEL_SDK_DISABLED=true")
    } else if says("OTEL_TRACES_EXPORTER", "none") {
        no("OTEL_TRACES_EXPORTER=none")
    } else if facts.is_silent() {
        unknown("no variable switches it off, and no span came")
    } else {
        yes("no variable switches it off")
    }
}

fn endpoint(facts: &Facts) -> Answer {
    if facts.arrived() {
        return yes("a span of the control request came to this stack");
    }
    let Some(to) = &facts.traces_to else { return unknown("the variables of the process are not known") };
    let named = match to.variable {
        Some(variable) => format!("{variable}={}", to.endpoint),
        None if facts.variables().is_none() => return unknown("the variables of the process are not known"),
        None => return unknown(format!("none is set: the default is {}, unless its code names another", to.endpoint)),
    };
    let ours = facts.receiver.as_ref().is_some_and(|receiver| {
        let right = if to.grpc == Some(true) { &receiver.otlp_grpc } else { &receiver.otlp_http };
        to.loopback && super::look::port_of(right) == Some(to.port)
    });
    match (to.reach, &facts.receiver) {
        (Reach::Refused, _) => no(format!("nobody listens at {named}")),
        (Reach::Unknown, _) => no(format!("{named} cannot be reached")),
        (Reach::Open, Some(_)) if ours => yes(format!("{named} is this stack's receiver")),
        (Reach::Open, Some(receiver)) => {
            let right = if to.grpc == Some(true) { &receiver.otlp_grpc } else { &receiver.otlp_http };
            no(format!("{named} is not {right}, where this stack takes what it speaks"))
        }
        (Reach::Open, None) => unknown(format!("somebody listens at {named}; no stack is up to compare with")),
    }
}

fn collector(facts: &Facts) -> Answer {
    match (&facts.receiver, &facts.measured) {
        (Some(receiver), Some(Measured { watched: true, .. })) => yes(format!("the receiver at {} answers", receiver.otlp_http)),
        (Some(receiver), Some(_)) => no(format!("the receiver at {} does not answer", receiver.otlp_http)),
        (Some(receiver), None) => unknown(format!("not asked: the receiver should be at {}", receiver.otlp_http)),
        (None, _) => no("no stack is up"),
    }
}

fn debug(facts: &Facts) -> Answer {
    let set = facts.variables().map(|variables| delay_of(variables));
    let lag = facts.measured.as_ref().filter(|measured| measured.arrived()).map(Measured::longest_lag_ms);
    match (set, lag) {
        (Some(Delay::Immediate), _) => yes("it is on"),
        (_, Some(lag)) if lag < SLOW_MS => yes(format!("not needed: spans come within {}", told(lag))),
        (_, Some(lag)) => no(format!("it is off, and spans come up to {} late", told(lag))),
        (Some(_), None) => unknown("it is off; no span came to measure"),
        (None, None) => unknown("the variables of the process are not known, and no span came to measure"),
    }
}

/// The answer that the traces of the ledger give; without any of the service's there is none.
fn propagated(facts: &Facts, answer: fn(&Propagation) -> Answer) -> Answer {
    let Some(measured) = facts.measured.as_ref().filter(|measured| measured.watched) else { return unknown("not measured") };
    let found = &measured.propagation;
    if found.traces == 0 { unknown("no trace of this service is in the ledger") } else { answer(found) }
}

fn payload(found: &Propagation) -> Answer {
    if let Some(Lost { from, service, root }) = found.lost.first() {
        let more = match found.lost.len() {
            1 => String::new(),
            lost => format!(" (and {} more)", lost - 1),
        };
        return no(format!("after `{from}`, {service} began a trace of its own with `{root}`{more}"));
    }
    match (found.continued, found.sent) {
        (_, 0) => unknown("it sent nothing: no PRODUCER or CLIENT span of it is in the ledger"),
        (0, sent) => unknown(format!("nobody instrumented went on from its {sent} PRODUCER and CLIENT spans")),
        (continued, sent) => yes(format!("{continued} of its {sent} PRODUCER and CLIENT spans were gone on from, none was lost")),
    }
}

fn extracted(found: &Propagation) -> Answer {
    match (found.consumed_alone, found.consumed) {
        (0, 0) if !found.lost.is_empty() => no("the services after it began traces of their own"),
        (0, 0) => unknown("no CONSUMER span stands in its traces"),
        (0, consumed) => yes(format!("all {consumed} CONSUMER spans have a parent or a link")),
        (alone, consumed) => no(format!("{alone} of {consumed} CONSUMER spans have neither parent nor link")),
    }
}

fn wrapped(found: &Propagation) -> Answer {
    match (found.consumed, found.produced) {
        (0, 0) => unknown("it enqueued no task: no PRODUCER span of it is in the ledger"),
        (0, produced) => no(format!("{produced} PRODUCER spans, and no CONSUMER span in their traces")),
        (consumed, _) => yes(format!("{consumed} CONSUMER spans are there")),
    }
}
