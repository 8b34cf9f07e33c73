//! The guide's patterns: a span around a task, a workflow step, a Redis command, a database query.
//!
//! Used by services. Each ends its span on every path, and on an error records it and hands it on.

use std::error::Error;
use std::future::Future;

use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, Value};
use serde_json::{Map, Value as Json};

use super::attributes::{
    STEP_DURATION_MS, TASK_DURATION_MS, TRIGGER_TASK_ATTEMPT, TRIGGER_TASK_NAME, TRIGGER_TASK_QUEUE, TRIGGER_TASK_RUN_ID,
    TRIGGER_TASK_TYPE, TRIGGER_WORKFLOW_NAME, TRIGGER_WORKFLOW_RUN_ID, TRIGGER_WORKFLOW_STEP, TRIGGER_WORKFLOW_STEP_INDEX,
};
use super::propagation::Carrier;
use super::span::{Outcome, Span, end_span};
use super::tracer::{Draft, Tracer};
use crate::support::clock::Stopwatch;

/// What is known of the run a task executes in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskRun<'a> {
    /// Id of the run, `run_…`.
    pub run_id: Option<&'a str>,
    /// Attempt, from 1.
    pub attempt: Option<u32>,
    /// Queue the run came from.
    pub queue: Option<&'a str>,
}

/// Where in its workflow a step stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowStep<'a> {
    /// Index of the step, from 0.
    pub index: Option<u32>,
    /// Run of the workflow.
    pub run_id: Option<&'a str>,
}

/// Runs a task in a CONSUMER span `trigger.task.<task>` whose parent the payload names (`traceparent`), with `task.duration_ms` and
/// the payload's correlation id. Without a parent in the payload the span is a root.
pub async fn with_task_span<T, E, F, Fut>(
    tracer: &Tracer,
    task: &str,
    payload: &Map<String, Json>,
    run: TaskRun<'_>,
    body: F,
) -> Result<T, E>
where
    E: Error,
    F: FnOnce(Span) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let carrier = Carrier::from_payload(payload);
    let draft = tracer
        .span(format!("trigger.task.{task}"), SpanKind::Consumer)
        .under(&carrier.context())
        .with(TRIGGER_TASK_NAME, task.to_owned())
        .with(TRIGGER_TASK_TYPE, "task")
        .with_some(TRIGGER_TASK_RUN_ID, run.run_id.map(str::to_owned))
        .with_some(TRIGGER_TASK_ATTEMPT, run.attempt.map(i64::from))
        .with_some(TRIGGER_TASK_QUEUE, run.queue.map(str::to_owned))
        .correlation_id(carrier.correlation_id.as_deref().unwrap_or_default());
    timed(draft, TASK_DURATION_MS, body).await
}

/// Runs a step in an INTERNAL span `trigger.workflow.<workflow>.<step>` with `step.duration_ms`. The parent is the active span where
/// none is given.
pub async fn with_workflow_span<T, E, F, Fut>(
    tracer: &Tracer,
    workflow: &str,
    step: &str,
    parent: Option<&Span>,
    at: WorkflowStep<'_>,
    body: F,
) -> Result<T, E>
where
    E: Error,
    F: FnOnce(Span) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let parent = parent.map_or_else(Context::current, |span| span.context().clone());
    let draft = tracer
        .internal(format!("trigger.workflow.{workflow}.{step}"))
        .under(&parent)
        .with(TRIGGER_WORKFLOW_NAME, workflow.to_owned())
        .with(TRIGGER_WORKFLOW_STEP, step.to_owned())
        .with_some(TRIGGER_WORKFLOW_STEP_INDEX, at.index.map(i64::from))
        .with_some(TRIGGER_WORKFLOW_RUN_ID, at.run_id.map(str::to_owned));
    timed(draft, STEP_DURATION_MS, body).await
}

/// Adds attributes to a span, leaving out those without a value.
pub fn add_trigger_attributes(span: &Span, attributes: impl IntoIterator<Item = (&'static str, Option<Value>)>) {
    for (key, value) in attributes {
        span.set_some(key, value);
    }
}

/// Runs a Redis command in a CLIENT span `redis.<command>`.
pub async fn instrument_redis_command<T, E, Fut>(
    tracer: &Tracer,
    command: &str,
    key: Option<&str>,
    operation: Fut,
) -> Result<T, E>
where
    E: Error,
    Fut: Future<Output = Result<T, E>>,
{
    in_span(tracer.redis(command, key).start(), |_| operation).await
}

/// Runs a database query in a CLIENT span `db.<operation>`; the body gets the span, to say how many rows it was.
pub async fn instrument_database_query<T, E, F, Fut>(
    tracer: &Tracer,
    system: &'static str,
    operation: &str,
    statement: &str,
    body: F,
) -> Result<T, E>
where
    E: Error,
    F: FnOnce(Span) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    in_span(tracer.database(system, operation, Some(statement)).start(), body).await
}

/// Runs `body` with `span` active, and ends it: OK, or the error recorded.
pub async fn in_span<T, E, F, Fut>(span: Span, body: F) -> Result<T, E>
where
    E: Error,
    F: FnOnce(Span) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let result = span.run(run_body(body, span.clone())).await;
    finish(&span, &result);
    result
}

async fn timed<T, E, F, Fut>(draft: Draft<'_>, duration: &'static str, body: F) -> Result<T, E>
where
    E: Error,
    F: FnOnce(Span) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let span = draft.start();
    let watch = Stopwatch::start();
    let result = span.run(run_body(body, span.clone())).await;
    span.set(duration, watch.elapsed().as_millis() as i64);
    finish(&span, &result);
    result
}

/// Calls `body` inside the future, so that what it does before its first await already sees the span as active.
async fn run_body<T, F: FnOnce(Span) -> Fut, Fut: Future<Output = T>>(body: F, span: Span) -> T {
    body(span).await
}

fn finish<T, E: Error>(span: &Span, result: &Result<T, E>) {
    match result {
        Ok(_) => end_span(span, Outcome::Ok),
        Err(error) => {
            span.record_error(error);
            span.end();
        }
    }
}

/// Trace id of the active span, if one is active; for log lines and error answers.
pub fn current_trace_id() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}
