//! The service itself: configuration, stores, routes, and what handlers share.
//!
//! Bound and run by `demo::run` or alone by `cli`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use serde_json::{Map, Value};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    crm, leads,
    limits::{RateLimits, WebhookKind},
    stripe, whatsapp,
};
use crate::{
    demo::{
        config::{ServiceConfig, Stores},
        enqueue::{Enqueue, TriggerClient},
        error::DemoError,
        foundation::Foundation,
        http::{ApiError, json_body},
        metrics::Metrics,
        names::{API, TaskId},
        store::{RedisStore, Sql},
    },
    support::clock,
    telemetry::{RequestTrace, Severity, Telemetry},
    webhook::{self, Provider, Secrets, SignatureError, secrets::TRIGGER_SECRET_KEY, verify},
};

/// How the API runs.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// What every service is told.
    pub service: ServiceConfig,
    /// Address of `medicalcor-trigger`: `http://host:port`.
    pub trigger_url: String,
    /// Secrets of the webhooks and of the Trigger endpoint.
    pub secrets: Secrets,
    /// Its database and Redis.
    pub stores: Stores,
}

/// The API, listening.
#[derive(Debug)]
pub struct Api {
    foundation: Foundation,
    state: Arc<ApiState>,
}

/// What handlers share.
#[derive(Debug)]
pub(super) struct ApiState {
    pub(super) telemetry: Telemetry,
    pub(super) metrics: Arc<Metrics>,
    pub(super) secrets: Secrets,
    pub(super) sql: Sql,
    pub(super) limits: RateLimits,
    trigger: TriggerClient,
    background: TaskTracker,
}

/// A webhook as it came: raw bytes and what is needed to check them.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) trace: RequestTrace,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A run to trigger.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) task: TaskId,
    /// The provider's id of what the run is about.
    pub(super) message_id: String,
    pub(super) idempotency_key: String,
    pub(super) payload: Map<String, Value>,
}

impl Api {
    /// Takes the port, starts telemetry and opens the stores.
    pub async fn bind(config: ApiConfig) -> Result<Self, DemoError> {
        let foundation = Foundation::lay(API, &config.service).await?;
        let telemetry = foundation.telemetry.clone();
        let metrics = Arc::clone(&foundation.metrics);
        let database = config.stores.database_url.as_deref();
        let sql = Sql::open(database, &leads::SCHEMA, telemetry.tracer("database"), Arc::clone(&metrics))
            .await
            .map_err(|source| DemoError::Database { service: API, source })?;
        let redis = RedisStore::open(config.stores.redis_url.as_deref(), API, telemetry.tracer("redis"), Arc::clone(&metrics))
            .await
            .map_err(|source| DemoError::Redis { service: API, source })?;
        let key = config.secrets.get(TRIGGER_SECRET_KEY).unwrap_or_default().to_owned();
        let http = foundation.http.clone();
        let faults = config.service.faults.clone();
        let trigger = TriggerClient::new(&telemetry, http, (config.trigger_url, key), config.service.clock, faults);
        let limits = RateLimits::new(redis, telemetry.clone());
        let background = TaskTracker::new();
        let state = ApiState { telemetry, metrics, secrets: config.secrets, sql, limits, trigger, background };
        Ok(Self { foundation, state: Arc::new(state) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.foundation.address
    }

    /// Answers until `shutdown`; then what was answered at once and is still being handed over is finished.
    pub async fn run(self, shutdown: CancellationToken) {
        let state = Arc::clone(&self.state);
        let router = Router::new()
            .route("/webhooks/whatsapp", get(whatsapp::verify_subscription).post(whatsapp::receive))
            .route("/webhooks/stripe", post(stripe::receive))
            .route("/webhooks/crm", post(crm::receive))
            .route("/leads/{id}", get(leads::read))
            .with_state(Arc::clone(&state));
        let handed_over = async {
            state.background.close();
            state.background.wait().await;
        };
        self.foundation.run(router, shutdown, async {}, handed_over).await;
        state.sql.close().await;
    }
}

impl ApiState {
    /// Takes a webhook in: rate limit first, then its body.
    pub(super) async fn accept(&self, kind: WebhookKind, request: Request) -> Result<Delivery, ApiError> {
        let (parts, body) = request.into_parts();
        self.limits.check(kind, &caller_of(&parts)).await?;
        let trace = parts.extensions.get::<RequestTrace>().cloned().ok_or(ApiError::Internal)?;
        let body = json_body(&parts.headers, body).await?;
        Ok(Delivery { trace, headers: parts.headers, body })
    }

    /// Checks the signature over the raw bytes. What is wrong with it goes to the log and not to the caller.
    pub(super) fn verify(&self, provider: &Provider, delivery: &Delivery) -> Result<(), ApiError> {
        let parts = webhook::Parts { body: &delivery.body, unix_seconds: clock::unix_seconds(), ..webhook::Parts::default() };
        verify(provider, &self.secrets, &delivery.headers, &parts).map_err(|error| {
            self.telemetry.log(Severity::Warn, error.to_string(), [("provider", provider.name().to_owned().into())]);
            match error {
                SignatureError::SecretUnset { .. } => ApiError::NotConfigured,
                _ => ApiError::Signature,
            }
        })
    }

    /// Triggers runs after the answer: in the background, under a guard that the work report and the shutdown wait for.
    pub(super) fn enqueue_later(self: &Arc<Self>, trace: &RequestTrace, runs: Vec<Run>) {
        for run in runs {
            let (state, request) = (Arc::clone(self), trace.clone());
            let work = async move { state.enqueue(&request, run).await };
            self.telemetry.spawn(trace.context(), self.background.track_future(work));
        }
    }

    async fn enqueue(&self, request: &RequestTrace, run: Run) {
        let task = run.task;
        let enqueue = Enqueue {
            task,
            message_id: &run.message_id,
            idempotency_key: run.idempotency_key,
            correlation_id: &request.correlation_id,
            payload: run.payload,
        };
        match self.trigger.trigger(request.context(), enqueue).await {
            Ok(handle) => {
                self.telemetry.log(Severity::Info, "task triggered", [("task", task.id().into()), ("run", handle.id.into())]);
            }
            Err(error) => {
                self.metrics.error("queue", error.class());
                self.telemetry.log(Severity::Error, error.to_string(), [("task", task.id().into())]);
            }
        }
    }
}

/// The caller's address: the first of `X-Forwarded-For`, as behind the real system's proxy, else the peer's.
fn caller_of(parts: &Parts) -> String {
    let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let first = forwarded.and_then(|list| list.split(',').next()).and_then(|text| text.trim().parse::<IpAddr>().ok());
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    first.or(peer).map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}
