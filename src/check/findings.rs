//! From what the matcher and the rules found to the sentences a person needs.
//!
//! Fed by the judge; its [`Finding`]s go into the report. Causes (`diagnose`) come before these.

use super::outcome::{Finding, Severity, SourceSpan};
use crate::{
    expect::{
        Difference, Miss, Place, Wanted, What,
        rules::{Breach, Rule},
        spec::Bounds,
    },
    model::{Span, Trace},
    support::words::capitalised,
};

pub(super) use crate::support::words::counted;

/// The place of an expectation in the fixture's file.
pub(super) fn source_span(file: &str, place: Place) -> SourceSpan {
    SourceSpan { file: file.to_owned(), line: place.line, column: place.column, offset: place.offset, length: place.length }
}

/// A finding without details.
pub(super) fn finding(code: &str, headline: impl AsRef<str>) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Failure,
        headline: capitalised(headline.as_ref()),
        details: Vec::new(),
        at: None,
        label: String::new(),
        hint: None,
    }
}

/// What the matcher missed, in words.
pub(super) fn of_miss(miss: &Miss, trace: &Trace, file: &str) -> Finding {
    let place = match &miss.what {
        What::Differs { differences, .. } => differences.first().map_or(miss.place, |difference| difference.place),
        _ => miss.place,
    };
    let mut finding = said(&miss.what, trace);
    finding.at = Some(source_span(file, place));
    finding
}

/// A breach of a rule, in words.
pub(super) fn of_breach(rule: &Rule, breach: &Breach, severity: Severity) -> Finding {
    let mut finding = finding(&format!("rule.{}", rule.code), breach.headline.clone());
    finding.severity = severity;
    finding.details.clone_from(&breach.details);
    finding.hint = Some(format!("`waive: {{ {}: REASON }}` in the fixture, if this is meant", rule.code));
    finding
}

fn said(what: &What, trace: &Trace) -> Finding {
    let spans = trace.spans();
    match what {
        What::Absent { wanted, under, elsewhere, nearest } => absent(trace, wanted, *under, elsewhere, nearest.as_ref()),
        What::Differs { span, wanted, differences } => differs(&spans[*span], wanted, differences),
        What::Count { wanted, under, spans: found, bounds } => count(trace, wanted, *under, found, *bounds),
        What::Unexpected { span } => {
            let span = &spans[*span];
            let below = trace.parent(span).map(|parent| format!(" below `{}`", parent.name)).unwrap_or_default();
            let mut finding =
                finding("expect.unexpected", format!("`{}` of {} was not expected{below}.", span.name, span.service()));
            finding.label = format!("`exact` leaves no room for the {} span `{}`", span.kind, span.name);
            finding
        }
        What::Forbidden { span } => {
            let span = &spans[*span];
            let mut finding = finding("expect.forbidden", format!("`{}` of {} should not be there.", span.name, span.service()));
            finding.label = format!("the {} span `{}` matches", span.kind, span.name);
            finding
        }
        What::NotNothing { spans: found } => {
            let first = &spans[found[0]];
            let mut finding = finding(
                "expect.nothing",
                format!(
                    "{} of a trace that should not exist, the first is `{}`.",
                    counted(found.len(), "span came", "spans came"),
                    first.name
                ),
            );
            finding.label.push_str("nothing was to arrive");
            finding
        }
        What::NoEdge { from, to, seen } => no_edge(from, to, *seen),
        What::StandIn { span } => stood_in(trace, &spans[*span]),
    }
}

fn stood_in(trace: &Trace, span: &Span) -> Finding {
    let service = span.service();
    let headline = format!("only a stand-in of `{service}` answered; `stand_in: ok` accepts that.");
    let mut finding = finding("expect.stand-in", headline);
    finding.label = format!("`{}` is the stand-in's", span.name);
    // What a stand-in does prove, it proves of whoever called it.
    if let Some(above) = trace.parent(span).filter(|above| above.service() != service) {
        finding.details.push(format!(
            "It went on below `{}` of {}: the trace context did reach it.",
            above.name,
            above.service()
        ));
    }
    finding
}

fn absent(
    trace: &Trace,
    wanted: &Wanted,
    under: Option<usize>,
    elsewhere: &[usize],
    nearest: Option<&(usize, Vec<Difference>)>,
) -> Finding {
    let spans = trace.spans();
    let wanted_parent = under.map(|at| spans[at].name.as_str());
    if let (Some(at), Some(parent)) = (elsewhere.first(), wanted_parent) {
        let span = &spans[*at];
        let actual = trace.parent(span).map_or_else(|| "nothing".to_owned(), |above| format!("`{}`", above.name));
        let mut finding = finding(
            "expect.parent",
            format!("`{}` of {} hangs under {actual}, not under `{parent}`.", span.name, span.service()),
        );
        finding.label = format!("it is there, but under {actual}");
        return finding;
    }
    let what = phrase(wanted);
    let below = wanted_parent.map(|name| format!(" below `{name}`")).unwrap_or_default();
    let mut finding = finding("expect.missing", format!("no {what} arrived{below}."));
    finding.label.push_str("no span matches this");
    if let Some((at, differences)) = nearest {
        let span = &spans[*at];
        let how: Vec<_> = differences.iter().map(|d| format!("{} expected {} got {}", d.what, d.expected, d.actual)).collect();
        finding.details.push(format!(
            "Nearest: the {} span `{}` of {}: {}.",
            span.kind,
            span.name,
            span.service(),
            how.join("; ")
        ));
    }
    finding
}

