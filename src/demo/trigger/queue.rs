//! The run queue: every accepted run is attempted until it succeeds, fails for good or has no attempts left.
//!
//! Fed by `endpoint`; runs the `tasks`; tells the work report what is queued and what is active. A shutdown waits for it to empty.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio_util::task::TaskTracker;

use super::{
    context::{Attempt, Worker},
    error::TaskError,
    tasks,
};
use crate::{
    demo::{faults::Fault, metrics::TaskStatus, names::TaskId},
    support::clock::{Stopwatch, TimerClock},
    telemetry::{
        Carrier, QueuedWork, Severity, Span, SpanKind, TaskRun, TraceContextExt as _,
        attributes::{TRIGGER_TASK_ATTEMPT, TRIGGER_TASK_NAME, TRIGGER_TASK_RUN_ID},
        in_span, with_task_span,
    },
};

/// How a task is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retry {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

/// The queue of one worker. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    worker: Arc<Worker>,
    clock: TimerClock,
    runs: TaskTracker,
}

/// A run that was accepted.
#[derive(Debug)]
struct Run {
    id: String,
    task: TaskId,
    payload: Arc<Map<String, Value>>,
}

impl Queue {
    pub(super) fn new(worker: Arc<Worker>, clock: TimerClock) -> Self {
        Self { worker, clock, runs: TaskTracker::new() }
    }

    /// Accepts a run. From here on it is in the work report until it is final.
    pub(super) fn accept(&self, id: String, task: TaskId, payload: Map<String, Value>) {
        let carrier = Carrier::from_payload(&payload);
        let trace_id = carrier.context().span().span_context().trace_id();
        let queued = self.worker.telemetry.work().queued(trace_id, carrier.correlation_id.as_deref());
        let run = Run { id, task, payload: Arc::new(payload) };
        let queue = self.clone();
        self.runs.spawn(async move { queue.carry_out(run, queued).await });
    }

    /// Waits until every run is final. Runs that come in meanwhile (children) are waited for too.
    pub(super) async fn drain(&self) {
        self.runs.close();
        self.runs.wait().await;
    }

    async fn carry_out(&self, run: Run, mut queued: QueuedWork) {
        let retry = Retry::of(run.task);
        for attempt in 1..=retry.attempts {
            let active = queued.start();
            let Err(error) = self.attempt(&run, attempt, retry).await else { return };
            if error.is_permanent() || attempt == retry.attempts {
                self.give_up(&run, &error);
                return;
            }
            queued = active.requeue();
            self.clock.wait(retry.backoff(attempt)).await;
        }
    }

    async fn attempt(&self, run: &Run, attempt: u32, retry: Retry) -> Result<(), TaskError> {
        let watch = Stopwatch::start();
        let result = self.in_consumer_span(run, attempt, watch).await;
        let status = match &result {
            Ok(()) => TaskStatus::Success,
            Err(error) if error.is_permanent() || attempt == retry.attempts => TaskStatus::Failure,
            Err(_) => TaskStatus::Retry,
        };
        self.worker.metrics.task(run.task.id(), status, watch.elapsed());
        if let Err(error) = &result {
            self.worker.metrics.error("task", error.class());
        }
        result
    }

    async fn in_consumer_span(&self, run: &Run, number: u32, watch: Stopwatch) -> Result<(), TaskError> {
        let body = |span: Span| async move {
            let carrier = Carrier::from_payload(&run.payload);
            let attempt = Attempt {
                worker: Arc::clone(&self.worker),
                task: run.task,
                span,
                correlation_id: carrier.correlation_id.unwrap_or_default(),
                payload: Arc::clone(&run.payload),
                watch,
            };
            tasks::run(&attempt).await
        };
        if self.worker.faults.has(Fault::WrongKind) || self.worker.faults.has(Fault::WrongName) {
            return in_span(self.mistaken_span(run, number), body).await;
        }
        let at = TaskRun { run_id: Some(&run.id), attempt: Some(number), queue: None };
        with_task_span(&self.worker.tracer, run.task.id(), &run.payload, at, body).await
    }

    /// The consumer span as someone makes it who does not use `with_task_span`.
    fn mistaken_span(&self, run: &Run, number: u32) -> Span {
        let carrier = Carrier::from_payload(&run.payload);
        let wrong_kind = self.worker.faults.has(Fault::WrongKind);
        let kind = if wrong_kind { SpanKind::Internal } else { SpanKind::Consumer };
        let prefix = if self.worker.faults.has(Fault::WrongName) { "task" } else { "trigger.task" };
        self.worker
            .tracer
            .span(format!("{prefix}.{}", run.task.id()), kind)
            .under(&carrier.context())
            .with(TRIGGER_TASK_NAME, run.task.id())
            .with(TRIGGER_TASK_RUN_ID, run.id.clone())
            .with(TRIGGER_TASK_ATTEMPT, i64::from(number))
            .correlation_id(carrier.correlation_id.as_deref().unwrap_or_default())
            .start()
    }

    fn give_up(&self, run: &Run, error: &TaskError) {
        let attributes = [("task", run.task.id().into()), ("run", run.id.clone().into())];
        self.worker.telemetry.log(Severity::Error, error.to_string(), attributes);
    }
}

impl Retry {
    /// The attempts of a task (`medicalcor.md` 3.1).
    fn of(task: TaskId) -> Self {
        let (attempts, first, longest) = match task {
            TaskId::WhatsAppStatus => (2, Duration::from_millis(500), Duration::from_secs(5)),
            _ => (3, Duration::from_secs(1), Duration::from_secs(10)),
        };
        Self { attempts, first, longest }
    }

    /// The wait after this attempt, from 1: twice as long each time.
    fn backoff(&self, attempt: u32) -> Duration {
        (self.first * 2_u32.saturating_pow(attempt - 1)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Retry, TaskId};

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry::of(TaskId::WhatsAppMessage);
        let waits: Vec<u64> = (1..=5).map(|attempt| retry.backoff(attempt).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10]);
        assert_eq!(Retry::of(TaskId::WhatsAppStatus).backoff(1), Duration::from_millis(500));
    }
}
