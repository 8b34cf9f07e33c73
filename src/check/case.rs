//! One case as it stands: what it expects, what was sent, what arrived, what the services said; and what all of it amounts to.
//!
//! Filled by `drive` while the case runs, kept by `run` until the end, so that a span that comes after the verdict can change it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    CaseReport, Evidence, Exchange, ServiceAddress, Verdict,
    enqueued::{self, Reading},
    judge::{Gathered, Judgement, judge},
    observe::{Arrived, Settled, Trail},
    outcome::Finding,
    run::PlannedCase,
    steps::{Delivered, Sent},
};
use crate::{
    expect::TraceExpectation,
    fixture::EvidenceFloor,
    model::{Span, Trace, TraceId},
    webhook::Secrets,
};

/// From here on, waiting is named in the report.
const WORTH_NAMING: Duration = Duration::from_secs(1);

/// A shorter secret, which only a person can have chosen, would be found in words that are none.
const SHORTEST_SECRET: usize = 8;

/// Traces to keep, each with its spans.
pub(super) type Traces = Vec<(TraceId, Vec<Arc<Span>>)>;

/// A case and everything known of it.
pub(super) struct Case {
    pub(super) planned: PlannedCase,
    pub(super) trail: Trail,
    /// What the fixture expects, captured values put in.
    pub(super) expected: TraceExpectation,
    /// Personal values that were sent and secrets that were used, each with what it is.
    secrets: Vec<(String, String)>,
    /// What was wrong with the answers.
    answers: Vec<Finding>,
    exchanges: Vec<Exchange>,
    /// devstack's own spans.
    pub(super) own: Vec<Arc<Span>>,
    pub(super) settled: Settled,
    pub(super) arrived: Arrived,
    /// What was enqueued while it ran, where a stand-in tells that.
    pub(super) enqueued: Option<enqueued::Seen>,
}

impl Case {
    /// A case whose requests have been sent.
    pub(super) fn new(planned: &PlannedCase, trail: Trail, sent: Sent, own: Vec<Arc<Span>>, keys: &Secrets) -> Self {
        Self {
            expected: planned.fixture.trace.resolved(&|text| sent.captures.resolve(text)),
            secrets: secrets(&sent.delivered, keys),
            answers: sent.findings,
            exchanges: sent.exchanges,
            planned: planned.clone(),
            trail,
            own,
            settled: Settled::default(),
            arrived: Arrived::default(),
            enqueued: None,
        }
    }

    /// The verdict on what there is; `None` when waiting could still change it. `overdue`: there is no time left to wait.
    pub(super) fn judge(&self, overdue: bool) -> Option<Judgement> {
        let fixture = &self.planned.fixture;
        judge(&Gathered {
            file: &fixture.file,
            expected: &self.expected,
            packs: &fixture.suite.rules,
            waived: &fixture.waived,
            correlation_id: &self.trail.correlation_id,
            secrets: &self.secrets,
            answers: &self.answers,
            // Services that begin a trace of their own are not below devstack's spans.
            own: if self.trail.continued { &self.own } else { &[] },
            arrivals: &self.arrived.arrivals,
            logs: &self.arrived.logs,
            evicted: self.arrived.evicted,
            strays: &self.arrived.strays,
            enqueued: self.enqueued.as_ref(),
            sent: self.trail.trace_id,
            evidence: self.evidence(),
            least: fixture.evidence.map_or(Evidence::Quiet, evidence_of),
            overdue,
            silence_proved: self.settled.silence_proved,
            reports: &self.settled.reports,
            never_ended: &self.settled.never_ended,
        })
    }

    /// The report of the case with this judgement, `elapsed` after its first byte.
    pub(super) fn report(&self, judgement: Judgement, elapsed: Duration) -> CaseReport {
        let fixture = &self.planned.fixture;
        let services: BTreeSet<_> = self.arrived.arrivals.iter().map(|arrival| arrival.span.service().to_owned()).collect();
        let (stood_in, real) = self.who_answered();
        let trace = self.trace();
        let reading = self.reading(&trace);
        let waited = self.settled.waited_for.as_ref().filter(|_| elapsed >= WORTH_NAMING);
        CaseReport {
            id: fixture.id.clone(),
            repetition: self.planned.repetition,
            name: fixture.name.clone(),
            tags: fixture.tags.clone(),
            file: fixture.file.clone(),
            verdict: judgement.verdict,
            evidence: self.evidence(),
            trace_id: self.arrived.trace_id.unwrap_or(self.trail.trace_id),
            correlation_id: self.trail.correlation_id.clone(),
            spans: self.arrived.arrivals.len(),
            services: services.into_iter().collect(),
            stand_ins: stood_in.difference(&real).map(|service| (*service).to_owned()).collect(),
            enqueued: self.enqueued.as_ref().map(|seen| seen.told(&reading)).unwrap_or_default(),
            elapsed,
            judged_after: self.arrived.since_last,
            exchanges: self.exchanges.clone(),
            stored: None,
            findings: judgement.findings,
            warnings: judgement.warnings,
            tree: judgement.tree,
            waited: waited.map(|who| format!("waited {:.1} s: {who}", elapsed.as_secs_f64())),
        }
    }

