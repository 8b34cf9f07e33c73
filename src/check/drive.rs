//! One case from its first byte to its verdict: script the externals, send the steps, wait for evidence, judge, export devstack's own spans.
//!
//! Called by `run` for each planned case; everything it does goes over the wire.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    CaseReport, Evidence, Grounds, Verdict,
    answers::check_answer,
    findings::finding,
    judge::{Gathered, Judgement, judge},
    observe::{Arrived, Observer, Settled, Trail, ids},
    outcome::Finding,
    run::PlannedCase,
    steps::{Delivered, Sent, StepRunner},
};
use crate::{
    client::{OtlpClient, TempoClient, Wire},
    expect::TraceExpectation,
    fixture::{EvidenceFloor, Fixture, Traceparent, When},
    model::{OWN_SERVICE, Span, TraceId},
    replay::{Externals, Identity, OwnTrace, Sender, script_of},
    webhook::Secrets,
};

/// How long a case may take where nobody says.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// From here on, waiting is named in the report.
const WORTH_NAMING: Duration = Duration::from_secs(1);

/// A case that has its verdict.
pub(super) struct Ended {
    pub(super) report: CaseReport,
    case: PlannedCase,
    trail: Trail,
    own: Vec<Arc<Span>>,
    arrived: Arrived,
    settled: Settled,
    expected: TraceExpectation,
    secrets: Vec<(String, String)>,
    answers: Vec<Finding>,
}

/// Runs one case; one that changes a whole process gets services of its own where somebody can start them.
pub(super) async fn drive(case: &PlannedCase, grounds: &Arc<Grounds>) -> Ended {
    let Some(isolation) = grounds.isolation.as_ref().filter(|_| case.fixture.isolated) else {
        return drive_on(case, grounds, None).await;
    };
    match isolation.start().await {
        Ok(isolated) => {
            let (own, stop) = isolated.grounds(grounds);
            let ended = drive_on(case, &own, None).await;
            stop.await;
            ended
        }
        Err(why) => {
            let mut broken = finding("case.isolation", "The case got no services of its own (`isolated: true`).");
            broken.details.push(format!("{why}."));
            drive_on(case, grounds, Some(broken)).await
        }
    }
}

/// Runs one case on these grounds, or reports why it is `broken` before it began.
async fn drive_on(case: &PlannedCase, grounds: &Grounds, broken: Option<Finding>) -> Ended {
    let fixture = &case.fixture;
    let identity = Identity::new(case.nonce);
    let trail =
        Trail { trace_id: identity.trace_id, correlation_id: identity.correlation_id.clone(), continued: continues(fixture) };
    let observer = Observer::new(grounds, &trail, deadline(fixture));
    let mut own = OwnTrace::begin(identity.clone(), &fixture.id);
    let scripted = match broken {
        Some(broken) => Err(Box::new(broken)),
        None => script(fixture, grounds, &trail).await,
    };
    let sent = match scripted {
        Ok(()) => send_all(case, grounds, &identity, &observer, &mut own).await,
        Err(broken) => Sent { broken: Some(*broken), ..Sent::default() },
    };
    let expected = fixture.trace.resolved(&|text| sent.captures.resolve(text));
    let secrets = secrets(&sent.delivered, &grounds.secrets);
    let (settled, arrived, judgement) = weigh(fixture, &observer, &trail, &own, &sent, &expected, &secrets).await;

    let mut report = report(case, &observer, &trail, &settled, &arrived, judgement, &sent);
    let own = own_spans(fixture, &own, report.verdict);
    if let Some(trace_id) = arrived.trace_id.filter(|_| !arrived.arrivals.is_empty()) {
        report.stored = stored(grounds, trace_id, &arrived).await;
    }
    // The services' spans were judged already: a receiver that is gone by now does not change that.
    let _ = OtlpClient::new(grounds.http.clone(), &grounds.otlp).export(&own).await;
    forget(fixture, grounds, &trail).await;
    Ended { report, case: case.clone(), trail, own, arrived, settled, expected, secrets, answers: sent.findings }
}

impl Ended {
    /// Looks once more, at the end of the run: a span that came after the verdict changes it. Says whether it did.
    pub(super) async fn judge_latecomers(&mut self, grounds: &Arc<Grounds>) -> bool {
        let observer = Observer::new(grounds, &self.trail, Duration::ZERO);
        let now = observer.arrived().await;
        if self.report.verdict == Verdict::Broken || services_spans(&now) == services_spans(&self.arrived) {
            return false;
        }
        let before = services_spans(&self.arrived);
        let fixture = Arc::clone(&self.case.fixture);
        let gathered =
            gather(&fixture, &self.trail, &self.expected, &self.secrets, &self.answers, &self.own, &now, &self.settled, true);
        let Some(judgement) = judge(&gathered) else { return false };
        let late = services_spans(&now).saturating_sub(before);
        self.arrived = now;
        self.report.verdict = judgement.verdict;
        self.report.findings = judgement.findings;
        self.report.warnings = judgement.warnings;
        self.report.tree = judgement.tree;
        self.report.spans = services_spans(&self.arrived);
        let mut note = finding("judge.late", format!("{late} spans came after the verdict, which was judged again."));
        note.severity = super::Severity::Warning;
        self.report.warnings.push(note);
        true
    }

