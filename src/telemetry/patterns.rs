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
            // The body may have recorded it under a name of its own; once more would be a second `exception` under another type.
            if !span.has_recorded_error() {
                span.record_error(error);
            }
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

#[cfg(test)]
mod tests {
    use std::task::Poll;
    use std::time::Duration;

    use opentelemetry::trace::{SpanId, Status};
    use serde_json::json;

    use super::*;
    use crate::telemetry::{Captured, Settings, SpanData, Telemetry, create_webhook_trace_context, record_span_error};

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("HubSpot said {0}")]
        RateLimited(u16),
    }

    fn start() -> (Tracer, Captured) {
        let (telemetry, captured) = Telemetry::start_capturing(&Settings::new("medicalcor-trigger"));
        (telemetry.tracer("test"), captured)
    }

    fn text(span: &SpanData, key: &str) -> Option<String> {
        span.attributes.iter().find(|pair| pair.key.as_str() == key).map(|pair| pair.value.to_string())
    }

    fn assert_failed(span: &SpanData) {
        assert_eq!(span.status, Status::error("HubSpot said 429"));
        assert_eq!(text(span, "error.type").as_deref(), Some("RateLimited"));
        let event = &span.events.events[0];
        assert_eq!(event.name, "exception");
        let attributes: Vec<_> = event.attributes.iter().map(|pair| (pair.key.as_str(), pair.value.to_string())).collect();
        assert_eq!(
            attributes,
            [("exception.type", "RateLimited".to_owned()), ("exception.message", "HubSpot said 429".to_owned())]
        );
    }

    #[tokio::test]
    async fn a_task_continues_the_producers_trace_and_not_the_requests() {
        let (tracer, captured) = start();
        let request = tracer.server("POST", Some("/webhooks/whatsapp"), "/webhooks/whatsapp").under(&Context::new()).start();
        let producer = tracer.producer("trigger.dev", "handler", None).under(request.context()).start();
        let mut payload = Map::new();
        create_webhook_trace_context(producer.context(), "c-1").inject_into(&mut payload);
        let run = TaskRun { run_id: Some("run_1"), attempt: Some(1), queue: Some("default") };
        let answer = with_task_span(&tracer, "handler", &payload, run, |span| async move {
            add_trigger_attributes(&span, [("medicalcor.lead.id", Some("l-1".into())), ("medicalcor.patient.id", None)]);
            assert_eq!(current_trace_id(), Some(span.trace_id().to_string()));
            Ok::<_, Failure>(7)
        });
        assert_eq!(answer.await.unwrap(), 7);

        let task = captured.span("trigger.task.handler").unwrap();
        assert_eq!(task.span_kind, SpanKind::Consumer);
        assert_eq!(task.parent_span_id, producer.span_id());
        assert!(task.parent_span_is_remote);
        assert_eq!(task.span_context.trace_id(), request.trace_id());
        assert_eq!(task.status, Status::Ok);
        for (key, value) in [
            ("trigger.task.name", "handler"),
            ("trigger.task.type", "task"),
            ("trigger.task.run_id", "run_1"),
            ("trigger.task.attempt", "1"),
            ("trigger.task.queue", "default"),
            ("medicalcor.correlation_id", "c-1"),
            ("medicalcor.lead.id", "l-1"),
        ] {
            assert_eq!(text(&task, key).as_deref(), Some(value), "{key}");
        }
        assert!(text(&task, "task.duration_ms").is_some());
        assert!(text(&task, "medicalcor.patient.id").is_none());
    }

    #[tokio::test]
    async fn a_task_without_a_parent_is_a_root() {
        let (tracer, captured) = start();
        let payload = Map::from_iter([("traceparent".to_owned(), json!("00-broken"))]);
        let outside = tracer.internal("outside").start();
        let task = with_task_span(&tracer, "handler", &payload, TaskRun::default(), |_| async { Ok::<_, Failure>(()) });
        outside.run(task).await.unwrap();
        assert_eq!(captured.span("trigger.task.handler").unwrap().parent_span_id, SpanId::INVALID);
    }

    #[tokio::test]
    async fn an_error_is_recorded_and_ends_task_step_query_and_command() {
        let (tracer, captured) = start();
        let failing = || async { Err::<(), _>(Failure::RateLimited(429)) };
        let payload = Map::new();
        let result = with_task_span(&tracer, "handler", &payload, TaskRun::default(), |task| {
            let tracer = tracer.clone();
            async move {
                let at = WorkflowStep { index: Some(0), run_id: None };
                let step = with_workflow_span(&tracer, "lead-scoring", "fetch-data", Some(&task), at, |_| failing()).await;
                let query = instrument_database_query(&tracer, "sqlite", "select", "SELECT 1", |_| failing()).await;
                let command = instrument_redis_command(&tracer, "GET", Some("k"), failing()).await;
                assert!(step.is_err() && query.is_err());
                command
            }
        });
        assert!(result.await.is_err());
        let task = captured.span("trigger.task.handler").unwrap();
        for name in ["trigger.workflow.lead-scoring.fetch-data", "db.select", "redis.get"] {
            let span = captured.span(name).unwrap_or_else(|| panic!("`{name}` has not ended"));
            assert_failed(&span);
            assert_eq!(span.parent_span_id, task.span_context.span_id(), "{name}");
        }
        assert_failed(&task);
        let step = captured.span("trigger.workflow.lead-scoring.fetch-data").unwrap();
        assert_eq!(text(&step, "trigger.workflow.step_index").as_deref(), Some("0"), "index 0 is a value");
        assert_eq!(text(&step, "trigger.workflow.step").as_deref(), Some("fetch-data"));
        assert_eq!(step.span_kind, SpanKind::Internal);
    }

    #[tokio::test]
    async fn a_cancelled_or_panicking_body_ends_its_span() {
        let (tracer, captured) = start();
        let endless = in_span(tracer.internal("cancelled").start(), |_| std::future::pending::<Result<(), Failure>>());
        assert!(tokio::time::timeout(Duration::from_millis(1), endless).await.is_err());
        let clone = tracer.clone();
        let panicking = tokio::spawn(async move {
            in_span(clone.internal("panicked").start(), |_| {
                std::future::poll_fn(|_| -> Poll<Result<(), Failure>> { panic!("as planned") })
            })
            .await
        });
        assert!(panicking.await.is_err());
        assert!(captured.span("cancelled").is_some());
        assert!(captured.span("panicked").is_some());
    }

    #[test]
    fn record_span_error_ends_the_span_and_nothing_changes_it_later() {
        let (tracer, captured) = start();
        let span = tracer.producer("trigger.dev", "handler", None).start();
        record_span_error(&span, &Failure::RateLimited(429));
        span.set("late", true);
        end_span(&span, Outcome::Ok);
        drop(span);
        let spans = captured.spans();
        assert_eq!(spans.len(), 1);
        assert_failed(&spans[0]);
        assert!(text(&spans[0], "late").is_none());
    }
}