    /// What tells the case's runs from others.
    fn reading<'a>(&'a self, trace: &'a Trace) -> Reading<'a> {
        Reading { trace, strays: &self.arrived.strays, sent: self.trail.trace_id, correlation_id: &self.trail.correlation_id }
    }

    /// Whether a trace that began while it ran is a stand-in's for somebody else's run.
    pub(super) fn is_of_others(&self, stray: &Trace) -> bool {
        self.enqueued.as_ref().is_some_and(|seen| seen.is_of_others(stray, &self.reading(&self.trace())))
    }

    /// Services for which a stand-in sent spans of this case, in whichever trace, and services that sent some themselves.
    fn who_answered(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let services = |stand_in: bool| {
            let arrived = self.arrived.arrivals.iter().map(|arrival| &arrival.span);
            let spans = arrived.chain(self.arrived.strays.iter().flat_map(Trace::spans));
            spans.filter(|span| span.is_stand_in() == stand_in).map(|span| span.service()).collect()
        };
        (services(true), services(false))
    }

    /// The report of a case that could not be run.
    pub(super) fn broken(&self, why: Finding, elapsed: Duration) -> CaseReport {
        let judgement = Judgement { verdict: Verdict::Broken, findings: vec![why], warnings: Vec::new(), tree: Vec::new() };
        self.report(judgement, elapsed)
    }

    /// Services of which nothing has come, in this trace or beside it: all when nothing has come at all, else those that the fixture names.
    pub(super) fn silent_services(&self, known: &[ServiceAddress]) -> Vec<ServiceAddress> {
        let (trace, named) = (self.trace(), self.expected.services());
        let came: BTreeSet<_> = std::iter::once(&trace).chain(&self.arrived.strays).flat_map(Trace::services).collect();
        let nothing = self.arrived.arrivals.is_empty() && self.arrived.strays.is_empty();
        let silent = |service: &&ServiceAddress| {
            nothing || (named.contains(service.name.as_str()) && !came.contains(service.name.as_str()))
        };
        known.iter().filter(silent).cloned().collect()
    }

    /// devstack's own spans and what arrived, as one trace.
    pub(super) fn trace(&self) -> Trace {
        Trace::new(self.own.iter().cloned().chain(self.arrived.arrivals.iter().map(|arrival| Arc::clone(&arrival.span))))
    }

    /// Spans of this trace that devstack's receiver took; its own where it took those.
    pub(super) fn received(&self, id: TraceId, own: bool) -> impl Iterator<Item = Arc<Span>> {
        let own = self.own.iter().filter(move |span| own && span.trace_id == id);
        let arrived = self.arrived.arrivals.iter().map(|arrival| &arrival.span);
        own.chain(arrived).map(Arc::clone)
    }

    /// The traces to keep: what arrived, with devstack's own spans where they are of the same trace, and the parts that were lost from it.
    pub(super) fn into_traces(self, id: TraceId) -> Traces {
        let own = self.own.into_iter().filter(|span| span.trace_id == id);
        let of_case = own.chain(self.arrived.arrivals.into_iter().map(|arrival| arrival.span)).collect();
        let strays = self.arrived.strays.iter().filter_map(|stray| Some((stray.id()?, stray.spans().to_vec())));
        std::iter::once((id, of_case)).chain(strays).collect()
    }

    fn evidence(&self) -> Evidence {
        self.settled.evidence.unwrap_or(Evidence::Arrived)
    }
}

fn evidence_of(least: EvidenceFloor) -> Evidence {
    match least {
        EvidenceFloor::Quiet => Evidence::Quiet,
        EvidenceFloor::Barrier => Evidence::Barrier,
        EvidenceFloor::Drained => Evidence::Drained,
    }
}

/// Personal values that were sent, and the secrets they were signed with: none may turn up in telemetry.
fn secrets(delivered: &[Delivered], keys: &Secrets) -> Vec<(String, String)> {
    let personal = delivered.iter().flat_map(|delivery| &delivery.replaced).flat_map(|replaced| {
        let what = format!("personal value (`{}` of the body)", replaced.path);
        replaced.needles().into_iter().map(move |needle| (what.clone(), needle))
    });
    let telling = keys.values().filter(|value| value.len() >= SHORTEST_SECRET);
    let keys = telling.map(|value| ("webhook secret".to_owned(), value.to_owned()));
    let unique: BTreeMap<String, String> = personal.chain(keys).map(|(what, value)| (value, what)).collect();
    unique.into_iter().map(|(value, what)| (what, value)).collect()
}
