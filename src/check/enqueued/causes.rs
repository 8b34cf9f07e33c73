//! What is wrong with what was enqueued, in sentences.
//!
//! [`proved`] says what is known of the case's own runs; [`suspected`] what is known of runs that were made, or were not, while it ran, and
//! fails no case by itself.

use super::{Seen, context, handle, sender_of_run, task_of};
use crate::{
    check::{
        EnqueuedContext,
        findings::{counted, finding},
        outcome::Finding,
    },
    model::{Enqueued, OWN_SERVICE, Span, Trace, TraceId},
    support::words::capitalised,
};

/// What a case is read by.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Reading<'a> {
    /// Its trace, devstack's own spans among it.
    pub(in crate::check) trace: &'a Trace,
    /// Other traces that are of the case.
    pub(in crate::check) strays: &'a [Trace],
    /// The trace that was sent.
    pub(in crate::check) sent: TraceId,
    /// The correlation id that was sent.
    pub(in crate::check) correlation_id: &'a str,
}

impl<'a> Reading<'a> {
    pub(super) fn spans(&self) -> impl Iterator<Item = &'a Span> + use<'a> {
        let (trace, strays) = (self.trace, self.strays);
        std::iter::once(trace).chain(strays).flat_map(Trace::spans).map(AsRef::as_ref)
    }

    /// The producer of a run: the one that says so, else the only one of its task.
    fn producer(&self, run: &Enqueued) -> Option<&'a Span> {
        let of_task = || {
            let mut of_task = self.spans().filter(|span| task_of(span) == Some(run.task.as_str()) && handle(span).is_none());
            of_task.next().filter(|_| of_task.next().is_none())
        };
        sender_of_run(self, run).or_else(of_task)
    }

    /// The stand-in's span of a run.
    fn consumer(&self, run: &Enqueued) -> Option<&'a Span> {
        self.spans().find(|span| span.is_stand_in() && run_of(span) == Some(run.run_id.as_str()))
    }

    /// Whether services of the case sent spans of this other trace; what stands in for one only went where it was led.
    fn went_on_in(&self, trace: TraceId) -> bool {
        let mut real = self.strays.iter().flat_map(Trace::spans).filter(|span| !span.is_stand_in());
        real.any(|span| span.trace_id == trace)
    }

    /// Who enqueued a run, and who would have gone on with it, as far as that is known.
    fn ends(&self, run: &Enqueued) -> (String, String) {
        let services = self.trace.services();
        let mut callers = services.iter().filter(|name| **name != OWN_SERVICE && !self.is_stood_in(name));
        let only = || callers.next().filter(|_| callers.next().is_none()).map(|name| (*name).to_owned());
        let caller = self.producer(run).map(|span| span.service().to_owned()).or_else(only);
        let worker = self.consumer(run).map(|span| span.service().to_owned());
        (caller.unwrap_or_else(|| "a service".to_owned()), worker.unwrap_or_else(|| "the worker".to_owned()))
    }

    fn is_stood_in(&self, service: &str) -> bool {
        self.spans().any(|span| span.is_stand_in() && span.service() == service)
    }
}

/// The run of a consumer.
pub(in crate::check) fn run_of(span: &Span) -> Option<&str> {
    span.attributes.text("trigger.task.run_id")
}

/// What is wrong with the case's own runs: causes, and the ids of the runs that they are of.
pub(in crate::check) fn proved(seen: &Seen, reading: &Reading<'_>) -> (Vec<Finding>, Vec<String>) {
    let wrong = seen.of_case(reading).into_iter().filter_map(|run| Some((of_run(reading, run)?, run.run_id.clone())));
    wrong.unzip()
}

