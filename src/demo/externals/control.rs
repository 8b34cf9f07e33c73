//! The control API of the externals: `PUT`, `GET` and `DELETE /_devstack/scripts/{key}`.
//!
//! Called by `replay` (the `given:` of a fixture) and by tests.
//!
//! ```text
//! PUT /_devstack/scripts/4bf9…  {"hubspot": [{"status": 429, "retry_after_ms": 1000}, {"status": 200}], "openai": [{"reset": true}]}
//! GET /_devstack/scripts/4bf9…  {"calls": {"hubspot": 3}, "remaining": {"hubspot": 0, "openai": 1}}
//! ```

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::get,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answers::SERVICES,
    script::{Calls, Script, Scripts},
};
use crate::support::suggest;

type Refusal = (StatusCode, Json<Value>);

/// The routes.
pub(super) fn routes(scripts: Arc<Scripts>) -> Router {
    Router::new().route("/_devstack/scripts/{key}", get(read).put(write).delete(forget)).with_state(scripts)
}

async fn write(State(scripts): State<Arc<Scripts>>, Path(key): Path<String>, body: Bytes) -> Result<StatusCode, Refusal> {
    let script: Script = serde_json::from_slice(&body).map_err(|error| refusal(&format!("invalid script: {error}")))?;
    if let Some(stranger) = script.0.keys().find(|service| !SERVICES.contains(&service.as_str())) {
        let hint = suggest::nearest(stranger, SERVICES).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        return Err(refusal(&format!("unknown service `{stranger}`{hint}")));
    }
    let steps = script.0.values().flatten();
    if let Some(status) = steps.filter_map(|step| step.status).find(|status| !(200..=599).contains(status)) {
        return Err(refusal(&format!("invalid status `{status}`, expected 200 to 599")));
    }
    scripts.put(&key, script);
    Ok(StatusCode::NO_CONTENT)
}

async fn read(State(scripts): State<Arc<Scripts>>, Path(key): Path<String>) -> Json<Calls> {
    Json(scripts.calls(&key).unwrap_or_default())
}

async fn forget(State(scripts): State<Arc<Scripts>>, Path(key): Path<String>) -> StatusCode {
    if scripts.delete(&key) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

fn refusal(message: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, Json(json!({"message": message})))
}