    /// The trace to keep: what arrived, and devstack's own spans.
    pub(super) fn into_trace(self) -> (TraceId, Vec<Arc<Span>>) {
        let services = self.arrived.arrivals.into_iter().map(|arrival| arrival.span);
        let id = self.report.trace_id;
        let mut spans: Vec<_> = self.own.into_iter().filter(|span| span.trace_id == id).collect();
        let own: std::collections::BTreeSet<_> = spans.iter().map(|span| span.span_id).collect();
        spans.extend(services.filter(|span| !own.contains(&span.span_id)));
        (id, spans)
    }
}

/// The fixture's deadline, else its suite's, else the demo's (DESIGN section 7, verdict 8).
fn deadline(fixture: &Fixture) -> Duration {
    fixture.deadline.unwrap_or(DEFAULT_DEADLINE)
}

/// Whether the services go on with the trace that is sent, or begin one of their own.
fn continues(fixture: &Fixture) -> bool {
    fixture.steps.iter().any(|step| matches!(step.request.traceparent, Traceparent::Sampled | Traceparent::Unsampled))
}

async fn script(fixture: &Fixture, grounds: &Grounds, trail: &Trail) -> Result<(), Box<Finding>> {
    if fixture.given.is_empty() {
        return Ok(());
    }
    let Some(base) = &grounds.externals else {
        let mut finding = finding("case.no-externals", "`given:` needs the demo's externals, and there are none.");
        finding.hint = Some("run it against the demo services".to_owned());
        return Err(Box::new(finding));
    };
    let externals = Externals::new(grounds.http.clone(), base);
    externals.script(&key(trail), &script_of(&fixture.given)).await.map_err(|error| {
        let mut finding = finding("case.script", "The externals did not take the script of `given:`.");
        finding.details.push(format!("{error}."));
        Box::new(finding)
    })
}

async fn forget(fixture: &Fixture, grounds: &Grounds, trail: &Trail) {
    if let Some(base) = grounds.externals.as_ref().filter(|_| !fixture.given.is_empty()) {
        Externals::new(grounds.http.clone(), base).forget(&key(trail)).await;
    }
}

/// Externals know a case by the trace they are called in, or by correlation id where that trace is not known beforehand.
fn key(trail: &Trail) -> String {
    if trail.continued { trail.trace_id.to_string() } else { trail.correlation_id.clone() }
}

/// Sends every step, each when the fixture says.
async fn send_all(
    case: &PlannedCase,
    grounds: &Grounds,
    identity: &Identity,
    observer: &Observer<'_>,
    own: &mut OwnTrace,
) -> Sent {
    let fixture = &case.fixture;
    let mut runner = StepRunner::new(fixture, grounds, identity, Sender::new(grounds.http.clone()));
    for (at, step) in fixture.steps.iter().enumerate() {
        match step.when {
            When::Settled => drop(observer.settle().await),
            When::After(wait) => observer.pause(wait).await,
            When::AtOnce => {}
        }
        runner.send(at, own).await;
        if runner.sent.broken.is_some() {
            break;
        }
    }
    let (mut sent, answers) = (runner.sent, runner.answers);
    let wrong =
        fixture.steps.iter().zip(&answers).flat_map(|(step, answer)| check_answer(&fixture.file, step, answer, &sent.captures));
    let wrong: Vec<_> = wrong.collect();
    sent.findings.extend(wrong);
    sent
}

/// Waits until there is a verdict: once the services are done, else with every change until the deadline.
async fn weigh(
    fixture: &Fixture,
    observer: &Observer<'_>,
    trail: &Trail,
    own: &OwnTrace,
    sent: &Sent,
    expected: &TraceExpectation,
    secrets: &[(String, String)],
) -> (Settled, Arrived, Judgement) {
    if let Some(broken) = &sent.broken {
        let judgement =
            Judgement { verdict: Verdict::Broken, findings: vec![broken.clone()], warnings: Vec::new(), tree: Vec::new() };
        return (Settled::default(), Arrived::default(), judgement);
    }
    let mut settled = observer.settle().await;
    if expected.nothing.is_some() && settled.evidence.is_some() {
        settled.silence_proved = observer.heard_from(&settled.reports).await;
    }
    let own = own.spans(None);
    let mut overdue = settled.evidence.is_none();
    loop {
        let arrived = observer.arrived().await;
        overdue |= observer.left().is_zero();
        let judgement = judge(&gather(fixture, trail, expected, secrets, &sent.findings, &own, &arrived, &settled, overdue));
        if let Some(judgement) = judgement {
            return (settled, arrived, judgement);
        }
        observer.changed(arrived.trace_id.unwrap_or(trail.trace_id), arrived.version).await;
    }
}

