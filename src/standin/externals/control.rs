//! The control API of the externals: `PUT`, `GET` and `DELETE /_devstack/scripts/{key}`, and `GET /_devstack/calls`.
//!
//! Called by `replay` (the `given:` of a fixture) and by tests.
//!
//! ```text
//! PUT /_devstack/scripts/4bf9…  {"hubspot": [{"status": 429, "retry_after_ms": 1000}, {"status": 200}], "openai": [{"reset": true}]}
//! PUT /_devstack/scripts/4bf9…?also=c-1,*   and calls that bring `c-1`, and calls that bring no key at all
//! GET /_devstack/scripts/4bf9…  {"calls": {"hubspot": 3}, "remaining": {"hubspot": 0, "openai": 1}}
//! GET /_devstack/calls          {"calls": {"hubspot": 9}, "unmatched": {"hubspot": 1}, "strangers": 0}
//! ```

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Totals,
    script::{Calls, Script},
    server::Shared,
};
use crate::support::suggest;

type Refusal = (StatusCode, Json<Value>);

/// The routes.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_devstack/scripts/{key}", get(read).put(write).delete(forget))
        .route("/_devstack/calls", get(totals))
        .with_state(shared)
}

/// Further keys of a script, between commas.
#[derive(Debug, Deserialize)]
struct Further {
    #[serde(default)]
    also: String,
}

async fn write(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    Query(Further { also }): Query<Further>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let script: Script = serde_json::from_slice(&body).map_err(|error| refusal(&format!("invalid script: {error}")))?;
    let known = shared.answering.names();
    if let Some(stranger) = script.0.keys().find(|service| !known.contains(&service.as_str())) {
        let hint = suggest::nearest(stranger, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        return Err(refusal(&format!("unknown service `{stranger}`{hint}")));
    }
    let steps = script.0.values().flatten();
    if let Some(status) = steps.filter_map(|step| step.status).find(|status| !(200..=599).contains(status)) {
        return Err(refusal(&format!("invalid status `{status}`, expected 200 to 599")));
    }
    shared.scripts.put(&key, &also.split(',').collect::<Vec<_>>(), script);
    Ok(StatusCode::NO_CONTENT)
}

async fn read(State(shared): State<Arc<Shared>>, Path(key): Path<String>) -> Json<Calls> {
    Json(shared.scripts.calls(&key).unwrap_or_default())
}

async fn forget(State(shared): State<Arc<Shared>>, Path(key): Path<String>) -> StatusCode {
    if shared.scripts.delete(&key) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn totals(State(shared): State<Arc<Shared>>) -> Json<Totals> {
    Json(shared.scripts.totals())
}

fn refusal(message: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, Json(json!({"message": message})))
}
