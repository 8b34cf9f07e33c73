//! `POST /api/v1/tasks/{id}/trigger`: the Trigger.dev HTTP API, as its SDK 3.3.17 speaks it (`medicalcor.md` 2.1).
//!
//! Called by `enqueue` of `api` and of tasks; hands runs to `queue`. An idempotency key is kept in Redis for a day and runs once.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::queue::Queue;
use crate::{
    demo::{
        http::{ApiError, json_body},
        names::TaskId,
        store::{Key, RedisError, RedisStore},
    },
    support::random,
    telemetry::{RequestTrace, Severity, Span, Telemetry},
    webhook::same_secret,
};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// What the endpoint needs.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) queue: Queue,
    pub(super) redis: RedisStore,
    pub(super) telemetry: Telemetry,
    /// The bearer token; empty lets nobody in.
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
struct Call {
    payload: String,
    #[serde(default)]
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    idempotency_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SuperJson {
    json: Map<String, Value>,
}

/// Accepts a run, or names the one that the key has already.
pub(super) async fn trigger(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(trace): Extension<RequestTrace>,
    Path(task): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    endpoint.authorize(&parts.headers)?;
    let task = TaskId::parse(&task).ok_or(ApiError::NoSuch("Task"))?;
    let call = json_body(&parts.headers, body).await?;
    let (payload, key) = read(&call)?;
    let run = format!("run_{}", const_hex::encode(random::bytes::<12>()));
    if let Some(first) = endpoint.first_run_of(key.as_deref(), &run, &trace.span).await? {
        return Ok(Json(json!({"id": first, "isCached": true})));
    }
    endpoint.queue.accept(run.clone(), task, payload);
    Ok(Json(json!({"id": run, "isCached": false})))
}

fn read(body: &[u8]) -> Result<(Map<String, Value>, Option<String>), ApiError> {
    let invalid = |_| ApiError::Validation("Invalid trigger request".to_owned());
    let call: Call = serde_json::from_slice(body).map_err(invalid)?;
    let payload: SuperJson = serde_json::from_str(&call.payload).map_err(invalid)?;
    Ok((payload.json, call.options.idempotency_key))
}

impl Endpoint {
    fn authorize(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = given.strip_prefix("Bearer ").unwrap_or_default();
        if !self.key.is_empty() && same_secret(&self.key, token) { Ok(()) } else { Err(ApiError::Unauthorized) }
    }

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
        assert!(read(br#"{"payload":{"json":{}}}"#).is_err());
        assert!(read(br#"{"payload":"[]"}"#).is_err());
    }
}
