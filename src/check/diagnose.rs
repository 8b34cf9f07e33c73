//! Why: the cause behind what the matcher missed, named where the evidence names it.
//!
//! Fed by the judge with the trace, what services reported and what arrived elsewhere under the same correlation id. A cause is stated only
//! when what is known proves it; otherwise the misses speak for themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    enqueued::{self, Reading, Seen},
    findings::{counted, finding},
    foundling,
    outcome::Finding,
};
use crate::{
    model::{
        Arrival, OWN_SERVICE, Span, SpanKind, Trace,
        arrival::{CORRELATION_ATTRIBUTE, Sender},
    },
    support::work::{OpenSpan, WorkReport},
};

/// What is known beyond the trace itself.
pub(super) struct Clues<'a> {
    /// The case's trace.
    pub(super) trace: &'a Trace,
    /// Its arrivals, for conflicts.
    pub(super) arrivals: &'a [Arrival],
    /// Other traces that carry the case's correlation id.
    pub(super) strays: &'a [Trace],
    /// What was enqueued, and what it is read by; `None` where nobody tells it.
    pub(super) enqueued: Option<(&'a Seen, Reading<'a>)>,
    /// What each service last said of its work.
    pub(super) reports: &'a [WorkReport],
    /// Spans that the ledger threw out to keep its bounds; that leaves a case undecided and needs no other cause.
    pub(super) evicted: u64,
    /// Spans that nothing is left to end.
    pub(super) never_ended: &'a [OpenSpan],
    /// Services that the fixture names, where it misses something.
    pub(super) awaited: BTreeSet<&'a str>,
}

/// All causes that can be proved, the most telling first.
pub(super) fn causes(clues: &Clues<'_>) -> Vec<Finding> {
    // What the stand-in was handed says it for certain, and of a run that is told so nothing more need be said.
    let (mut causes, told) = clues.enqueued.as_ref().map(|(seen, reading)| enqueued::proved(seen, reading)).unwrap_or_default();
    causes.extend(clues.strays.iter().flat_map(|stray| context_lost(clues, stray, &told)));
    causes.extend(shared_name(clues));
    causes.extend(injected_early(clues.trace, &told));
    causes.extend(clues.never_ended.iter().map(|open| never_ended(clues, open)));
    causes.extend(clues.reports.iter().filter_map(lost));
    causes.extend(not_received(clues));
    causes.extend(conflicts(clues.arrivals));
    causes
}

/// A service went on in a trace of its own: the context did not reach it.
fn context_lost(clues: &Clues<'_>, stray: &Trace, told: &[String]) -> Vec<Finding> {
    let id = stray.id();
    stray
        .tops()
        .into_iter()
        .map(|at| &stray.spans()[at])
        .filter(|root| root.service() != OWN_SERVICE && !is_told(root, told))
        .map(|root| {
            // The context may have been lost again further on, so that the sender is in another half.
            let others = clues.strays.iter().filter(|other| other.id() != id);
            let sender = std::iter::once(clues.trace).chain(others).find_map(|trace| sender_of(trace, root));
            let from = sender.map(Span::service).or_else(|| only_service(clues.trace)).unwrap_or("its caller");
            let headline = format!(
                "the trace context was lost between {from} and {}: `{}` began a trace of its own.",
                root.service(),
                root.name
            );
            let mut finding = finding("cause.context-lost", headline);
            match sender {
                Some(sender) if sender.service() == OWN_SERVICE => {
                    finding.details.push(format!("A valid `traceparent` was sent; {} did not go on with it.", root.service()));
                }
                Some(sender) => {
                    let carrier = if sender.kind == SpanKind::Producer { "payload" } else { "request" };
                    finding.details.push(format!("`{}` of {from} sent a {carrier} without a `traceparent`.", sender.name));
                }
                None => {}
            }
            let correlated = stray.spans().iter().any(|span| span.attributes.get(CORRELATION_ATTRIBUTE).is_some());
            finding.details.push(format!(
                "The other half is trace {} ({}), {}.",
                id.map(|id| id.to_string()).unwrap_or_default(),
                counted(stray.spans().len(), "span", "spans"),
                if correlated { "found by the correlation id" } else { "which began at that moment" }
            ));
            finding.hint = id.map(|id| format!("devstack trace {}", id.short()));
            finding
        })
        .collect()
}

