//! The verdict on one case: expectations, rules and answers, weighed by the evidence there is (DESIGN section 7, "Verdicts").
//!
//! Fed by `drive` with everything that was gathered; pure. Says either what the verdict is, or that waiting could still change it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    compare, diagnose, enqueued,
    findings::{self, finding},
    outcome::{Evidence, Finding, Severity, TreeRow, Verdict},
};
use crate::{
    expect::{self, Miss, Standing, TraceExpectation, What, rules},
    fixture::{PackChoice, RuleLevel, Waiver},
    model::{Arrival, LogRecord, Span, Trace, TraceId, Value},
    support::work::{OpenSpan, WorkReport},
    telemetry::attributes,
};

/// Everything gathered about a case.
pub(super) struct Gathered<'a> {
    /// The fixture file, for places.
    pub(super) file: &'a str,
    /// What it expects, captured values put in.
    pub(super) expected: &'a TraceExpectation,
    /// Rule packs that are on.
    pub(super) packs: &'a [PackChoice],
    /// Waived rules with their reasons.
    pub(super) waived: &'a [Waiver],
    /// The correlation id sent along.
    pub(super) correlation_id: &'a str,
    /// Personal values and secrets that must not appear.
    pub(super) secrets: &'a [(String, String)],
    /// What was wrong with the answers.
    pub(super) answers: &'a [Finding],
    /// devstack's own spans of the case.
    pub(super) own: &'a [Arc<Span>],
    /// What arrived.
    pub(super) arrivals: &'a [Arrival],
    /// Logs of the trace.
    pub(super) logs: &'a [Arc<LogRecord>],
    /// Spans thrown out of the ledger.
    pub(super) evicted: u64,
    /// Other traces with the same correlation id.
    pub(super) strays: &'a [Trace],
    /// What was enqueued while the case ran, where a stand-in tells that.
    pub(super) enqueued: Option<&'a enqueued::Seen>,
    /// The trace that was sent.
    pub(super) sent: TraceId,
    /// How strong the evidence is.
    pub(super) evidence: Evidence,
    /// The least that a verdict on absence must rest on.
    pub(super) least: Evidence,
    /// Whether the deadline has come: what lacks will not be waited for any longer.
    pub(super) overdue: bool,
    /// With `trace: none`: whether a control request showed that spans of these services do arrive.
    pub(super) silence_proved: bool,
    /// What each service last said.
    pub(super) reports: &'a [WorkReport],
    /// Spans that nothing is left to end.
    pub(super) never_ended: &'a [OpenSpan],
}

/// A verdict with its reasons.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) findings: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) tree: Vec<TreeRow>,
}

/// Judges; `None` when something lacks that may still come.
pub(super) fn judge(case: &Gathered<'_>) -> Option<Judgement> {
    let trace = Trace::new(case.own.iter().cloned().chain(case.arrivals.iter().map(|arrival| Arc::clone(&arrival.span))));
    // Spans in another trace with the same correlation id are this case's, too: its context was lost on the way.
    let observed = trace.spans().len() > case.own.len() || !case.strays.is_empty();
    let whole = case.evidence >= Evidence::Quiet && case.evidence >= case.least;
    let standings = expect::judge(case.expected, &trace);

    let mut failed = case.answers.to_vec();
    let mut open_questions = Vec::new();
    let mut misses = Vec::new();
    let exceeded = standings.iter().any(|standing| standing.settled && !standing.holds);
    for standing in standings {
        match answer(case, whole, &standing) {
            Answer::Held => {}
            Answer::Wait if exceeded => {}
            Answer::Wait => return None,
            Answer::Undecided => open_questions.push(standing),
            Answer::Failed => misses.extend(standing.misses),
        }
    }
    let heard = case.expected.nothing.is_some() && case.silence_proved;
    // Heard from, but not for long enough: that is undecided.
    let silence_counts = heard && (case.evidence >= Evidence::Barrier || !whole);
    if !observed && !silence_counts {
        return (whole || case.overdue).then(|| unobserved(case, failed));
    }
    // What is failed already needs no further evidence; what holds so far does.
    if !whole && !case.overdue && misses.is_empty() {
        return None;
    }

    let Breaches { failures, mut warnings, mendable } = if whole { broken_rules(case, &trace) } else { Breaches::default() };
    if mendable && failed.is_empty() && misses.is_empty() && !case.overdue && !is_final(case.evidence) {
        return None;
    }
    let awaited = if misses.is_empty() { BTreeSet::new() } else { case.expected.services() };
    let mut causes = causes(case, &trace, awaited);
    if let Some(seen) = case.enqueued {
        let failing = !(failed.is_empty() && causes.is_empty() && misses.is_empty() && failures.is_empty());
        let suspected = enqueued::suspected(seen, &case.reading(&trace), failing);
        if failing {
            causes.extend(suspected);
        } else {
            warnings.extend(suspected.into_iter().map(|finding| Finding { severity: Severity::Warning, ..finding }));
        }
        warnings.extend(seen.unread());
    }
    failed.extend(explained(causes, &misses, failures, &trace, case.file));
    let verdict = if !failed.is_empty() {
        Verdict::Failed
    } else if !whole || case.evicted > 0 || !open_questions.is_empty() {
        failed.push(undecided(case, &open_questions));
        Verdict::Undecided
    } else {
        Verdict::Held
    };
    let tree = if verdict == Verdict::Held { Vec::new() } else { compare::rows(&trace, &misses) };
    Some(Judgement { verdict, findings: failed, warnings, tree })
}

