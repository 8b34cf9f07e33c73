//! One case from its first byte to its verdict: script the externals, send the steps, wait for evidence, judge, export devstack's own spans.
//!
//! Called by `run` for each planned case; everything it does goes over the wire.

use std::{sync::Arc, time::Duration};

use super::{
    CaseReport, Evidence, Grounds, Judge, RunEvent, Severity, Verdict,
    answers::check_answer,
    case::{Case, Traces},
    enqueued,
    examine::{self, Before},
    findings::{counted, finding},
    given,
    judge::Judgement,
    observe::{Awaited, Observer, Trail},
    outcome::{Finding, verdict_name},
    run::PlannedCase,
    steps::{Sent, StepRunner},
    unheard,
    witness::Witness,
};
use crate::{
    client::{ClientError, OtlpClient},
    fixture::{Fixture, Traceparent, When},
    model::Span,
    replay::{Identity, OwnTrace},
    support::clock,
};

/// How long a case may take where neither fixture nor suite says (DESIGN section 7, verdict 8).
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// The same where a store is read that others write to.
const STORED_DEADLINE: Duration = Duration::from_secs(15);

/// What a request leaves of the deadline to look at what arrived: at most this, and at most a tenth of what there is.
const KEPT_BACK: Duration = Duration::from_millis(100);

/// Takes events.
pub(super) type Tell<'a> = &'a (dyn Fn(RunEvent) + Sync);

/// Why nothing can be seen where a store is all there is.
const BLIND: &str = "The services begin a trace of their own here, and the store finds none by correlation id.";

/// A case that has its verdict.
pub(super) struct Ended {
    pub(super) report: CaseReport,
    case: Case,
    /// Whether devstack's own spans are in the ledger.
    own_received: bool,
}

/// Runs one case; one that changes a whole process gets services of its own where somebody can start them.
pub(super) async fn drive(planned: &PlannedCase, grounds: &Arc<Grounds>, witness: &Witness, tell: Tell<'_>) -> Ended {
    let Some(isolation) = grounds.isolation.as_ref().filter(|_| planned.fixture.isolated) else {
        return drive_on(planned, grounds, witness, tell, None).await;
    };
    match isolation.start().await {
        Ok(isolated) => {
            let (own, stop) = isolated.grounds(grounds);
            let ended = drive_on(planned, &own, witness, tell, None).await;
            stop.await;
            ended
        }
        Err(why) => {
            let mut broken = finding("case.isolation", "The case got no services of its own (`isolated: true`).");
            broken.details.push(format!("{why}."));
            drive_on(planned, grounds, witness, tell, Some(broken)).await
        }
    }
}

/// Runs one case on these grounds, or reports why it is `broken` before it began.
async fn drive_on(planned: &PlannedCase, grounds: &Grounds, witness: &Witness, tell: Tell<'_>, broken: Option<Finding>) -> Ended {
    let fixture = &planned.fixture;
    let identity = Identity::new(planned.nonce);
    let trail = Trail {
        trace_id: identity.trace_id,
        correlation_id: identity.correlation_id.clone(),
        continued: continues(fixture),
        begun_ns: clock::unix_nanos(),
    };
    let before = enqueued::before(grounds).await;
    let mut own = OwnTrace::begin(identity.clone(), &fixture.id);
    let scene = match &grounds.examiner {
        Some(examiner) => Some(examiner.before(grounds.services.clone()).await),
        None => None,
    };
    let observer = match Observer::new(grounds, &trail, deadline(fixture, grounds), witness) {
        Ok(observer) => observer,
        Err(why) => return unwatched(planned, grounds, &trail, &own, &why),
    };
    let ready = match broken {
        Some(broken) => Err(Box::new(broken)),
        None => given::set(fixture, grounds, &trail).await,
    };
    let mut sent = match ready {
        Ok(()) => send_all(planned, grounds, &identity, &observer, &mut own, tell).await,
        Err(broken) => Sent { broken: Some(*broken), ..Sent::default() },
    };
    let (broken, unanswered) = (sent.broken.take(), sent.unanswered);
    let mut case = Case::new(planned, trail.clone(), sent, own.spans(None), &grounds.secrets);
    let report = match broken {
        Some(why) => case.broken(why, observer.elapsed()),
        None => match weigh(&mut case, &observer, unanswered, &Asking { grounds, before: &before }).await {
            Ok(judgement) => {
                let elapsed = observer.elapsed();
                case.report(examined(judgement, &case, grounds, scene).await, elapsed)
            }
            Err(why) => case.broken(why, observer.elapsed()),
        },
    };
    case.own = own_spans(fixture, &own, report.verdict);
    // The services' spans were judged already: a receiver that is gone by now does not change that.
    let exported = OtlpClient::new(grounds.http.clone(), &grounds.otlp).export(&case.own).await;
    // One that answers no has kept them all the same, and could not pass them on.
    let own_received = matches!(exported, Ok(()) | Err(ClientError::Status { .. }));
    given::forget(fixture, grounds, &trail).await;
    Ended { report, case, own_received }
}

