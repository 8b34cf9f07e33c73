//! What a task has at hand: the worker's clients and stores, and the attempt it runs in.
//!
//! The worker is made by `service` at bind; the attempt by `queue` for each attempt.

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::error::TaskError;
use crate::{
    demo::{
        clients::{Caller, HubSpot, OpenAi, Stripe, WhatsApp},
        enqueue::{Enqueue, Handle, TriggerClient},
        faults::{Fault, Faults},
        metrics::Metrics,
        names::{ERROR_HANDLED, TaskId},
        store::Sql,
    },
    support::clock::Stopwatch,
    telemetry::{
        KeyValue, Severity, Span, Telemetry, Tracer,
        attributes::{ERROR_TYPE, LEAD_SCORE},
    },
};

/// What all tasks share.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) telemetry: Telemetry,
    pub(super) tracer: Tracer,
    pub(super) metrics: Arc<Metrics>,
    pub(super) sql: Sql,
    pub(super) hubspot: HubSpot,
    pub(super) whatsapp: WhatsApp,
    pub(super) openai: OpenAi,
    pub(super) stripe: Stripe,
    pub(super) trigger: TriggerClient,
    pub(super) faults: Faults,
}

/// One attempt of a run.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) worker: Arc<Worker>,
    pub(super) task: TaskId,
    /// The CONSUMER span.
    pub(super) span: Span,
    pub(super) correlation_id: String,
    pub(super) payload: Arc<Map<String, Value>>,
    pub(super) watch: Stopwatch,
}

impl Attempt {
    /// On whose behalf externals are called.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { correlation_id: &self.correlation_id }
    }

    /// The payload as the task takes it.
    pub(super) fn payload<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        let wrap = |source| TaskError::Payload { task: self.task.id(), source };
        serde_json::from_value(Value::Object(Map::clone(&self.payload))).map_err(wrap)
    }

    /// Whether a deliberate fault is on.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.worker.faults.has(fault)
    }

    /// Says that an error was caught on purpose and the work goes on without what failed.
    pub(super) fn handled(&self, span: &Span, what: &'static str, error: &dyn fmt::Display, class: &'static str) {
        if self.has(Fault::SwallowedError) {
            return;
        }
        span.event(ERROR_HANDLED, [KeyValue::new("operation", what), KeyValue::new(ERROR_TYPE, class)]);
        self.worker.telemetry.log(Severity::Warn, error.to_string(), [("operation", what.into())]);
    }

    /// Sets the score: an integer, except under the fault that is about just that.
    pub(super) fn set_score(&self, span: &Span, score: i64) {
        if self.has(Fault::WrongAttributeType) {
            span.set(LEAD_SCORE, score.to_string());
        } else {
            span.set(LEAD_SCORE, score);
        }
    }

    /// Milliseconds since the attempt began.
    pub(super) fn duration_ms(&self) -> i64 {
        self.watch.elapsed().as_millis() as i64
    }

    /// Triggers a child task, below this attempt's span.
    pub(super) async fn trigger_child(
        &self,
        task: TaskId,
        message_id: &str,
        idempotency_key: String,
        payload: &impl Serialize,
    ) -> Result<Handle, TaskError> {
        let Ok(Value::Object(payload)) = serde_json::to_value(payload) else {
            unreachable!("payloads are structs of JSON values")
        };
        let enqueue = Enqueue { task, message_id, idempotency_key, correlation_id: &self.correlation_id, payload };
        Ok(self.worker.trigger.trigger(self.span.context(), enqueue).await?)
    }
}
