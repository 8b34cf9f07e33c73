//! Evidence: asks the services whether they are done with a case, and the ledger for what arrived.
//!
//! Fed by `drive` after each answer; read by the judge. *Drained* is a distributed snapshot: two rounds of reports in which every service
//! is idle, with equal activity counters, mean that between the rounds there was a moment at which all of them were idle at once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{join, join_all, try_join_all};

use super::{Evidence, Grounds, Judge, ServiceAddress, foundling, quiet::Flush, stored::Stored, witness::Witness};
use crate::{
    client::{Asked, ClientError, LedgerClient, WorkAnswer, WorkClient},
    expect::TraceExpectation,
    model::{Arrival, LedgerView, LogRecord, OWN_SERVICE, Span, SpanId, Trace, TraceId, arrival::CORRELATION_ATTRIBUTE},
    replay::CORRELATION_PREFIX,
    support::{
        clock::{self, Stopwatch},
        work::{BARRIER_PATH, OpenSpan, WorkReport},
    },
};

/// How long a service may hold its answer while it is busy. Short enough that a span which nothing will end is noticed soon.
const HOLD: Duration = Duration::from_millis(200);

/// How long everything must be at rest, unchanged, before an open span counts as one that nothing will end.
const LEAK_WINDOW: Duration = Duration::from_millis(250);

/// While nothing has come at all: how long to wait for the trace that was sent before asking whether there is another one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long to wait before a service that did not answer is asked again.
const AGAIN: Duration = Duration::from_millis(20);

/// What came of asking every service once.
enum Round {
    /// All answered.
    Complete(Vec<WorkReport>),
    /// One of them does not count its work.
    Unsupported,
    /// One of them did not answer: who, and why.
    Broken(String),
}

/// The ids by which one case is followed.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    /// The trace id that was sent; with `traceparent: none` or `malformed` it belongs to devstack's own spans only.
    pub(super) trace_id: TraceId,
    /// The correlation id that was sent.
    pub(super) correlation_id: String,
    /// Whether the services continue `trace_id`, or begin a trace of their own.
    pub(super) continued: bool,
    /// When the case began, before its first byte, in nanoseconds since the Unix epoch.
    pub(super) begun_ns: u64,
}

/// What the services said when they were asked last.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// How strong the evidence is.
    pub(super) evidence: Option<Evidence>,
    /// The last reports.
    pub(super) reports: Vec<WorkReport>,
    /// Spans that nothing is left to end.
    pub(super) never_ended: Vec<OpenSpan>,
    /// With `trace: none`: whether a control request showed that spans of these services do arrive.
    pub(super) silence_proved: bool,
    /// Who was still busy last, in words, and since when the case waited for it.
    pub(super) waited_for: Option<String>,
}

/// What a case waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited<'a> {
    /// What the fixture expects.
    pub(super) expected: &'a TraceExpectation,
    /// devstack's own spans so far.
    pub(super) own: &'a [Arc<Span>],
}

/// What has arrived.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// The services' trace: the one sent, or the one found by correlation id.
    pub(super) trace_id: Option<TraceId>,
    /// Its spans.
    pub(super) arrivals: Vec<Arrival>,
    /// Its logs.
    pub(super) logs: Vec<Arc<LogRecord>>,
    /// Spans that the ledger threw out.
    pub(super) evicted: u64,
    /// The version of the view, to wait for the next change.
    pub(super) version: u64,
    /// How long before the answer the last span came.
    pub(super) since_last: Duration,
    /// Other traces with the same correlation id.
    pub(super) strays: Vec<Trace>,
}

/// Where what arrived is read.
enum Source {
    /// From the ledger of devstack's receiver.
    Ledger(LedgerClient),
    /// From a store, by trace id.
    Stored(Stored),
}

/// Follows one case.
pub(super) struct Observer<'a> {
    grounds: &'a Grounds,
    source: Source,
    work: WorkClient,
    trail: &'a Trail,
    clock: Stopwatch,
    /// Nanoseconds for which the case waited for its turn to send.
    stood_still: AtomicU64,
    deadline: Duration,
}

impl<'a> Observer<'a> {
    /// An observer whose deadline counts from now: the first byte is about to be sent. An error says why it has nothing to look at.
    pub(super) fn new(grounds: &'a Grounds, trail: &'a Trail, deadline: Duration, witness: &Witness) -> Result<Self, String> {
        let source = match grounds.judge {
            Judge::Ledger => Source::Ledger(LedgerClient::new(grounds.http.clone(), grounds.ledger.clone())),
            Judge::Stored => Source::Stored(Stored::new(witness.store()?.clone())),
        };
        let work = WorkClient::new(grounds.http.clone());
        Ok(Self { grounds, source, work, trail, clock: Stopwatch::start(), stood_still: AtomicU64::new(0), deadline })
    }