#[expect(clippy::too_many_arguments, reason = "the one place where a case's parts come together")]
fn gather<'a>(
    fixture: &'a Fixture,
    trail: &'a Trail,
    expected: &'a TraceExpectation,
    secrets: &'a [(String, String)],
    answers: &'a [Finding],
    own: &'a [Arc<Span>],
    arrived: &'a Arrived,
    settled: &'a Settled,
    overdue: bool,
) -> Gathered<'a> {
    Gathered {
        file: &fixture.file,
        expected,
        packs: &fixture.suite.rules,
        waived: &fixture.waived,
        correlation_id: &trail.correlation_id,
        secrets,
        answers,
        own: if trail.continued { own } else { &[] },
        arrivals: &arrived.arrivals,
        logs: &arrived.logs,
        evicted: arrived.evicted,
        strays: &arrived.strays,
        evidence: settled.evidence.unwrap_or(Evidence::Arrived),
        least: fixture.evidence.map_or(Evidence::Quiet, evidence_of),
        overdue,
        silence_proved: settled.silence_proved,
        reports: &settled.reports,
        never_ended: &settled.never_ended,
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
fn secrets(delivered: &[Delivered], secrets: &Secrets) -> Vec<(String, String)> {
    let personal = delivered.iter().flat_map(|delivery| &delivery.replaced).flat_map(|replaced| {
        let what = format!("personal value (`{}` of the body)", replaced.path);
        replaced.needles().into_iter().map(move |needle| (what.clone(), needle))
    });
    let keys = secrets.values().map(|value| ("webhook secret".to_owned(), value.to_owned()));
    let unique: BTreeMap<String, String> = personal.chain(keys).map(|(what, value)| (value, what)).collect();
    unique.into_iter().map(|(value, what)| (what, value)).collect()
}

fn own_spans(fixture: &Fixture, own: &OwnTrace, verdict: Verdict) -> Vec<Arc<Span>> {
    let unsampled = fixture.steps.iter().any(|step| step.request.traceparent == Traceparent::Unsampled);
    if unsampled { Vec::new() } else { own.spans(Some((super::outcome::verdict_name(verdict), verdict == Verdict::Held))) }
}

/// The witness: how many of the received spans can be read back from the backend by trace id.
async fn stored(grounds: &Grounds, trace_id: TraceId, arrived: &Arrived) -> Option<(usize, usize)> {
    let tempo = TempoClient::new(grounds.http.clone(), grounds.ledger.clone());
    let trace = tempo.trace(trace_id, Wire::Protobuf).await.ok()?;
    let received = ids(&arrived.arrivals);
    let readable = received.iter().filter(|id| trace.get(**id).is_some()).count();
    Some((readable, received.len()))
}

fn report(
    case: &PlannedCase,
    observer: &Observer<'_>,
    trail: &Trail,
    settled: &Settled,
    arrived: &Arrived,
    judgement: Judgement,
    sent: &Sent,
) -> CaseReport {
    let fixture = &case.fixture;
    let mut services: Vec<_> = arrived.arrivals.iter().map(|arrival| arrival.span.service().to_owned()).collect();
    services.retain(|service| service != OWN_SERVICE);
    services.sort();
    services.dedup();
    let elapsed = observer.elapsed();
    let waited = settled.waited_for.as_ref().filter(|_| elapsed >= WORTH_NAMING);
    CaseReport {
        id: fixture.id.clone(),
        repetition: case.repetition,
        name: fixture.name.clone(),
        tags: fixture.tags.clone(),
        file: fixture.file.clone(),
        verdict: judgement.verdict,
        evidence: settled.evidence.unwrap_or(Evidence::Arrived),
        trace_id: arrived.trace_id.unwrap_or(trail.trace_id),
        correlation_id: trail.correlation_id.clone(),
        spans: services_spans(arrived),
        services,
        elapsed,
        judged_after: arrived.since_last,
        exchanges: sent.exchanges.clone(),
        stored: None,
        findings: judgement.findings,
        warnings: judgement.warnings,
        tree: judgement.tree,
        waited: waited.map(|who| format!("waited {:.1} s: {who}", elapsed.as_secs_f64())),
    }
}

fn services_spans(arrived: &Arrived) -> usize {
    arrived.arrivals.iter().filter(|arrival| arrival.span.service() != OWN_SERVICE).count()
}