/// Whether a span is the stand-in's for a run of which all is said.
fn is_told(span: &Span, told: &[String]) -> bool {
    span.is_stand_in() && enqueued::run_of(span).is_some_and(|run| told.iter().any(|told| told == run))
}

/// The one service of a trace besides devstack.
fn only_service(trace: &Trace) -> Option<&str> {
    let services: Vec<_> = trace.services().into_iter().filter(|service| *service != OWN_SERVICE).collect();
    if let [only] = services[..] { Some(only) } else { None }
}

/// The span that sent what `root` handles: the producer of the same run, else a producer or client of the same task that nobody continued.
fn sender_of<'a>(trace: &'a Trace, root: &Span) -> Option<&'a Span> {
    let run = root.attributes.get("trigger.task.run_id");
    let task = root.attributes.text("trigger.task.name");
    let outgoing = || trace.spans().iter().filter(|span| matches!(span.kind, SpanKind::Producer | SpanKind::Client));
    let by_run = outgoing().find(|span| run.is_some() && span.attributes.get("trigger.task.handle_id") == run);
    let by_moment = || foundling::caller(trace, root);
    let by_task = || outgoing().find(|span| task.is_some_and(|task| span.name == format!("trigger.dev.{task} send")));
    let unanswered = || {
        let wanted = if root.kind == SpanKind::Server { SpanKind::Client } else { SpanKind::Producer };
        let mut open = outgoing().filter(|span| span.kind == wanted && trace.children(span.span_id).is_empty());
        let only = open.next();
        if open.next().is_none() { only } else { None }
    };
    by_run.or_else(by_task).map(AsRef::as_ref).or_else(by_moment).or_else(|| unanswered().map(AsRef::as_ref))
}

/// Several processes send under one name, and none under another that the fixture names: one of them is it.
fn shared_name(clues: &Clues<'_>) -> Vec<Finding> {
    let spans = || std::iter::once(clues.trace).chain(clues.strays).flat_map(Trace::spans);
    // Their names, each with its processes: a number on a host.
    let mut senders: BTreeMap<&str, BTreeSet<(String, String)>> = BTreeMap::new();
    for span in spans() {
        let sender = Sender::of(&span.resource);
        let process = sender.identity().map(|process| (process, sender.host));
        senders.entry(span.service()).or_default().extend(process);
    }
    let missing: Vec<_> = clues.awaited.iter().filter(|name| !senders.contains_key(*name)).copied().collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let shared = senders.iter().filter(|(name, who)| **name != OWN_SERVICE && who.len() > 1);
    shared
        .map(|(name, who)| {
            let who: Vec<_> = who.iter().map(|(process, _)| process.as_str()).collect();
            let headline =
                format!("{} processes send as {name} ({}), and none as {}.", who.len(), who.join(", "), missing.join(" or "));
            let mut finding = finding("cause.shared-name", headline);
            finding.hint = Some("give each service an OTEL_SERVICE_NAME of its own".to_owned());
            finding
        })
        .collect()
}

/// A consumer beside its producer: both name the same parent, so the context was taken before the producer span was active.
fn injected_early(trace: &Trace, told: &[String]) -> Vec<Finding> {
    trace
        .spans()
        .iter()
        .filter(|span| span.kind == SpanKind::Consumer || span.name.starts_with("trigger.task."))
        .filter(|span| !is_told(span, told))
        .filter_map(|consumer| {
            let parent = trace.parent(consumer)?;
            let producer = trace
                .children(parent.span_id)
                .iter()
                .map(|at| &trace.spans()[*at])
                .find(|sibling| sibling.kind == SpanKind::Producer && sends(sibling, consumer))?;
            let headline = format!(
                "`{}` stands beside its producer `{}`, not below it: {} injected the context before the producer span was active.",
                consumer.name,
                producer.name,
                producer.service()
            );
            let mut finding = finding("cause.injected-early", headline);
            finding.details.push(format!("The payload's `traceparent` names `{}`, which is the parent of both.", parent.name));
            finding.hint = Some("make the producer span active, then inject".to_owned());
            Some(finding)
        })
        .collect()
}

