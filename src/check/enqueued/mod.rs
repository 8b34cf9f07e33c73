//! What the stand-in for the Trigger.dev API was handed while a case ran: whose runs they are, and which span each payload names.
//!
//! Asked by `drive` when a case has settled; read by `causes` for what is wrong with them, and told in the report. A stand-in runs no task,
//! so this is what a run against one proves of the worker's half: that it could have gone on with this trace.

mod causes;

use std::collections::BTreeSet;

use futures_util::future::try_join3;

pub(super) use self::causes::{Reading, proved, run_of, suspected};
use super::{Grounds, observe::Trail, outcome::Finding};
use crate::{
    check::{
        EnqueuedContext, EnqueuedRun, Severity,
        findings::{counted, finding},
    },
    client::{ClientError, EnqueuedClient},
    model::{Enqueued, EnqueuedRuns, PayloadContext, Span, SpanKind, Trace, TraceId},
};

/// The name of the span that sends a task off, before and after the task's.
const SENDS: (&str, &str) = ("trigger.dev.", " send");

/// What was enqueued while a case ran, its own and others'.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Where the stand-in is.
    url: String,
    /// Every call that may be of the case, oldest first.
    runs: Vec<Enqueued>,
    /// Whether calls were forgotten, so that one that is not here may have been.
    forgotten: bool,
    /// Calls without the right key, and calls that could not be read, while the case ran.
    refused: u64,
    unreadable: u64,
    /// Why nothing is known.
    unread: Option<String>,
}

/// What the stand-in had counted before a case sent anything.
#[derive(Debug, Clone, Default)]
pub(super) struct Before(EnqueuedRuns);

/// Asks the stand-in for its counts before the case, where there is a stand-in.
pub(super) async fn before(grounds: &Grounds) -> Before {
    let Some(base) = &grounds.enqueued else { return Before::default() };
    // What goes wrong here goes wrong afterwards, too, and is told then. Nothing was accepted after the end of time.
    Before(EnqueuedClient::new(grounds.http.clone(), base).since(u64::MAX).await.unwrap_or_default())
}

/// Asks the stand-in for everything that may be of the case; `None` where there is none.
pub(super) async fn ask(grounds: &Grounds, trail: &Trail, trace: Option<TraceId>, before: &Before) -> Option<Seen> {
    let base = grounds.enqueued.as_ref()?;
    let client = EnqueuedClient::new(grounds.http.clone(), base);
    Some(match everything(&client, trail, trace.unwrap_or(trail.trace_id)).await {
        Ok((runs, now)) => Seen {
            url: base.clone(),
            runs,
            forgotten: now.forgotten > 0,
            refused: now.unauthorized.saturating_sub(before.0.unauthorized),
            unreadable: now.unreadable.saturating_sub(before.0.unreadable),
            unread: None,
        },
        Err(error) => Seen { url: base.clone(), unread: Some(error.to_string()), ..Seen::default() },
    })
}

async fn everything(
    client: &EnqueuedClient,
    trail: &Trail,
    trace: TraceId,
) -> Result<(Vec<Enqueued>, EnqueuedRuns), ClientError> {
    let asked = try_join3(client.of_trace(trace), client.correlated(&trail.correlation_id), client.since(trail.begun_ns));
    let (of_trace, correlated, since) = asked.await?;
    let mut known = BTreeSet::new();
    let all = of_trace.runs.into_iter().chain(correlated.runs).chain(since.runs.clone());
    let mut runs: Vec<_> = all.filter(|run| known.insert((run.at_ns, run.run_id.clone()))).collect();
    runs.sort_by_key(|run| run.at_ns);
    Ok((runs, since))
}

impl Seen {
    /// The calls that are this case's: by the trace that payload or request names, by correlation id, or because one of its spans says that
    /// it made the run.
    fn of_case<'a>(&'a self, reading: &Reading<'_>) -> Vec<&'a Enqueued> {
        let traces: BTreeSet<_> =
            std::iter::once(reading.trace).chain(reading.strays).filter_map(Trace::id).chain([reading.sent]).collect();
        let own = |run: &&Enqueued| {
            traces.iter().any(|trace| run.is_of(*trace))
                || run.correlation_id.as_deref() == Some(reading.correlation_id)
                || sender_of_run(reading, run).is_some()
        };
        self.runs.iter().filter(own).collect()
    }