fn differs(span: &Span, wanted: &Wanted, differences: &[Difference]) -> Finding {
    let Some(first) = differences.first() else {
        return finding("expect.differs", format!("`{}` is not as expected.", span.name));
    };
    let who = format!("`{}` of {}", span.name, span.service());
    let (code, headline) = match first.what.as_str() {
        "name" => ("expect.name", format!("{} was expected, {who} came.", capitalised(&phrase(wanted)))),
        "kind" => ("expect.kind", format!("{who} is {} span, expected {}.", with_article(&first.actual), first.expected)),
        "status" => ("expect.status", format!("{who} ended with status {}, expected {}.", first.actual, first.expected)),
        event if event.starts_with("event ") && first.expected == "recorded" => {
            ("expect.event", format!("{who} did not record the event `{}`.", &event["event ".len()..]))
        }
        what => ("expect.attribute", format!("{who}: `{what}` is {}, expected {}.", first.actual, first.expected)),
    };
    let mut finding = finding(code, headline);
    finding.label = match first.what.as_str() {
        what if what.starts_with("event ") && first.expected == "recorded" => format!("the span has {}", first.actual),
        _ => format!("the span says {}", first.actual),
    };
    finding.details =
        differences[1..].iter().map(|d| format!("Also `{}`: expected {}, got {}.", d.what, d.expected, d.actual)).collect();
    finding
}

fn count(trace: &Trace, wanted: &Wanted, under: Option<usize>, found: &[usize], bounds: Bounds) -> Finding {
    let spans = trace.spans();
    let below = under.map(|at| format!(" below `{}`", spans[at].name)).unwrap_or_default();
    let times = counted(found.len(), "time", "times");
    let headline = format!("`{}` came {times}{below}, expected {}.", wanted.name, bounds_in_words(bounds));
    let mut finding = finding("expect.count", headline);
    finding.label = format!("{} came", found.len());
    if let Some((a, b)) = twins(trace, found) {
        finding.details.push(format!(
            "`{}` ({}) says nothing that `{}` ({}) does not: a duplicate span.",
            spans[b].name, spans[b].span_id, spans[a].name, spans[a].span_id
        ));
    }
    finding
}

/// Two spans that say the same under the same parent; of one that was recorded twice, the copy often knows less (no status code).
fn twins(trace: &Trace, found: &[usize]) -> Option<(usize, usize)> {
    let spans = trace.spans();
    found.iter().enumerate().find_map(|(at, a)| {
        let same = |b: &&usize| {
            let (a, b) = (&spans[*a], &spans[**b]);
            let says_all_of =
                |more: &Span, less: &Span| less.attributes.iter().all(|(key, value)| more.attributes.get(key) == Some(value));
            a.parent_id == b.parent_id && a.name == b.name && a.kind == b.kind && (says_all_of(a, b) || says_all_of(b, a))
        };
        found[at + 1..].iter().find(same).map(|b| (*a, *b))
    })
}

fn no_edge(from: &str, to: &str, seen: (bool, bool)) -> Finding {
    let mut finding = finding("expect.edge", format!("nothing leads from {from} to {to}."));
    finding.label = match seen {
        (_, false) => format!("{to} sent no span of this trace"),
        (false, true) => format!("{from} sent no span of this trace"),
        (true, true) => format!("no span of {to} has a parent or link in {from}"),
    };
    finding
}

/// `consumer span `trigger.task.x` of medicalcor-trigger`.
fn phrase(wanted: &Wanted) -> String {
    let kind = wanted.kind.map(|kind| format!("{kind} ")).unwrap_or_default();
    let service = if wanted.service.is_empty() { String::new() } else { format!(" of {}", wanted.service) };
    format!("{kind}span `{}`{service}", wanted.name)
}

fn bounds_in_words(bounds: Bounds) -> String {
    match bounds {
        Bounds { at_least, at_most: Some(most) } if at_least == most => at_least.to_string(),
        Bounds { at_least: 0, at_most: Some(most) } => format!("at most {most}"),
        Bounds { at_least, at_most: Some(most) } => format!("{at_least} to {most}"),
        Bounds { at_least, at_most: None } => format!("at least {at_least}"),
    }
}

/// `a client`, `an internal`.
fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