fn sends(producer: &Span, consumer: &Span) -> bool {
    let run = consumer.attributes.get("trigger.task.run_id");
    let by_run = run.is_some() && run == producer.attributes.get("trigger.task.handle_id");
    let by_name =
        consumer.name.strip_prefix("trigger.task.").is_some_and(|task| producer.name == format!("trigger.dev.{task} send"));
    by_run || by_name
}

fn never_ended(clues: &Clues<'_>, open: &OpenSpan) -> Finding {
    let service = clues
        .reports
        .iter()
        .find(|report| report.open.iter().any(|other| other.span_id == open.span_id))
        .map_or("a service", |report| report.service.as_str());
    let headline = format!("the {} span `{}` of {service} was started and never ended.", open.kind, open.name);
    let mut finding = finding("cause.never-ended", headline);
    finding
        .details
        .push(format!("It has been open for {} ms, and no request, run or tracked task is left that could end it.", open.age_ms));
    let waiting: Vec<_> = clues
        .trace
        .spans()
        .iter()
        .filter(|span| span.parent_id.is_some_and(|id| id.to_string() == open.span_id))
        .map(|span| format!("`{}`", span.name))
        .collect();
    match waiting.as_slice() {
        [] => {}
        [one] => finding.details.push(format!("{one} names it as parent and hangs in the air.")),
        many => finding.details.push(format!("{} name it as parent and hang in the air.", many.join(" and "))),
    }
    finding.hint = Some("end the span on every path, errors included".to_owned());
    finding
}

fn lost(report: &WorkReport) -> Option<Finding> {
    if report.lost == 0 {
        return None;
    }
    let headline = format!("{} lost {} of this trace on export.", report.service, counted(report.lost as usize, "span", "spans"));
    let mut finding = finding("cause.export-lost", headline);
    finding.details.extend(report.export_error.iter().map(|error| format!("Its exporter says: {error}.")));
    Some(finding)
}

/// Services count what a receiver acknowledged; the ledger must hold as many.
fn not_received(clues: &Clues<'_>) -> Option<Finding> {
    if clues.evicted > 0 {
        return None;
    }
    let exported: u64 = clues.reports.iter().map(|report| report.exported).sum();
    let arrived = clues.arrivals.len() + clues.strays.iter().map(|stray| stray.spans().len()).sum::<usize>();
    let missing = (exported as usize).checked_sub(arrived).filter(|missing| *missing > 0)?;
    let headline = format!("{} that the services exported did not get into the ledger.", counted(missing, "span", "spans"));
    let mut finding = finding("cause.not-received", headline);
    finding
        .details
        .push(format!("{exported} were acknowledged, {arrived} are there: the receiver refused some, or had to make room."));
    Some(finding)
}

fn conflicts(arrivals: &[Arrival]) -> Vec<Finding> {
    let mut seen = std::collections::HashMap::new();
    arrivals
        .iter()
        .filter_map(|arrival| {
            let first = *seen.entry(arrival.span.span_id).or_insert(&arrival.span);
            if std::sync::Arc::ptr_eq(first, &arrival.span) {
                return None;
            }
            let headline = format!("span {} came twice with different content.", arrival.span.span_id);
            let mut finding = finding("cause.conflict", headline);
            finding.details.push(format!(
                "First `{}` of {}, then `{}` of {}.",
                first.name,
                first.service(),
                arrival.span.name,
                arrival.span.service()
            ));
            Some(finding)
        })
        .collect()
}