fn of_run(reading: &Reading<'_>, run: &Enqueued) -> Option<Finding> {
    match context(reading, run) {
        EnqueuedContext::Absent => Some(without_context(reading, run)),
        EnqueuedContext::Invalid => Some(invalid(reading, run)),
        EnqueuedContext::Span { span_id, .. } => beside_the_producer(reading, run, reading.trace.get(span_id)?),
        // It may not have been recorded; the rules know whose parent is missing.
        EnqueuedContext::Unseen { .. } => None,
        // In a trace that the case went on in, the context was lost before.
        EnqueuedContext::OtherTrace { trace_id } if reading.went_on_in(trace_id) => None,
        EnqueuedContext::OtherTrace { trace_id } => Some(other_trace(reading, run, trace_id)),
    }
}

/// A finding whose sentence begins with a service's name, which stays as it is written.
fn began_by_a_name(code: &str, headline: String) -> Finding {
    Finding { headline, ..finding(code, "") }
}

fn without_context(reading: &Reading<'_>, run: &Enqueued) -> Finding {
    let (caller, worker) = reading.ends(run);
    let headline = format!("{caller} enqueued `{}` without a `traceparent`: {worker} cannot go on with this trace.", run.task);
    let mut finding = began_by_a_name("cause.enqueued-without-context", headline);
    if run.request.is_some() {
        finding.details.push("The request that brought it has one in its headers, which no run gets to see.".to_owned());
    }
    stand_in_began(&mut finding, reading, run);
    finding.hint = Some("put the producer span's context into the payload (`traceparent`)".to_owned());
    finding
}

fn invalid(reading: &Reading<'_>, run: &Enqueued) -> Finding {
    let (caller, worker) = reading.ends(run);
    let headline = format!(
        "{caller} enqueued `{}` with a `traceparent` that is not valid: {worker} cannot go on with this trace.",
        run.task
    );
    let mut finding = began_by_a_name("cause.enqueued-invalid-context", headline);
    stand_in_began(&mut finding, reading, run);
    finding.hint = Some("let a propagator write it: `00-`, 32 digits, `-`, 16 digits, `-01` (W3C Trace Context)".to_owned());
    finding
}

fn stand_in_began(finding: &mut Finding, reading: &Reading<'_>, run: &Enqueued) {
    let began = reading.consumer(run).filter(|span| Some(span.trace_id) != reading.trace.id());
    finding.details.extend(began.map(|span| format!("Its stand-in began trace {} with it.", span.trace_id)));
}

fn other_trace(reading: &Reading<'_>, run: &Enqueued, trace: TraceId) -> Finding {
    let (caller, worker) = reading.ends(run);
    let headline =
        format!("{caller} enqueued `{}` with the `traceparent` of another trace: {worker} goes on with that one.", run.task);
    let mut finding = began_by_a_name("cause.enqueued-other-trace", headline);
    let by = if run.correlation_id.as_deref() == Some(reading.correlation_id) { "its correlation id" } else { "its request" };
    finding.details.push(format!("The payload names trace {trace}; {by} is this case's."));
    finding.hint = Some("inject the context that is active where the run is enqueued".to_owned());
    finding
}

/// The payload names another span than the producer of the run, or one below that.
fn beside_the_producer(reading: &Reading<'_>, run: &Enqueued, named: &Span) -> Option<Finding> {
    let producer = reading.producer(run)?;
    let below = reading.trace.descendants(producer.span_id);
    if named.span_id == producer.span_id || below.iter().any(|at| reading.trace.spans()[*at].span_id == named.span_id) {
        return None;
    }
    let headline = format!(
        "{} enqueued `{}` with the `traceparent` of `{}` ({}), not of its producer `{}`.",
        producer.service(),
        run.task,
        named.name,
        named.kind,
        producer.name
    );
    let mut finding = began_by_a_name("cause.injected-early", headline);
    finding.details.push("The context was injected before the producer span was active.".to_owned());
    finding.hint = Some("make the producer span active, then inject".to_owned());
    Some(finding)
}

