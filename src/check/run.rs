//! The run: every case at once, as far as `--jobs` allows; events as they happen, a report in the order of the plan at the end.
//!
//! Fed by `cli` with the plan and the grounds. A Ctrl-C ends it early: cases that have a verdict are reported, the others are not.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::{RwLock, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    CaseKey, CaseReport, Grounds, RunEvent, RunReport,
    drive::{Ended, drive},
    outcome::{REPORT_VERSION, Stored},
    witness::Witness,
};
use crate::{
    fixture::{Fixture, Suite},
    model::{Span, TraceId},
    support::{clock::Stopwatch, random::Seeded},
};

/// Cases under way at once when `--jobs` does not say. Enough to keep two cores busy; more would only make every case wait for the others
/// while its deadline runs.
pub const DEFAULT_JOBS: usize = 16;

/// One case to run.
#[derive(Debug, Clone)]
pub struct PlannedCase {
    /// The fixture.
    pub fixture: Arc<Fixture>,
    /// Which repetition, from 1; `None` when the run repeats nothing.
    pub repetition: Option<u32>,
    /// Different for every case of the run.
    pub nonce: u64,
}

impl PlannedCase {
    /// Which case of the plan this is.
    pub(super) fn key(&self) -> CaseKey {
        CaseKey { id: self.fixture.id.clone(), repetition: self.repetition }
    }
}

/// Everything that will run, in the order of the report.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cases.
    pub cases: Vec<PlannedCase>,
    /// How many at once.
    pub jobs: usize,
}

impl Plan {
    /// Every fixture `repeat` times, ordered by fixture and repetition. Nonces count up from a random number, so that runs differ.
    pub fn new(suite: Suite, repeat: u32, jobs: Option<usize>) -> Self {
        let first = Seeded::from_entropy().below(1 << 32);
        let repetitions =
            |fixture: Arc<Fixture>| (1..=repeat).map(move |number| (Arc::clone(&fixture), (repeat > 1).then_some(number)));
        let cases = suite
            .fixtures
            .into_iter()
            .map(Arc::new)
            .flat_map(repetitions)
            .zip(first..)
            .map(|((fixture, repetition), nonce)| PlannedCase { fixture, repetition, nonce })
            .collect();
        Self { cases, jobs: jobs.unwrap_or(DEFAULT_JOBS).max(1) }
    }
}

/// A finished run: its report, and the traces to keep.
#[derive(Debug)]
pub struct Finished {
    /// The report.
    pub report: RunReport,
    /// The spans of each case's trace, devstack's own included.
    pub traces: Vec<(TraceId, Vec<Arc<Span>>)>,
}

/// Runs the plan.
pub async fn run(
    plan: Plan,
    grounds: Arc<Grounds>,
    clock: Stopwatch,
    run_id: String,
    events: mpsc::UnboundedSender<RunEvent>,
    stop: CancellationToken,
) -> Finished {
    let emit = |event| {
        // A reporter that has gone is no reason to stop judging.
        let _ = events.send(event);
    };
    let keys = plan.cases.iter().map(PlannedCase::key).collect();
    emit(RunEvent::Started { stack: grounds.stack.clone(), cases: keys });

    let witness = Witness::open(&grounds).await;
    // A case that changes a whole process and cannot have one of its own has all of them for itself.
    let turns = RwLock::new(());
    let mut ended: Vec<(usize, Ended)> = stream::iter(plan.cases.iter().enumerate())
        .take_until(stop.cancelled())
        .map(|(at, case)| {
            let (grounds, witness, stop, turns, emit) = (&grounds, &witness, &stop, &turns, &emit);
            let driven = async move {
                let alone = case.fixture.isolated && grounds.isolation.is_none();
                let (_alone, _among_others) =
                    if alone { (Some(turns.write().await), None) } else { (None, Some(turns.read().await)) };
                emit(RunEvent::CaseStarted(case.key()));
                drive(case, grounds, witness, emit).await
            };
            async move {
                tokio::select! {
                    ended = driven => Some((at, ended)),
                    () = stop.cancelled() => None,
                }
            }
        })
        .buffer_unordered(plan.jobs)
        .filter_map(std::future::ready)
        .map(|(at, mut ended)| {
            let (witness, stop) = (&witness, &stop);
            async move {
                tokio::select! {
                    () = ended.witnessed(witness) => {}
                    () = stop.cancelled() => {}
                }
                (at, ended)
            }
        })
        // Apart from the jobs, so that a store that lags holds back no other case.
        .buffer_unordered(plan.cases.len().max(1))
        .inspect(|(_, ended)| emit(RunEvent::CaseFinished(Box::new(ended.report.clone()))))
        .collect()
        .await;

    ended.sort_by_key(|(at, _)| *at);
    let interrupted = stop.is_cancelled();
    if !interrupted {
        let again = stream::iter(&mut ended).for_each_concurrent(plan.jobs, |(_, ended)| async {
            if ended.judge_latecomers(&grounds, &witness).await {
                emit(RunEvent::CaseFinished(Box::new(ended.report.clone())));
            }
        });
        again.await;
    }
    emit(RunEvent::Finished);
    let (cases, traces): (Vec<CaseReport>, Vec<_>) = ended.into_iter().map(|(_, ended)| ended.into_parts()).unzip();
    let report = RunReport {
        version: REPORT_VERSION,
        run: run_id,
        stack: grounds.stack.clone(),
        target: grounds.aim.target.clone(),
        stored: stored(&cases, &grounds),
        cases,
        elapsed: clock.elapsed(),
        interrupted,
    };
    Finished { report, traces: traces.into_iter().flatten().collect() }
}

/// What the witness read back, over all cases.
fn stored(cases: &[CaseReport], grounds: &Grounds) -> Option<Stored> {
    let apart = grounds.store.as_ref()?.at.url != grounds.ledger;
    let asked = cases.iter().filter_map(|case| case.stored);
    asked.reduce(|(found, of), (more, also)| (found + more, of + also)).map(|(found, of)| Stored { found, of, apart })
}