    /// Whether nothing can ever be seen: a store tells a trace only by its id, and the services begin one whose id is not known.
    pub(super) fn is_blind(&self) -> bool {
        matches!(self.source, Source::Stored(_)) && !self.trail.continued
    }

    /// Since the first byte, without the waits for a turn to send.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(Duration::from_nanos(self.stood_still.load(Ordering::Relaxed)))
    }

    /// What is left of the deadline.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.elapsed())
    }

    /// Lets time pass that is not the case's: a rate holds it back.
    pub(super) async fn stand_still(&self, wait: Duration) {
        let clock = Stopwatch::start();
        clock::pause(wait).await;
        self.stood_still.fetch_add(clock.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// The same as [`Self::settle`] for a case that has failed already, because a request got no answer: where not even one span comes
    /// within the quiet period, none is waited for.
    pub(super) async fn settle_unanswered(&self, awaited: Awaited<'_>) -> Settled {
        if !self.grounds.aim.reports && self.trail.continued {
            let wait = (2 * self.grounds.flush).min(self.left());
            let seen = self.source.wait_for_change(self.trail.trace_id, 0, wait).await;
            if seen.is_ok_and(|view| view.version == 0) {
                return Settled::default();
            }
        }
        self.settle(awaited).await
    }

    /// Waits until the services are done with the case, or the deadline.
    pub(super) async fn settle(&self, awaited: Awaited<'_>) -> Settled {
        if self.is_blind() {
            return Settled::default();
        }
        // A service may be done long before a store that is not ours shows it: its word is worth nothing there.
        if !self.grounds.aim.reports || self.grounds.services.is_empty() || matches!(self.source, Source::Stored(_)) {
            return self.quiet(awaited).await;
        }
        let mut previous: Option<BTreeMap<String, u64>> = None;
        let mut resting: Option<Stopwatch> = None;
        let mut waited_for = None;
        loop {
            let reports = match self.reports().await {
                Round::Complete(reports) => reports,
                Round::Unsupported => return self.quiet(awaited).await,
                Round::Broken(who) if self.left().is_zero() => return Settled { waited_for: Some(who), ..Settled::default() },
                Round::Broken(who) => {
                    (previous, resting, waited_for) = (None, None, Some(who));
                    clock::pause(AGAIN.min(self.left())).await;
                    continue;
                }
            };
            let activity: BTreeMap<_, _> = reports.iter().map(|report| (report.instance.clone(), report.activity)).collect();
            let unchanged = previous.as_ref() == Some(&activity);
            if unchanged && reports.iter().all(WorkReport::idle) {
                return Settled { evidence: Some(Evidence::Drained), reports, waited_for, ..Settled::default() };
            }
            if unchanged && reports.iter().all(|report| report.at_rest() && report.unexported == 0) {
                if resting.get_or_insert_with(Stopwatch::start).elapsed() >= LEAK_WINDOW {
                    let never_ended = reports.iter().flat_map(|report| report.open.clone()).collect();
                    return Settled { evidence: Some(Evidence::Drained), reports, never_ended, waited_for, ..Settled::default() };
                }
            } else {
                resting = None;
            }
            waited_for = busy(&reports).or(waited_for);
            if self.left().is_zero() {
                return Settled { evidence: None, reports, waited_for, ..Settled::default() };
            }
            previous = Some(activity);
        }
    }

    /// One round: every service is asked at the same time.
    async fn reports(&self) -> Round {
        let case = Asked::Case(self.trail.trace_id, self.trail.correlation_id.clone());
        let hold = HOLD.min(self.left());
        let asked = self.grounds.services.iter().map(|service| self.work.ask(&service.url, &case, hold));
        let mut reports = Vec::with_capacity(self.grounds.services.len());
        let (answers, standing_in) = join(join_all(asked), self.standing_in(&case, hold)).await;
        for (service, answer) in self.grounds.services.iter().zip(answers) {
            match answer {
                Ok(WorkAnswer::Report(report)) => reports.push(report),
                Ok(WorkAnswer::Unsupported) => return Round::Unsupported,
                Err(error) => return Round::Broken(format!("{} does not answer for its work ({error})", service.name)),
            }
        }
        match standing_in {
            Some(Ok(WorkAnswer::Report(report))) => reports.push(report),
            // It sends no spans.
            None | Some(Ok(WorkAnswer::Unsupported)) => {}
            Some(Err(error)) => {
                return Round::Broken(format!("the stand-in for the Trigger.dev API does not answer for its work ({error})"));
            }
        }
        Round::Complete(reports)
    }

    /// Asks the stand-in for the Trigger.dev API, which is not among the services: it takes no requests of fixtures.
    async fn standing_in(&self, case: &Asked, hold: Duration) -> Option<Result<WorkAnswer, ClientError>> {
        Some(self.work.ask(self.grounds.enqueued.as_ref()?, case, hold).await)
    }

    /// Without reports: something came, and then nothing new for the quiet period.
    async fn quiet(&self, awaited: Awaited<'_>) -> Settled {
        // A store may show one trace before another.
        if awaited.expected.nothing.is_some() && matches!(self.source, Source::Ledger(_)) {
            return self.silence().await;
        }
        let named = awaited.expected.services();
        let (mut seen, mut still) = (LedgerView::default(), Stopwatch::start());
        // Measured when something came, because lag is told by the clock of that moment.
        let flush_of = |seen: &LedgerView| Flush::of(seen, &named, awaited.own, self.grounds.flush);
        let mut flush = flush_of(&seen);
        while !self.left().is_zero() {
            let complete = !flush.unfinished && awaited.expected.is_complete(&trace_of(&seen.arrivals));
            let quiet = if complete { flush.complete() } else { flush.quiet(self.grounds.flush) };
            if seen.version > 0 && still.elapsed() >= quiet {
                let evidence = Some(if complete { Evidence::Complete } else { Evidence::Quiet });
                return Settled { evidence, waited_for: flush.words(), ..Settled::default() };
            }
            let wait = if seen.version == 0 { LOOK_AGAIN } else { quiet.saturating_sub(still.elapsed()) };
            let trace_id = match self.correlated().await {
                Ok(correlated) => self.main_trace(&correlated).unwrap_or(self.trail.trace_id),
                Err(_) => self.trail.trace_id,
            };
            match self.source.wait_for_change(trace_id, seen.version, wait.min(self.left())).await {
                Ok(view) if view.version != seen.version => {
                    seen = view;
                    flush = flush_of(&seen);
                    still = Stopwatch::start();
                }
                Ok(_) => {}
                Err(_) => clock::pause(AGAIN.min(self.left())).await,
            }
        }
        Settled { waited_for: flush.words(), ..Settled::default() }
    }

    /// Without reports, where nothing may come. A control request shows that spans of the services that are known do arrive, and that what
    /// had ended in them is here. Of what still goes on, and of services behind them, only time can tell.
    async fn silence(&self) -> Settled {
        let silence_proved = self.heard_from(&[]).await;
        let quiet = Flush::unknown(self.grounds.flush).quiet(self.grounds.flush);
        if !silence_proved || self.left() < quiet {
            return Settled { silence_proved, ..Settled::default() };
        }
        if self.source.wait_for_change(self.trail.trace_id, 0, quiet).await.is_err() {
            // The case is judged on what arrived, and that cannot be read either.
            return Settled { silence_proved, ..Settled::default() };
        }
        Settled { evidence: Some(Evidence::Barrier), silence_proved, ..Settled::default() }
    }

    /// Whether telemetry of every service that took part does arrive: a sampled control request through each, sent after the last answer,
    /// must be seen in the ledger. Without this, silence could be that of a service that exports nothing at all.
    pub(super) async fn heard_from(&self, reports: &[WorkReport]) -> bool {
        // Where nobody reports, any of them may have taken part.
        let took_part =
            |name: &str| reports.is_empty() || reports.iter().any(|report| report.service == name && !report.traces.is_empty());
        let asked: Vec<_> = self.grounds.services.iter().filter(|service| took_part(&service.name)).collect();
        !asked.is_empty()
            && join_all(asked.iter().map(|service| self.answers_with_a_span(service))).await.into_iter().all(|heard| heard)
    }

    async fn answers_with_a_span(&self, service: &ServiceAddress) -> bool {
        let (trace_id, parent) = (TraceId::random(), SpanId::random());
        let request = self
            .grounds
            .http
            .get(format!("{}{BARRIER_PATH}", service.url))
            .header("traceparent", format!("00-{trace_id}-{parent}-01"));
        if request.timeout(self.left()).send().await.is_err() {
            return false;
        }
        if self.grounds.aim.reports {
            // The question makes the service export at once; the answer itself does not matter.
            let _ = self.work.ask(&service.url, &Asked::Trace(trace_id), HOLD.min(self.left())).await;
        }
        let view = self.source.wait_for_change(trace_id, 0, self.left()).await.unwrap_or_default();
        view.arrivals.iter().any(|arrival| arrival.span.service() == service.name)
    }

    /// Lets so much time pass, at most until the deadline; for steps that a fixture spaces out.
    pub(super) async fn pause(&self, wait: Duration) {
        clock::pause(wait.min(self.left())).await;
    }

    /// Reads what the ledger holds of the case now. An error is not an empty trace: nothing may be concluded from it.
    pub(super) async fn arrived(&self) -> Result<Arrived, ClientError> {
        let correlated = self.correlated().await?;
        let Some(trace_id) = self.main_trace(&correlated) else { return Ok(Arrived::default()) };
        let mut view = self.source.view(trace_id).await?;
        // devstack's own spans are known before they are exported, and must not count twice.
        view.arrivals.retain(|arrival| arrival.span.service() != OWN_SERVICE);
        let strays = correlated.into_iter().filter(|id| *id != trace_id);
        let strays = try_join_all(strays.map(|id| self.source.view(id))).await?;
        Ok(Arrived {
            trace_id: Some(trace_id),
            evicted: view.evicted,
            version: view.version,
            since_last: since_last(&view),
            strays: strays.iter().map(|view| trace_of(&view.arrivals)).collect(),
            arrivals: view.arrivals,
            logs: view.logs.into_iter().map(|log| log.record).collect(),
        })
    }

    /// Traces that began by themselves since the first byte and that go on where `trace` breaks off; none where only a store is read.
    pub(super) async fn foundlings(&self, trace: &Trace, awaited: &[&str]) -> Result<Vec<Trace>, ClientError> {
        let Source::Ledger(ledger) = &self.source else { return Ok(Vec::new()) };
        let now = ledger.view(self.trail.trace_id).await?.now_ns;
        let since = now.saturating_sub(self.elapsed().as_nanos() as u64);
        let begun = ledger.begun_since(since).await?.traces;
        let views = try_join_all(begun.into_iter().map(|id| ledger.view(id))).await?;
        let begun = views.iter().map(|view| trace_of(&view.arrivals)).filter(|trace| !self.is_of_another_case(trace));
        Ok(foundling::of_the_case(trace, begun.collect(), awaited))
    }

    /// Whether a trace carries the correlation id of a case, and not of this one.
    fn is_of_another_case(&self, trace: &Trace) -> bool {
        let ids = trace.spans().iter().filter_map(|span| span.attributes.text(CORRELATION_ATTRIBUTE));
        let mut of_cases = ids.filter(|id| id.starts_with(CORRELATION_PREFIX)).peekable();
        of_cases.peek().is_some() && of_cases.all(|id| id != self.trail.correlation_id)
    }

    /// The traces that carry the case's correlation id, in order of arrival.
    async fn correlated(&self) -> Result<Vec<TraceId>, ClientError> {
        match &self.source {
            Source::Ledger(ledger) => {
                ledger.correlated(&self.trail.correlation_id, 0, Duration::ZERO).await.map(|found| found.traces)
            }
            Source::Stored(_) => Ok(Vec::new()),
        }
    }

    /// The trace that the case is about: the one that was sent, or the first that the services began.
    fn main_trace(&self, correlated: &[TraceId]) -> Option<TraceId> {
        if self.trail.continued { Some(self.trail.trace_id) } else { correlated.first().copied() }
    }

    /// Waits for the trace to change after `version`, at most until the deadline.
    pub(super) async fn changed(&self, trace_id: TraceId, version: u64) {
        if self.source.wait_for_change(trace_id, version, self.left()).await.is_err() {
            // The caller looks again and sees the error for itself.
            clock::pause(AGAIN.min(self.left())).await;
        }
    }
}

impl Source {
    async fn view(&self, trace_id: TraceId) -> Result<LedgerView, ClientError> {
        match self {
            Self::Ledger(ledger) => ledger.view(trace_id).await,
            Self::Stored(stored) => stored.view(trace_id).await,
        }
    }

    async fn wait_for_change(&self, trace_id: TraceId, after: u64, wait: Duration) -> Result<LedgerView, ClientError> {
        match self {
            Self::Ledger(ledger) => ledger.wait_for_change(trace_id, after, wait).await,
            Self::Stored(stored) => stored.wait_for_change(trace_id, after, wait).await,
        }
    }
}

fn since_last(view: &LedgerView) -> Duration {
    let last = view.arrivals.iter().map(|arrival| arrival.at_ns).max().unwrap_or(view.now_ns);
    Duration::from_nanos(view.now_ns.saturating_sub(last))
}

fn trace_of(arrivals: &[Arrival]) -> Trace {
    Trace::new(arrivals.iter().map(|arrival| Arc::clone(&arrival.span)))
}

/// Who is not done, in words; the first by name.
fn busy(reports: &[WorkReport]) -> Option<String> {
    let report = reports.iter().find(|report| !report.idle())?;
    let what = match report {
        _ if report.queued > 0 => format!("{} queued", super::findings::counted(report.queued as usize, "run", "runs")),
        _ if report.active > 0 => "work under way".to_owned(),
        _ if report.unexported > 0 => {
            format!("{} not exported yet", super::findings::counted(report.unexported as usize, "span", "spans"))
        }
        _ => format!("`{}` open", report.open.first().map(|open| open.name.as_str()).unwrap_or_default()),
    };
    Some(format!("{} had {what}", report.service))
}