impl<'a> Gathered<'a> {
    /// What was enqueued is read by.
    fn reading<'r>(&'r self, trace: &'r Trace) -> enqueued::Reading<'r>
    where
        'a: 'r,
    {
        enqueued::Reading { trace, strays: self.strays, sent: self.sent, correlation_id: self.correlation_id }
    }
}

enum Answer {
    Held,
    Failed,
    /// More may come, and the deadline has not.
    Wait,
    /// The deadline came first.
    Undecided,
}

/// One expectation under the evidence: existence holds at once, an exceeded bound fails at once, everything else needs to know that
/// nothing more will come; and what lacks is never given up on quiet alone.
fn answer(case: &Gathered<'_>, whole: bool, standing: &Standing) -> Answer {
    let settled = standing.settled || is_final(case.evidence);
    match (standing.holds, settled) {
        (_, true) | (false, _) if case.overdue || settled => {
            if standing.holds {
                Answer::Held
            } else {
                Answer::Failed
            }
        }
        (true, _) if whole => Answer::Held,
        (true, _) if case.overdue => Answer::Undecided,
        _ => Answer::Wait,
    }
}

/// Whether nothing more can come: the services say so, or the fixture.
fn is_final(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::Drained | Evidence::Complete)
}

fn unobserved(case: &Gathered<'_>, mut findings: Vec<Finding>) -> Judgement {
    let verdict = if findings.is_empty() { Verdict::Unobserved } else { Verdict::Failed };
    let mut nothing = finding("cause.unobserved", "No span of this trace arrived.");
    for report in case.reports {
        let line = match (&report.export_error, report.lost, report.traces.is_empty()) {
            (Some(error), lost, _) => format!("{} could not export{}: {error}.", report.service, lost_words(lost)),
            (None, _, true) => format!("{} has seen nothing of this trace.", report.service),
            (None, lost @ 1.., _) => format!("{} lost {lost} spans on export.", report.service),
            (None, _, false) => {
                format!("{} worked on this trace and exported {} spans.", report.service, report.exported)
            }
        };
        nothing.details.push(line);
    }
    nothing.details.extend(case.enqueued.and_then(|seen| seen.all_the_same(&case.reading(&Trace::default()))));
    if case.expected.nothing.is_some() {
        nothing.details.push("A sampled control request left no span either, so this silence proves nothing.".to_owned());
    }
    nothing.hint = Some("check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_ENABLED of the services".to_owned());
    findings.push(nothing);
    let trace = Trace::default();
    Judgement { verdict, findings, warnings: Vec::new(), tree: compare::rows(&trace, &[]) }
}

fn lost_words(lost: u64) -> String {
    if lost == 0 { String::new() } else { format!(" {lost} spans") }
}

fn undecided(case: &Gathered<'_>, questions: &[Standing]) -> Finding {
    if case.evicted > 0 {
        return finding(
            "judge.evicted",
            format!("{} spans of this trace were thrown out of the ledger to keep its bounds.", case.evicted),
        );
    }
    let mut finding = finding("judge.deadline", "The deadline came before it was clear that nothing more would arrive.");
    finding.at = questions.first().map(|standing| findings::source_span(case.file, standing.place));
    for report in case.reports.iter().filter(|report| !report.idle()) {
        finding.details.push(format!(
            "{}: {} under way, {} queued, {} open, {} not exported.",
            report.service,
            report.active,
            report.queued,
            report.open.len(),
            report.unexported
        ));
    }
    finding
}

fn causes(case: &Gathered<'_>, trace: &Trace, awaited: BTreeSet<&str>) -> Vec<Finding> {
    diagnose::causes(&diagnose::Clues {
        trace,
        arrivals: case.arrivals,
        strays: case.strays,
        enqueued: case.enqueued.map(|seen| (seen, case.reading(trace))),
        reports: case.reports,
        evicted: case.evicted,
        never_ended: case.never_ended,
        awaited,
    })
}

/// Rules that do not hold.
#[derive(Default)]
struct Breaches {
    /// Those that fail the case.
    failures: Vec<Finding>,
    /// Those worth a look.
    warnings: Vec<Finding>,
    /// Whether a span that is still to come could mend one of those that fail the case.
    mendable: bool,
}