/// What may be wrong with runs that nobody can be told of: for a case that fails anyway, and worth a look in one that held. `failing`: more
/// is taken for a reason then.
pub(in crate::check) fn suspected(seen: &Seen, reading: &Reading<'_>, failing: bool) -> Vec<Finding> {
    // Where something was forgotten, nothing follows from what is not there.
    if seen.unread.is_some() || seen.forgotten {
        return Vec::new();
    }
    let own = seen.of_case(reading);
    let nobodys = seen.nobodys(reading);
    let unheard: Vec<&Span> = reading.trace.spans().iter().map(AsRef::as_ref).filter(|span| is_unheard(span, &own)).collect();
    let mut found = Vec::new();
    for producer in &unheard {
        let task = task_of(producer).unwrap_or_default();
        let of_task: Vec<_> = nobodys.iter().filter(|run| run.task == task).collect();
        found.push(if of_task.is_empty() {
            never_enqueued(seen, producer, task)
        } else {
            nobodys_runs(task, of_task.len(), Some(producer))
        });
    }
    if failing && own.is_empty() && unheard.is_empty() {
        let mut tasks: Vec<_> = nobodys.iter().map(|run| run.task.as_str()).collect();
        tasks.dedup();
        found.extend(tasks.iter().map(|task| nobodys_runs(task, nobodys.iter().filter(|run| run.task == *task).count(), None)));
        found.extend((seen.refused > 0).then(|| refused(seen)));
    }
    found
}

/// A producer that says that it sent a task off, and no call of the case is its.
fn is_unheard(span: &Span, own: &[&Enqueued]) -> bool {
    let Some(task) = task_of(span).filter(|_| !span.is_error()) else { return false };
    let its = |run: &&&Enqueued| handle(span).map_or(run.task == task, |handle| run.run_id == handle);
    !own.iter().any(|run| its(&run))
}

fn never_enqueued(seen: &Seen, producer: &Span, task: &str) -> Finding {
    let headline = format!(
        "`{}` of {} says that it sent `{task}`, and the stand-in for the Trigger.dev API was not asked for it.",
        producer.name,
        producer.service()
    );
    let mut finding = finding("cause.never-enqueued", headline);
    finding.details.extend((seen.refused > 0).then(|| capitalised(&refused_words(seen))));
    let broken = || capitalised(&format!("{} to it could not be read.", counted(seen.unreadable as usize, "call", "calls")));
    finding.details.extend((seen.unreadable > 0).then(broken));
    finding.hint = Some(format!("the stand-in is at {}: is that where {} calls?", seen.url, producer.service()));
    finding
}

fn nobodys_runs(task: &str, runs: usize, producer: Option<&Span>) -> Finding {
    let (were, they) = if runs == 1 {
        ("was", "It carries no correlation id either, so whose it is")
    } else {
        ("were", "They carry no correlation id either, so whose they are")
    };
    let headline =
        format!("{} of `{task}` {were} enqueued without a `traceparent` while this case ran.", counted(runs, "run", "runs"));
    let mut finding = finding("cause.enqueued-without-context", headline);
    finding.details.push(format!("{they} cannot be told."));
    let says = |producer: &Span| {
        format!(
            "`{}` of {} says that it sent one, and none came that is known to be this case's.",
            producer.name,
            producer.service()
        )
    };
    finding.details.extend(producer.map(says));
    finding.hint = Some("put the producer span's context into the payload (`traceparent`)".to_owned());
    finding
}

fn refused(seen: &Seen) -> Finding {
    let mut finding = finding("cause.enqueued-refused", refused_words(seen));
    finding.hint = Some("services get it as `TRIGGER_SECRET_KEY`; `devstack env --secrets` prints it".to_owned());
    finding
}

fn refused_words(seen: &Seen) -> String {
    let calls = counted(seen.refused as usize, "call", "calls");
    let it = if seen.refused == 1 { "it did" } else { "they did" };
    format!("the stand-in for the Trigger.dev API refused {calls} while this case ran: {it} not bring its key.")
}
