//! The service itself: configuration, clients, stores, routes.
//!
//! Bound and run by `demo::run` or alone by `cli`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::post};
use tokio_util::sync::CancellationToken;

use super::{
    context::Worker,
    endpoint::{self, Endpoint},
    queue::Queue,
    tasks,
};
use crate::{
    demo::{
        clients::{ExternalClient, HubSpot, OpenAi, Stripe, WhatsApp, breaker::Breakers},
        config::{ServiceConfig, Stores},
        enqueue::TriggerClient,
        error::DemoError,
        foundation::Foundation,
        metrics,
        names::TRIGGER,
        store::{RedisStore, Sql},
    },
    standin::trigger::BearerKey,
    telemetry::Severity,
    webhook::{Secrets, secrets::TRIGGER_SECRET_KEY},
};

/// How long the queue may take to empty at shutdown. Longer than the longest chain of retries on the demo's clock.
const DRAIN_WITHIN: Duration = Duration::from_secs(15);

/// How the worker runs.
#[derive(Debug, Clone)]
pub struct TriggerConfig {
    /// What every service is told.
    pub service: ServiceConfig,
    /// Address of the externals: `http://host:port`; each service has its prefix there.
    pub externals_url: String,
    /// The secret of the Trigger endpoint.
    pub secrets: Secrets,
    /// Its database and Redis.
    pub stores: Stores,
}

/// The worker, listening.
#[derive(Debug)]
pub struct Trigger {
    foundation: Foundation,
    endpoint: Arc<Endpoint>,
    sql: Sql,
}

impl Trigger {
    /// Takes the port, starts telemetry and opens the stores.
    pub async fn bind(config: TriggerConfig) -> Result<Self, DemoError> {
        let foundation = Foundation::lay(TRIGGER, &config.service).await?;
        let telemetry = foundation.telemetry.clone();
        let metrics = Arc::clone(&foundation.metrics);
        let database = config.stores.database_url.as_deref();
        let sql = Sql::open(database, &tasks::SCHEMA, telemetry.tracer("database"), Arc::clone(&metrics))
            .await
            .map_err(|source| DemoError::Database { service: TRIGGER, source })?;
        let url = config.stores.redis_url.as_deref();
        let redis = RedisStore::open(url, TRIGGER, telemetry.tracer("redis"), metrics)
            .await
            .map_err(|source| DemoError::Redis { service: TRIGGER, source })?;
        let key = config.secrets.get(TRIGGER_SECRET_KEY).unwrap_or_default();
        let queue = Queue::new(Arc::new(worker(&foundation, &config, key, sql.clone())), config.service.clock);
        let endpoint = Endpoint { queue, redis, telemetry, key: BearerKey::of(&config.secrets) };
        Ok(Self { foundation, endpoint: Arc::new(endpoint), sql })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.foundation.address
    }

    /// Answers until `shutdown`; then every accepted run is brought to its end, retries and children included.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { foundation, endpoint, sql } = self;
        let router = Router::new().route("/api/v1/tasks/{id}/trigger", post(endpoint::trigger)).with_state(Arc::clone(&endpoint));
        let emptied = async {
            if tokio::time::timeout(DRAIN_WITHIN, endpoint.queue.drain()).await.is_err() {
                endpoint.telemetry.log(
                    Severity::Error,
                    "runs were left when the time to drain was over",
                    [("service", TRIGGER.into())],
                );
            }
        };
        // A request that was under way when the queue was empty may have brought one more run.
        foundation.run(router, shutdown, emptied, endpoint.queue.drain()).await;
        sql.close().await;
    }
}

fn worker(foundation: &Foundation, config: &TriggerConfig, key: &str, sql: Sql) -> Worker {
    let telemetry = &foundation.telemetry;
    let clock = config.service.clock;
    let breakers = Arc::new(Breakers::new(&["hubspot", "whatsapp", "openai", "stripe"], clock));
    metrics::publish_breakers(&telemetry.meter("medicalcor"), &breakers);
    let client = |service: &'static str, timeout| ExternalClient {
        service,
        base: format!("{}/{service}", config.externals_url.trim_end_matches('/')),
        timeout: Duration::from_secs(timeout),
        http: foundation.http.clone(),
        clock,
        breaker: breakers.of(service).expect("every client's breaker is made above"),
        telemetry: telemetry.clone(),
        tracer: telemetry.tracer(service),
        metrics: Arc::clone(&foundation.metrics),
        faults: config.service.faults.clone(),
    };
    let own = (format!("http://{}", foundation.address), key.to_owned());
    Worker {
        telemetry: telemetry.clone(),
        tracer: telemetry.tracer("trigger"),
        metrics: Arc::clone(&foundation.metrics),
        sql,
        hubspot: HubSpot(client("hubspot", 30)),
        whatsapp: WhatsApp(client("whatsapp", 30)),
        openai: OpenAi(client("openai", 60)),
        stripe: Stripe(client("stripe", 30)),
        trigger: TriggerClient::new(telemetry, foundation.http.clone(), own, clock, config.service.faults.clone()),
        faults: config.service.faults.clone(),
    }
}
