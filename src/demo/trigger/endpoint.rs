//! `POST /api/v1/tasks/{id}/trigger`: the Trigger.dev HTTP API, as its SDK 3.3.17 speaks it (`medicalcor.md` 2.1).
//!
//! Called by `enqueue` of `api` and of tasks; hands runs to `queue`. An idempotency key is kept in Redis for a day and runs once.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
};
use serde_json::{Map, Value, json};

use super::queue::Queue;
use crate::{
    demo::{
        http::{ApiError, json_body},
        names::TaskId,
        store::{Key, RedisError, RedisStore},
    },
    standin::trigger::{BearerKey, Call, new_id},
    telemetry::{RequestTrace, Severity, Span, Telemetry},
};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// What the endpoint needs.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) queue: Queue,
    pub(super) redis: RedisStore,
    pub(super) telemetry: Telemetry,
    /// The bearer token.
    pub(super) key: BearerKey,
}

/// Accepts a run, or names the one that the key has already.
pub(super) async fn trigger(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(trace): Extension<RequestTrace>,
    Path(task): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    if !endpoint.key.authorizes(&parts.headers) {
        return Err(ApiError::Unauthorized);
    }
    let task = TaskId::parse(&task).ok_or(ApiError::NoSuch("Task"))?;
    let call = json_body(&parts.headers, body).await?;
    let (payload, key) = read(&call)?;
    let run = new_id("run");
    if let Some(first) = endpoint.first_run_of(key.as_deref(), &run, &trace.span).await? {
        return Ok(Json(json!({"id": first, "isCached": true})));
    }
    endpoint.queue.accept(run.clone(), task, payload);
    Ok(Json(json!({"id": run, "isCached": false})))
}

/// The payload's fields, which every task here needs, and the idempotency key.
fn read(body: &[u8]) -> Result<(Map<String, Value>, Option<String>), ApiError> {
    let call = Call::read(body).map_err(|error| ApiError::Validation(error.to_string()))?;
    let fields = call.fields.ok_or_else(|| ApiError::Validation("Invalid payload: expected an object".to_owned()))?;
    Ok((fields, call.idempotency_key))
}

impl Endpoint {
    /// The run that has this key already; `None` when the key is now `run`'s.
    async fn first_run_of(&self, key: Option<&str>, run: &str, span: &Span) -> Result<Option<String>, ApiError> {
        let Some(key) = key else { return Ok(None) };
        self.claim(key, run).await.map_err(|error| {
            span.record_error_as("RedisError", &error);
            self.telemetry.log(Severity::Error, error.to_string(), [("route", "/api/v1/tasks/{id}/trigger".into())]);
            ApiError::Internal
        })
    }

    async fn claim(&self, key: &str, run: &str) -> Result<Option<String>, RedisError> {
        let name = format!("idempotency:{key}");
        let key = Key { template: "idempotency:{key}", name: &name };
        loop {
            if self.redis.set_new(key, run, REMEMBERED).await? {
                return Ok(None);
            }
            // Between the two commands the key can come to its end; then it is free again.
            if let Some(first) = self.redis.get(key).await? {
                return Ok(Some(first));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_payload_is_super_json_inside_json() {
        let (payload, key) = read(
            br#"{"payload":"{\"json\":{\"a\":1}}","options":{"payloadType":"application/super+json","idempotencyKey":"k"}}"#,
        )
        .unwrap();
        assert_eq!((payload["a"].as_i64(), key.as_deref()), (Some(1), Some("k")));
        assert!(read(br#"{"payload":"{}","options":{"payloadType":"application/super+json"}}"#).is_err());
        assert!(read(br#"{"payload":[]}"#).is_err(), "a task takes fields");
    }
}