    /// The calls that nothing tells whose they are.
    fn nobodys<'a>(&'a self, reading: &Reading<'_>) -> Vec<&'a Enqueued> {
        let speaks = |run: &Enqueued| run.parent().is_some() || run.request.is_some() || run.correlation_id.is_some();
        self.runs.iter().filter(|run| !speaks(run) && sender_of_run(reading, run).is_none()).collect()
    }

    /// The case's calls, for the report.
    pub(super) fn told(&self, reading: &Reading<'_>) -> Vec<EnqueuedRun> {
        let told = |run: &Enqueued| EnqueuedRun {
            task: run.task.clone(),
            run_id: run.run_id.clone(),
            cached: run.cached,
            context: context(reading, run),
        };
        self.of_case(reading).into_iter().map(told).collect()
    }

    /// Whether a trace that began while the case ran is the stand-in's, for a run that is not known to be the case's.
    pub(super) fn is_of_others(&self, stray: &Trace, reading: &Reading<'_>) -> bool {
        let tops = stray.tops().into_iter().map(|at| stray.spans()[at].as_ref());
        let of_stand_in: Vec<_> = tops.filter(|top| top.is_stand_in()).filter_map(run_of).collect();
        let own = self.of_case(reading);
        !of_stand_in.is_empty()
            && of_stand_in
                .iter()
                .all(|id| self.runs.iter().any(|run| run.run_id == *id) && own.iter().all(|run| run.run_id != *id))
    }

    /// That the services worked although none of their spans came.
    pub(super) fn all_the_same(&self, reading: &Reading<'_>) -> Option<String> {
        let runs = self.of_case(reading).len();
        let words = counted(runs, "run was", "runs were");
        (runs > 0).then(|| format!("{words} enqueued for it: the services worked, and their spans did not come."))
    }

    /// What the stand-in would not say.
    pub(super) fn unread(&self) -> Option<Finding> {
        let why = self.unread.as_ref()?;
        let mut unread = finding("case.enqueued", "what was enqueued could not be read, and proves nothing.");
        unread.details.push(format!("{why}."));
        unread.severity = Severity::Warning;
        Some(unread)
    }
}

/// Which span a payload names, as far as its trace is known.
fn context(reading: &Reading<'_>, run: &Enqueued) -> EnqueuedContext {
    let named = match run.payload {
        PayloadContext::Absent => return EnqueuedContext::Absent,
        PayloadContext::Invalid => return EnqueuedContext::Invalid,
        PayloadContext::Valid(named) => named,
    };
    let is_case = reading.trace.id() == Some(named.trace_id) || reading.sent == named.trace_id;
    match reading.trace.get(named.span_id) {
        Some(span) if is_case => EnqueuedContext::Span {
            span_id: span.span_id,
            name: span.name.clone(),
            kind: span.kind,
            service: span.service().to_owned(),
        },
        _ if is_case => EnqueuedContext::Unseen { span_id: named.span_id },
        _ => EnqueuedContext::OtherTrace { trace_id: named.trace_id },
    }
}

/// The span of the case that says that it made a run.
fn sender_of_run<'a>(reading: &Reading<'a>, run: &Enqueued) -> Option<&'a Span> {
    let made = |span: &&Span| span.kind == SpanKind::Producer && handle(span) == Some(run.run_id.as_str());
    reading.spans().find(made)
}

/// The run that a producer says it made.
fn handle(span: &Span) -> Option<&str> {
    span.attributes.text("trigger.task.handle_id")
}

/// The task that a span sends off to Trigger.dev; `None` for one that does not.
fn task_of(span: &Span) -> Option<&str> {
    if span.kind != SpanKind::Producer {
        return None;
    }
    let named = || span.name.strip_prefix(SENDS.0)?.strip_suffix(SENDS.1);
    span.attributes.text("trigger.task.name").or_else(named)
}

#[cfg(test)]
mod tests;
