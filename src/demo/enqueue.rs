//! Triggering a task over the Trigger.dev HTTP API: producer span, context in the payload, call with retries.
//!
//! Used by the routes of `api` and by tasks that trigger a child; answered by the Trigger endpoint of `trigger`.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    faults::{Fault, Faults},
    idempotency,
    names::{TRIGGER, TaskId},
};
use crate::{
    support::clock::TimerClock,
    telemetry::{
        Carrier, Context, Outcome, Span, Telemetry, Tracer,
        attributes::{
            ERROR_TYPE, HTTP_STATUS_CODE, IDEMPOTENCY_KEY, TRIGGER_TASK_DEDUPLICATED, TRIGGER_TASK_HANDLE_ID, TRIGGER_TASK_NAME,
        },
        create_webhook_trace_context, end_span, inject_trace_context,
    },
};

/// Version of the SDK whose transport this is.
const SDK_VERSION: &str = "3.3.17";
/// Calls of one enqueue at most; the idempotency key makes the repetition safe.
const MOST_TRIES: u32 = 3;
/// First wait between calls; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// True time one call gets.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a task could not be triggered.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The endpoint did not answer.
    #[error("failed to trigger `{task}`: the endpoint did not answer")]
    Unreachable {
        /// Id of the task.
        task: &'static str,
        /// Why; without the address.
        source: reqwest::Error,
    },
    /// The endpoint answered with an error.
    #[error("failed to trigger `{task}`: the endpoint answered {status}")]
    Refused {
        /// Id of the task.
        task: &'static str,
        /// Its answer.
        status: StatusCode,
    },
}

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Enqueue<'a> {
    pub(crate) task: TaskId,
    /// What `messaging.message_id` says: the provider's id of the thing.
    pub(crate) message_id: &'a str,
    pub(crate) idempotency_key: String,
    pub(crate) correlation_id: &'a str,
    pub(crate) payload: Map<String, Value>,
}

/// The endpoint's answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Handle {
    /// Id of the run; of the first one, where the key was known already.
    pub(crate) id: String,
    /// The key was known: no new run.
    #[serde(rename = "isCached", default)]
    pub(crate) cached: bool,
}

/// The client of a Trigger endpoint.
#[derive(Debug, Clone)]
pub(crate) struct TriggerClient {
    pub(crate) base: String,
    pub(crate) key: String,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: TimerClock,
    pub(crate) tracer: Tracer,
    pub(crate) faults: Faults,
}

/// Producers that [`Fault::ProducerLeak`] keeps from ending; ending happens on drop, so they must live as long as the process.
static LEAKED: Mutex<Vec<Span>> = Mutex::new(Vec::new());

impl EnqueueError {
    /// Few words for `error.type`.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "TriggerUnreachable",
            Self::Refused { .. } => "TriggerRefused",
        }
    }

    fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => status.is_server_error(),
        }
    }
}

impl TriggerClient {
    /// The client of the endpoint at `base`, with the tracer and faults of the service that calls.
    pub(crate) fn new(
        telemetry: &Telemetry,
        http: reqwest::Client,
        (base, key): (String, String),
        clock: TimerClock,
        faults: Faults,
    ) -> Self {
        Self { base, key, http, clock, tracer: telemetry.tracer("trigger-client"), faults }
    }

    /// Hands a run over: PRODUCER under `parent`, its context in the payload, the call below it.
    pub(crate) async fn trigger(&self, parent: &Context, enqueue: Enqueue<'_>) -> Result<Handle, EnqueueError> {
        let producer = self.start_producer(parent, &enqueue);
        let body = self.body(parent, &producer, &enqueue);
        let result = producer.run(self.post_until_accepted(&enqueue, &body)).await;
        match &result {
            Ok(handle) => {
                producer.set(TRIGGER_TASK_HANDLE_ID, handle.id.clone());
                producer.set_some(TRIGGER_TASK_DEDUPLICATED, handle.cached.then_some(true));
                producer.set_outcome(Outcome::Ok);
            }
            Err(error) => producer.record_error_as(error.class(), error),
        }
        if self.faults.has(Fault::ProducerLeak) {
            LEAKED.lock().unwrap_or_else(PoisonError::into_inner).push(producer);
        } else {
            producer.end();
        }
        result
    }

    fn start_producer(&self, parent: &Context, enqueue: &Enqueue<'_>) -> Span {
        self.tracer
            .producer("trigger.dev", enqueue.task.id(), Some(enqueue.message_id))
            .correlation_id(enqueue.correlation_id)
            .with(TRIGGER_TASK_NAME, enqueue.task.id())
            .with(IDEMPOTENCY_KEY, enqueue.idempotency_key.clone())
            .under(parent)
            .start()
    }

    /// The body of the call: a super-JSON payload that names the producer as the parent of the run.
    fn body(&self, parent: &Context, producer: &Span, enqueue: &Enqueue<'_>) -> Value {
        let injected = if self.faults.has(Fault::InjectEarly) { parent } else { producer.context() };
        let mut carrier = create_webhook_trace_context(injected, enqueue.correlation_id);
        if self.faults.has(Fault::ContextLost) {
            carrier = Carrier { traceparent: None, tracestate: None, ..carrier };
        }
        let mut payload = enqueue.payload.clone();
        carrier.inject_into(&mut payload);
        json!({
            "payload": json!({"json": payload}).to_string(),
            "options": {
                "payloadType": "application/super+json",
                "idempotencyKey": idempotency::wire_key(&enqueue.idempotency_key),
            },
        })
    }

    async fn post_until_accepted(&self, enqueue: &Enqueue<'_>, body: &Value) -> Result<Handle, EnqueueError> {
        let mut backoff = FIRST_BACKOFF;
        let mut left = MOST_TRIES;
        loop {
            left -= 1;
            match self.post(enqueue, body).await {
                Err(error) if error.is_passing() && left > 0 => self.clock.wait(backoff).await,
                result => return result,
            }
            backoff *= 2;
        }
    }

    /// One call in a CLIENT span.
    async fn post(&self, enqueue: &Enqueue<'_>, body: &Value) -> Result<Handle, EnqueueError> {
        let task = enqueue.task.id();
        let path = format!("/api/v1/tasks/{task}/trigger");
        let span = self.tracer.client("POST", &path, TRIGGER).start();
        let result = span.run(self.exchange(&span, &path, enqueue, body)).await;
        match &result {
            Ok(_) => end_span(&span, Outcome::Ok),
            Err(EnqueueError::Refused { status, .. }) => {
                span.set(ERROR_TYPE, status.as_str().to_owned());
                end_span(&span, Outcome::error(format!("HTTP {}", status.as_u16())));
            }
            Err(error) => {
                span.record_error_as(error.class(), error);
                span.end();
            }
        }
        result
    }

    async fn exchange(&self, span: &Span, path: &str, enqueue: &Enqueue<'_>, body: &Value) -> Result<Handle, EnqueueError> {
        let task = enqueue.task.id();
        let unreachable = |source: reqwest::Error| EnqueueError::Unreachable { task, source: source.without_url() };
        let mut headers = HeaderMap::new();
        inject_trace_context(span.context(), Some(enqueue.correlation_id), &mut headers);
        let answer = self
            .http
            .post(format!("{}{path}", self.base))
            .headers(headers)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header("trigger-version", SDK_VERSION)
            .timeout(TIMEOUT)
            .json(body)
            .send()
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        span.set(HTTP_STATUS_CODE, i64::from(status.as_u16()));
        if !status.is_success() {
            return Err(EnqueueError::Refused { task, status });
        }
        answer.json().await.map_err(unreachable)
    }
}
