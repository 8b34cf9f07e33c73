//! The ledger over HTTP, as `model::arrival` documents it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::routes::Api;
use crate::model::{
    LedgerView, TraceId,
    arrival::{CorrelatedTraces, LONGEST_WAIT_MS, MOST_RECENT, SenderList, SeriesList},
};

/// How long to hold an answer, and for what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wait {
    after: u64,
    wait_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ByCorrelation {
    correlation_id: String,
    #[serde(default)]
    after: usize,
    #[serde(default)]
    wait_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ByPrefix {
    prefix: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ByMoment {
    since_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Most {
    #[serde(default = "most_recent")]
    most: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct ByName {
    name: Option<String>,
}

/// `GET {LEDGER_PATH}/{trace id}`
pub(super) async fn view(State(api): State<Api>, Path(id): Path<String>, Query(wait): Query<Wait>) -> Response {
    let Some(trace) = TraceId::parse(&id) else {
        return (StatusCode::BAD_REQUEST, format!("`{id}` is not a trace id of 32 hex digits\n")).into_response();
    };
    let changed: Option<LedgerView> = held(&api, wait.wait_ms, api.ledger.wait_for_change(trace, wait.after)).await;
    Json(changed.unwrap_or_else(|| api.ledger.view(trace))).into_response()
}

/// `GET {LEDGER_PATH}?correlation_id=…`
pub(super) async fn correlated(State(api): State<Api>, Query(asked): Query<ByCorrelation>) -> Json<CorrelatedTraces> {
    let more = api.ledger.wait_for_correlated(&asked.correlation_id, asked.after);
    let changed: Option<CorrelatedTraces> = held(&api, asked.wait_ms, more).await;
    Json(changed.unwrap_or_else(|| api.ledger.correlated(&asked.correlation_id)))
}

/// `GET {LEDGER_PATH}/traces?prefix=…`
pub(super) async fn beginning_with(State(api): State<Api>, Query(asked): Query<ByPrefix>) -> Json<CorrelatedTraces> {
    Json(api.ledger.beginning_with(&asked.prefix.to_ascii_lowercase()))
}

/// `GET {LEDGER_PATH}/begun?since_ns=…`
pub(super) async fn begun(State(api): State<Api>, Query(asked): Query<ByMoment>) -> Json<CorrelatedTraces> {
    Json(api.ledger.begun_since(asked.since_ns))
}

/// `GET {LEDGER_PATH}/recent`
pub(super) async fn recent(State(api): State<Api>, Query(asked): Query<Most>) -> Json<CorrelatedTraces> {
    Json(api.ledger.recent(asked.most))
}

/// `GET {LEDGER_PATH}/senders`
pub(super) async fn senders(State(api): State<Api>) -> Json<SenderList> {
    Json(api.ledger.senders())
}

/// `GET {LEDGER_PATH}/metrics`
pub(super) async fn metrics(State(api): State<Api>, Query(asked): Query<ByName>) -> Json<SeriesList> {
    Json(api.ledger.metrics(asked.name.as_deref()))
}

/// Holds an answer until there is one, the time is over, or the backend shuts down; the last two are none.
async fn held<T>(api: &Api, wait_ms: u64, answer: impl Future<Output = T>) -> Option<T> {
    if wait_ms == 0 {
        return None;
    }
    let wait = Duration::from_millis(wait_ms.min(LONGEST_WAIT_MS));
    tokio::select! {
        answer = tokio::time::timeout(wait, answer) => answer.ok(),
        () = api.shutdown.cancelled() => None,
    }
}

fn most_recent() -> usize {
    MOST_RECENT
}