fn broken_rules(case: &Gathered<'_>, trace: &Trace) -> Breaches {
    let logged = logged(case.logs);
    let subject = rules::Subject {
        trace,
        correlation_id: case.correlation_id,
        secrets: case.secrets,
        logged: &logged,
        registry: attributes::REGISTRY,
    };
    let Breaches { mut failures, mut warnings, mut mendable } = Breaches::default();
    for choice in case.packs {
        for rule in choice.pack.rules().iter().filter(|rule| !is_waived(case, rule.code)) {
            let Some(severity) = severity(choice, rule) else { continue };
            let before = failures.len();
            let found = rule.check(&subject).into_iter().map(|breach| findings::of_breach(rule, &breach, severity));
            match severity {
                Severity::Failure => failures.extend(found),
                Severity::Warning => warnings.extend(found),
            }
            mendable |= rule.mends && failures.len() > before;
        }
    }
    // The same sentence from a milder pack adds nothing.
    warnings.retain(|warning: &Finding| failures.iter().all(|failure| failure.headline != warning.headline));
    Breaches { failures, warnings, mendable }
}

fn is_waived(case: &Gathered<'_>, code: &str) -> bool {
    case.waived.iter().any(|waiver| waiver.code == code)
}

/// What a breach of a rule means in this suite; `None` when the rule is off.
fn severity(choice: &PackChoice, rule: &rules::Rule) -> Option<Severity> {
    let level = choice.levels.iter().find(|(code, _)| *code == rule.code).map(|(_, level)| *level);
    match level {
        Some(RuleLevel::Off) => None,
        Some(RuleLevel::Warning) => Some(Severity::Warning),
        Some(RuleLevel::Failure) => Some(Severity::Failure),
        None => Some(if rule.fails { Severity::Failure } else { Severity::Warning }),
    }
}

/// Log records as (where, text), for rules that look for leaks and exceptions.
fn logged(logs: &[Arc<LogRecord>]) -> Vec<(String, String)> {
    logs.iter()
        .flat_map(|log| {
            let of = log.span_id.map(|id| format!(" of span {id}")).unwrap_or_default();
            let service = log.resource.service().to_owned();
            let body = (format!("the body of a log{of} by {service}"), log.body.to_string());
            let attributes: Vec<_> = log
                .attributes
                .iter()
                .map(|(key, value): (&str, &Value)| (format!("`{key}` of a log{of} by {service}"), value.to_string()))
                .collect();
            std::iter::once(body).chain(attributes)
        })
        .collect()
}

/// Causes first, each with the place of the expectation it broke; then the misses; then the rules that no cause explains already.
fn explained(causes: Vec<Finding>, misses: &[Miss], mut breaches: Vec<Finding>, trace: &Trace, file: &str) -> Vec<Finding> {
    // A span in the wrong place is told once, as missing where it belongs, and not again as unexpected where it is.
    let misplaced =
        |span: &usize| misses.iter().any(|miss| matches!(&miss.what, What::Absent { elsewhere, .. } if elsewhere.contains(span)));
    let misses: Vec<_> =
        misses.iter().filter(|miss| !matches!(&miss.what, What::Unexpected { span } if misplaced(span))).collect();
    let mut from_misses: Vec<_> = misses.iter().map(|miss| findings::of_miss(miss, trace, file)).collect();
    let known = |code: &str| causes.iter().any(|cause| cause.code == code);
    let misdirected = || causes.iter().any(|cause| cause.code.starts_with("cause.enqueued-"));
    let wrong_kind =
        misses.iter().any(|miss| matches!(&miss.what, What::Differs { differences, .. } if differences[0].what == "kind"));
    let is_explained = |breach: &Finding| match breach.code.as_str() {
        "rule.otel.consumed" => known("cause.context-lost") || known("cause.injected-early") || misdirected() || wrong_kind,
        "rule.medicalcor.kinds" => wrong_kind,
        "rule.otel.orphan" => known("cause.never-ended") || known("cause.export-lost"),
        "rule.otel.kinds" => known("cause.injected-early"),
        _ => false,
    };
    breaches.retain(|breach| !is_explained(breach));
    let mut all = causes;
    // A cause explains why something is absent: it takes the place of that miss, and says it better.
    let absent = misses.iter().position(|miss| matches!(miss.what, What::Absent { .. }));
    if let (Some(cause), Some(at)) = (all.first_mut().filter(|cause| cause.code != "cause.conflict"), absent) {
        let miss = from_misses.remove(at);
        cause.at = miss.at;
        cause.label = miss.label;
    }
    from_misses.dedup_by(|a, b| a.headline == b.headline && a.at == b.at);
    all.extend(from_misses);
    all.extend(breaches);
    all
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