/// A case that is not run, because nothing could be seen of it.
fn unwatched(planned: &PlannedCase, grounds: &Grounds, trail: &Trail, own: &OwnTrace, why: &str) -> Ended {
    let mut broken = finding("case.store", "The store that the verdict rests on cannot be read.");
    broken.details.push(format!("{why}."));
    let case = Case::new(planned, trail.clone(), Sent::default(), own.spans(None), &grounds.secrets);
    Ended { report: case.broken(broken, Duration::ZERO), case, own_received: false }
}

fn deadline(fixture: &Fixture, grounds: &Grounds) -> Duration {
    fixture.deadline.or(grounds.aim.deadline).unwrap_or(match grounds.judge {
        Judge::Ledger => DEFAULT_DEADLINE,
        Judge::Stored => STORED_DEADLINE,
    })
}

impl Ended {
    /// Asks the witness. Spans that were received and are not in the store are the environment's fault: what was expected did hold, and
    /// whoever looks for the trace later will not find it.
    pub(super) async fn witnessed(&mut self, witness: &Witness) {
        if matches!(self.report.verdict, Verdict::Broken | Verdict::Unobserved) {
            return;
        }
        let trace_id = self.report.trace_id;
        let Some(testimony) = witness.ask(trace_id, self.case.received(trace_id, self.own_received)).await else { return };
        self.report.stored = Some((testimony.found, testimony.of));
        let Some(lost) = testimony.lost else { return };
        if self.report.verdict == Verdict::Failed {
            self.report.findings.push(lost);
        } else {
            self.report.verdict = Verdict::Broken;
            self.report.findings.insert(0, lost);
        }
    }

    /// Looks once more, at the end of the run: a span that came after the verdict changes it. Says whether it did.
    pub(super) async fn judge_latecomers(&mut self, grounds: &Grounds, witness: &Witness) -> bool {
        if self.report.verdict == Verdict::Broken {
            return false;
        }
        let Ok(observer) = Observer::new(grounds, &self.case.trail, Duration::ZERO, witness) else { return false };
        let Ok(now) = observer.arrived().await else { return false };
        let late = now.arrivals.len().saturating_sub(self.case.arrived.arrivals.len());
        if late == 0 {
            return false;
        }
        self.case.arrived = now;
        let Some(judgement) = self.case.judge(true) else { return false };
        self.report = self.case.report(judgement, self.report.elapsed);
        let mut note = finding(
            "judge.late",
            format!("{} after the verdict, which was judged again.", counted(late, "span came", "spans came")),
        );
        note.severity = Severity::Warning;
        self.report.warnings.push(note);
        self.witnessed(witness).await;
        true
    }

    /// The report, and the traces to keep.
    pub(super) fn into_parts(self) -> (CaseReport, Traces) {
        let id = self.report.trace_id;
        (self.report, self.case.into_traces(id))
    }
}

/// Whether the services go on with the trace that is sent, or begin one of their own.
fn continues(fixture: &Fixture) -> bool {
    fixture.steps.iter().any(|step| matches!(step.request.traceparent, Traceparent::Sampled | Traceparent::Unsampled))
}

