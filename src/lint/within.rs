//! Warnings about one fixture: what it says that has no effect or can never fail.
//!
//! Called by `run` for fixtures without errors.

use crate::{
    expect::{
        Bounds, SpanPattern,
        file::formats::duration,
        spec::{DurationBounds, NamePattern},
    },
    fixture::{Fixture, RequestKind, placeholders, placeholders_in},
    support::{
        source::{Place, Problem},
        yaml::{Entry, Node, Value},
    },
};

/// Everything worth a look in `fixture`, whose tree is `node`.
pub(super) fn warnings(fixture: &Fixture, node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    unused_captures(fixture, node, &mut problems);
    empty_predicates(node, &mut problems);
    spans(&fixture.trace.spans, &mut problems);
    expects_nothing(fixture, &mut problems);
    idle_waivers(fixture, &mut problems);
    problems
}

fn warn(place: Place, code: &'static str, message: impl Into<String>, label: &str) -> Problem {
    Problem::at(place, code, message).label(label).warning()
}

/// Captured, and in no later text.
fn unused_captures(fixture: &Fixture, node: &Node, problems: &mut Vec<Problem>) {
    let used = placeholders_in(node);
    let in_bodies = |name: &str| fixture.steps.iter().any(|step| body_uses(&step.request.kind, name));
    for capture in fixture.steps.iter().flat_map(|step| &step.captures) {
        if !used.contains(capture.name.as_str()) && !in_bodies(&capture.name) {
            let problem = warn(capture.place, "unused-capture", format!("nothing uses `{}`", capture.name), "captured in vain");
            problems.push(problem.help(format!("use it as `${{{}}}`, or leave it out", capture.name)));
        }
    }
}

fn body_uses(kind: &RequestKind, name: &str) -> bool {
    let body = match kind {
        RequestKind::Provider(delivery) => Some(&delivery.body),
        RequestKind::Http(plain) => plain.body.as_ref(),
        RequestKind::Repeat { .. } => None,
    };
    body.is_some_and(|body| placeholders(&String::from_utf8_lossy(body)).any(|used| used == name))
}

/// `matches: ''` and `contains: ''` hold of every text, `duration: { at_least: 0s }` of every span.
fn empty_predicates(node: &Node, problems: &mut Vec<Problem>) {
    for entry in node.entries() {
        let never =
            |entry: &Entry| warn(entry.blame(), "never-fails", format!("`{}` never fails", entry.key), "holds of every text");
        match (entry.key.as_str(), &entry.value.value) {
            ("matches", Value::String(pattern)) if matches!(pattern.as_str(), "" | ".*" | "^" | "$") => {
                problems.push(never(entry));
            }
            ("contains", Value::String(text)) if text.is_empty() => problems.push(never(entry)),
            ("at_least", Value::String(text)) if duration(text).is_ok_and(|least| least.is_zero()) => {
                problems.push(warn(entry.blame(), "never-fails", "`at_least: 0s` never fails", "no span is shorter"));
            }
            _ => empty_predicates(&entry.value, problems),
        }
    }
    node.items().iter().for_each(|item| empty_predicates(item, problems));
}

fn spans(patterns: &[SpanPattern], problems: &mut Vec<Problem>) {
    for pattern in patterns {
        count(pattern, problems);
        if let Some((DurationBounds { at_least: None, at_most: Some(most) }, place)) = pattern.duration
            && most.is_zero()
        {
            problems.push(warn(place, "always-fails", "no span takes no time at all", "hardly ever holds"));
        }
        spans(&pattern.children, problems);
        spans(&pattern.below, problems);
    }
}

fn count(pattern: &SpanPattern, problems: &mut Vec<Problem>) {
    let Some((bounds, place)) = pattern.count else { return };
    if bounds == (Bounds { at_least: 0, at_most: None }) {
        let problem = warn(place, "never-fails", "`count: { at_least: 0 }` never fails", "any number is enough");
        problems.push(problem.help("leave it out for at least one, or say `at_most`"));
    }
    if let Some((steps, at)) = &pattern.sequence {
        let length = steps.len();
        if length < bounds.at_least || bounds.at_most.is_some_and(|most| length > most) {
            let message = format!("a sequence of {length} and this count cannot both hold");
            problems.push(warn(*at, "always-fails", message, "its length is an exact count"));
        } else {
            problems.push(warn(place, "no-effect", format!("the sequence asks for exactly {length} already"), "adds nothing"));
        }
    }
    if bounds.at_most == Some(0) && !(pattern.children.is_empty() && pattern.below.is_empty()) {
        let NamePattern { place, .. } = &pattern.name;
        problems.push(warn(*place, "no-effect", "nothing is below a span that is not there", "counted 0"));
    }
}

/// Neither an answer nor a trace is looked at; the rules of the suite still are.
fn expects_nothing(fixture: &Fixture, problems: &mut Vec<Problem>) {
    let trace = &fixture.trace;
    let said = trace.nothing.is_some() || !(trace.spans.is_empty() && trace.none.is_empty() && trace.edges.is_empty());
    if !said
        && fixture.steps.iter().all(|step| step.response.is_none())
        && let Some(step) = fixture.steps.first()
    {
        let problem = warn(step.request.place, "expects-nothing", "this fixture expects nothing", "sent, and then?");
        problems.push(problem.help("say `response: 200`, or list spans under `trace`"));
    }
}

/// Waives a rule of a pack that is not on.
fn idle_waivers(fixture: &Fixture, problems: &mut Vec<Problem>) {
    for waiver in &fixture.waived {
        let on = fixture.suite.rules.iter().any(|choice| choice.pack.rules().iter().any(|rule| rule.code == waiver.code));
        if let Some(place) = waiver.place.filter(|_| !on) {
            let message = format!("`{}` is not switched on here", waiver.code);
            let file = fixture.suite.file.as_deref().unwrap_or("suite.yaml");
            problems
                .push(warn(place, "no-effect", message, "nothing to waive").help(format!("`rules` in {file} names the packs")));
        }
    }
}
