//! The table of paths, with the plain ones answered here.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri},
    response::IntoResponse,
    routing::get,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{ledger, not_yet, tempo, traffic};
use crate::{
    backend::{Feed, Ledger, TrafficHandle},
    model::{
        arrival::LEDGER_PATH,
        traffic::{TAIL_PATH, TRAFFIC_PATH},
    },
};

/// The version of Tempo whose API is spoken. Grafana switches features by it.
const TEMPO_VERSION: &str = "3.0.3";

/// What the paths share.
#[derive(Debug, Clone)]
pub(super) struct Api {
    /// What is asked.
    pub(super) ledger: Ledger,
    /// What went through.
    pub(super) traffic: TrafficHandle,
    /// What goes through.
    pub(super) feed: Feed,
    /// Ends held answers.
    pub(super) shutdown: CancellationToken,
}

/// All paths of the API.
pub(in crate::backend) fn router(ledger: Ledger, traffic: TrafficHandle, feed: Feed, shutdown: CancellationToken) -> Router {
    not_yet::routes()
        .route("/ready", get(ready))
        .route("/api/health", get(health))
        .route("/api/echo", get(|| async { "echo" }))
        .route("/api/status/buildinfo", get(buildinfo))
        .route("/api/traces/{id}", get(tempo::trace_by_id_v1))
        .route("/api/v2/traces/{id}", get(tempo::trace_by_id))
        .route(LEDGER_PATH, get(ledger::correlated))
        .route(&format!("{LEDGER_PATH}/traces"), get(ledger::beginning_with))
        .route(&format!("{LEDGER_PATH}/begun"), get(ledger::begun))
        .route(&format!("{LEDGER_PATH}/recent"), get(ledger::recent))
        .route(&format!("{LEDGER_PATH}/senders"), get(ledger::senders))
        .route(&format!("{LEDGER_PATH}/metrics"), get(ledger::metrics))
        .route(&format!("{LEDGER_PATH}/{{id}}"), get(ledger::view))
        .route(TRAFFIC_PATH, get(traffic::counters))
        .route(TAIL_PATH, get(traffic::tail))
        .fallback(unknown_path)
        .with_state(Api { ledger, traffic, feed, shutdown })
}

async fn ready(State(api): State<Api>) -> impl IntoResponse {
    if api.shutdown.is_cancelled() { (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n") } else { (StatusCode::OK, "ready\n") }
}

/// The same as [`ready`] under the path that monitors and front ends ask for, and with the version.
async fn health(State(api): State<Api>) -> impl IntoResponse {
    let (status, state) =
        if api.shutdown.is_cancelled() { (StatusCode::SERVICE_UNAVAILABLE, "shutting down") } else { (StatusCode::OK, "ready") };
    (status, Json(serde_json::json!({ "devstack": env!("CARGO_PKG_VERSION"), "state": state })))
}

/// The shape of `GET /api/status/buildinfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildInfo {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
}

async fn buildinfo() -> Json<BuildInfo> {
    Json(BuildInfo {
        version: TEMPO_VERSION,
        revision: concat!("devstack-", env!("CARGO_PKG_VERSION")),
        branch: "devstack",
        build_date: "",
        build_user: "",
        go_version: "",
    })
}

async fn unknown_path(uri: Uri) -> impl IntoResponse {
    (StatusCode::NOT_FOUND, format!("`{}` is not a path of this API\n", uri.path()))
}