/// Sends every step, each when the fixture says, and looks at the answers.
async fn send_all(
    planned: &PlannedCase,
    grounds: &Grounds,
    identity: &Identity,
    observer: &Observer<'_>,
    own: &mut OwnTrace,
    tell: Tell<'_>,
) -> Sent {
    let fixture = &planned.fixture;
    let mut runner = StepRunner::new(fixture, grounds, identity);
    for (at, step) in fixture.steps.iter().enumerate() {
        match step.when {
            When::Settled => {
                let awaited = Awaited { expected: &fixture.trace, own: &own.spans(None) };
                drop(observer.settle(awaited).await);
            }
            When::After(wait) => observer.pause(wait).await,
            When::AtOnce => {}
        }
        if let Some(pace) = &grounds.aim.pace {
            let wait = pace.take_turn();
            if !wait.is_zero() {
                tell(RunEvent::CaseWaits(planned.key()));
                observer.stand_still(wait).await;
                tell(RunEvent::CaseSends(planned.key()));
            }
        }
        let left = observer.left();
        runner.send(at, own, left.saturating_sub(KEPT_BACK.min(left / 10))).await;
        if runner.sent.broken.is_some() || runner.sent.unanswered {
            break;
        }
    }
    let (mut sent, answers) = (runner.sent, runner.answers);
    // After the last step, because an answer may be compared with a value captured later.
    for (step, answered) in fixture.steps.iter().zip(&answers) {
        let mut wrong = check_answer(&fixture.file, step, &answered.answer, &sent.captures);
        if let Some(assumed) = answered.assumed_skew {
            let known = grounds.aim.skews.of(&answered.service);
            unheard::explain_skew(&mut wrong, &answered.answer, &answered.service, assumed, known);
        }
        sent.findings.extend(wrong);
    }
    sent
}

/// Waits until there is a verdict: once the services are done, else with every change until the deadline. A ledger that cannot be read
/// until then breaks the case.
async fn weigh(case: &mut Case, observer: &Observer<'_>, unanswered: bool, asking: &Asking<'_>) -> Result<Judgement, Finding> {
    if observer.is_blind() {
        return blind(case).ok_or_else(|| finding("case.store", BLIND));
    }
    let awaited = Awaited { expected: &case.expected, own: &case.own };
    case.settled = if unanswered { observer.settle_unanswered(awaited).await } else { observer.settle(awaited).await };
    if case.expected.nothing.is_some() && case.settled.evidence == Some(Evidence::Drained) {
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
            let judgement = asking.weighed(case, judgement, overdue).await;
            return Ok(explained(case, judgement, observer).await);
        }
        observer.changed(case.arrived.trace_id.unwrap_or(case.trail.trace_id), case.arrived.version).await;
    }
}

/// Where to ask for what was enqueued, and what was known before.
struct Asking<'a> {
    grounds: &'a Grounds,
    before: &'a enqueued::Before,
}

impl Asking<'_> {
    /// A verdict with what was enqueued taken into account.
    async fn weighed(&self, case: &mut Case, judgement: Judgement, overdue: bool) -> Judgement {
        case.enqueued = enqueued::ask(self.grounds, &case.trail, case.arrived.trace_id, self.before).await;
        if case.enqueued.is_none() { judgement } else { case.judge(overdue).unwrap_or(judgement) }
    }
}

/// A verdict that is no good news, after a look for what it may come from beyond the case's own trace.
async fn explained(case: &mut Case, judgement: Judgement, observer: &Observer<'_>) -> Judgement {
    if judgement.verdict == Verdict::Held || !case.arrived.strays.is_empty() || !case.trail.continued {
        return judgement;
    }
    // What cannot be read explains nothing; the verdict stands without it.
    let found = observer.foundlings(&case.trace(), &case.expected.services().into_iter().collect::<Vec<_>>()).await;
    let mut found = found.unwrap_or_default();
    // A stand-in says of each of its traces for which run it is: better than the moment at which it began.
    found.retain(|stray| !case.is_of_others(stray));
    case.arrived.strays = found;
    if case.arrived.strays.is_empty() { judgement } else { case.judge(true).unwrap_or(judgement) }
}

/// A verdict that is no good news, with what can be seen of the services' processes.
async fn examined(judgement: Judgement, case: &Case, grounds: &Grounds, before: Option<Before>) -> Judgement {
    let (Some(examiner), Some(before)) = (&grounds.examiner, before) else { return judgement };
    if judgement.verdict == Verdict::Held {
        return judgement;
    }
    let causes = examiner.examine(case.silent_services(&grounds.services), before).await;
    examine::with_causes(judgement, causes)
}

/// Judges on nothing: the answers are all there is.
fn blind(case: &Case) -> Option<Judgement> {
    let mut judgement = case.judge(true)?;
    if let Some(last) = judgement.findings.last_mut() {
        last.details = vec![BLIND.to_owned()];
        last.hint = Some("let the services export to devstack's receiver, which can (`judge: ledger`)".to_owned());
    }
    Some(judgement)
}

fn own_spans(fixture: &Fixture, own: &OwnTrace, verdict: Verdict) -> Vec<Arc<Span>> {
    let unsampled = fixture.steps.iter().any(|step| step.request.traceparent == Traceparent::Unsampled);
    if unsampled { Vec::new() } else { own.spans(Some((verdict_name(verdict), verdict == Verdict::Held))) }
}
