//! One case from its first byte to its verdict: script the externals, send the steps, wait for evidence, judge, export devstack's own spans.
//!
//! Called by `run` for each planned case; everything it does goes over the wire.

use std::{sync::Arc, time::Duration};

use super::{
    CaseReport, Grounds, Severity, Verdict,
    answers::check_answer,
    case::Case,
    findings::{counted, finding},
    given,
    judge::Judgement,
    observe::{Arrived, Observer, Trail, ids},
    outcome::{Finding, verdict_name},
    run::PlannedCase,
    steps::{Sent, StepRunner},
};
use crate::{
    client::{OtlpClient, TempoClient, Wire},
    fixture::{Fixture, Traceparent, When},
    model::{Span, TraceId},
    replay::{Identity, OwnTrace, Sender},
};

/// How long a case may take where neither fixture nor suite says (DESIGN section 7, verdict 8).
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// A case that has its verdict.
pub(super) struct Ended {
    pub(super) report: CaseReport,
    case: Case,
}

/// Runs one case; one that changes a whole process gets services of its own where somebody can start them.
pub(super) async fn drive(planned: &PlannedCase, grounds: &Arc<Grounds>) -> Ended {
    let Some(isolation) = grounds.isolation.as_ref().filter(|_| planned.fixture.isolated) else {
        return drive_on(planned, grounds, None).await;
    };
    match isolation.start().await {
        Ok(isolated) => {
            let (own, stop) = isolated.grounds(grounds);
            let ended = drive_on(planned, &own, None).await;
            stop.await;
            ended
        }
        Err(why) => {
            let mut broken = finding("case.isolation", "The case got no services of its own (`isolated: true`).");
            broken.details.push(format!("{why}."));
            drive_on(planned, grounds, Some(broken)).await
        }
    }
}

/// Runs one case on these grounds, or reports why it is `broken` before it began.
async fn drive_on(planned: &PlannedCase, grounds: &Grounds, broken: Option<Finding>) -> Ended {
    let fixture = &planned.fixture;
    let identity = Identity::new(planned.nonce);
    let trail =
        Trail { trace_id: identity.trace_id, correlation_id: identity.correlation_id.clone(), continued: continues(fixture) };
    let observer = Observer::new(grounds, &trail, fixture.deadline.unwrap_or(DEFAULT_DEADLINE));
    let mut own = OwnTrace::begin(identity.clone(), &fixture.id);
    let ready = match broken {
        Some(broken) => Err(Box::new(broken)),
        None => given::set(fixture, grounds, &trail).await,
    };
    let mut sent = match ready {
        Ok(()) => send_all(fixture, grounds, &identity, &observer, &mut own).await,
        Err(broken) => Sent { broken: Some(*broken), ..Sent::default() },
    };
    let broken = sent.broken.take();
    let mut case = Case::new(planned, trail.clone(), sent, own.spans(None), &grounds.secrets);
    let mut report = match broken {
        Some(why) => case.broken(why, observer.elapsed()),
        None => match weigh(&mut case, &observer).await {
            Ok(judgement) => case.report(judgement, observer.elapsed()),
            Err(why) => case.broken(why, observer.elapsed()),
        },
    };
    report.stored = stored(grounds, &case.arrived).await;
    case.own = own_spans(fixture, &own, report.verdict);
    // The services' spans were judged already: a receiver that is gone by now does not change that.
    let _ = OtlpClient::new(grounds.http.clone(), &grounds.otlp).export(&case.own).await;
    given::forget(fixture, grounds, &trail).await;
    Ended { report, case }
}

impl Ended {
    /// Looks once more, at the end of the run: a span that came after the verdict changes it. Says whether it did.
    pub(super) async fn judge_latecomers(&mut self, grounds: &Grounds) -> bool {
        if self.report.verdict == Verdict::Broken {
            return false;
        }
        let Ok(now) = Observer::new(grounds, &self.case.trail, Duration::ZERO).arrived().await else { return false };
        let late = now.arrivals.len().saturating_sub(self.case.arrived.arrivals.len());
        if late == 0 {
            return false;
        }
        self.case.arrived = now;
        let Some(judgement) = self.case.judge(true) else { return false };
        let stored = self.report.stored;
        self.report = CaseReport { stored, ..self.case.report(judgement, self.report.elapsed) };
        let mut note = finding(
            "judge.late",
            format!("{} after the verdict, which was judged again.", counted(late, "span came", "spans came")),
        );
        note.severity = Severity::Warning;
        self.report.warnings.push(note);
        true
    }

    /// The report, and the trace to keep.
    pub(super) fn into_parts(self) -> (CaseReport, (TraceId, Vec<Arc<Span>>)) {
        let id = self.report.trace_id;
        (self.report, (id, self.case.into_trace(id)))
    }
}

/// Whether the services go on with the trace that is sent, or begin one of their own.
fn continues(fixture: &Fixture) -> bool {
    fixture.steps.iter().any(|step| matches!(step.request.traceparent, Traceparent::Sampled | Traceparent::Unsampled))
}

/// Sends every step, each when the fixture says, and looks at the answers.
async fn send_all(
    fixture: &Fixture,
    grounds: &Grounds,
    identity: &Identity,
    observer: &Observer<'_>,
    own: &mut OwnTrace,
) -> Sent {
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
    // After the last step, because an answer may be compared with a value captured later.
    for (step, answer) in fixture.steps.iter().zip(&answers) {
        let wrong = check_answer(&fixture.file, step, answer, &sent.captures);
        sent.findings.extend(wrong);
    }
    sent
}

/// Waits until there is a verdict: once the services are done, else with every change until the deadline. A ledger that cannot be read
/// until then breaks the case.
async fn weigh(case: &mut Case, observer: &Observer<'_>) -> Result<Judgement, Finding> {
    case.settled = observer.settle().await;
    if case.expected.nothing.is_some() && case.settled.evidence.is_some() {
        case.settled.silence_proved = observer.heard_from(&case.settled.reports).await;
    }
    loop {
        let seen = observer.arrived().await;
        let overdue = case.settled.evidence.is_none() || observer.left().is_zero();
        match seen {
            Ok(arrived) => case.arrived = arrived,
            Err(error) if observer.left().is_zero() => {
                let mut broken = finding("case.ledger", "What arrived could not be read.");
                broken.details.push(format!("{error}."));
                return Err(broken);
            }
            Err(_) => {
                observer.changed(case.trail.trace_id, 0).await;
                continue;
            }
        }
        if let Some(judgement) = case.judge(overdue) {
            return Ok(judgement);
        }
        observer.changed(case.arrived.trace_id.unwrap_or(case.trail.trace_id), case.arrived.version).await;
    }
}

fn own_spans(fixture: &Fixture, own: &OwnTrace, verdict: Verdict) -> Vec<Arc<Span>> {
    let unsampled = fixture.steps.iter().any(|step| step.request.traceparent == Traceparent::Unsampled);
    if unsampled { Vec::new() } else { own.spans(Some((verdict_name(verdict), verdict == Verdict::Held))) }
}

/// The witness: how many of the received spans can be read back from the backend by trace id; `None` where nothing was received.
async fn stored(grounds: &Grounds, arrived: &Arrived) -> Option<(usize, usize)> {
    let received = ids(&arrived.arrivals);
    let trace_id = arrived.trace_id.filter(|_| !received.is_empty())?;
    let tempo = TempoClient::new(grounds.http.clone(), grounds.ledger.clone());
    let trace = tempo.trace(trace_id, Wire::Protobuf).await.ok()?;
    let readable = received.iter().filter(|id| trace.get(**id).is_some()).count();
    Some((readable, received.len()))
}
