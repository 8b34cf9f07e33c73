//! The Redis of a service: the real client, on the server of `REDIS_URL` or on one in the process, with a span per command.
//!
//! Opened by each service with its own key space (`<service>:…`); read by rate limits and idempotency.

use std::{sync::Arc, time::Duration};

use redis::{
    Cmd, FromRedisValue,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::resp::RedisServer;
use crate::{
    demo::{metrics::Metrics, names::STORE},
    support::clock::Stopwatch,
    telemetry::{Outcome, Tracer, end_span},
};

/// How long a command or a connection may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What went wrong with Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The embedded server could not listen.
    #[error("failed to start the embedded redis")]
    Embed(#[source] std::io::Error),
    /// The server could not be reached.
    #[error("failed to connect to redis")]
    Connect(#[source] redis::RedisError),
    /// A command failed.
    #[error("failed to run redis {command}: {source}")]
    Run {
        /// The command's name.
        command: &'static str,
        /// The client's error.
        source: redis::RedisError,
    },
}

/// The Redis of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RedisStore {
    connection: ConnectionManager,
    /// What every key of this service begins with.
    space: &'static str,
    embedded: Option<Arc<RedisServer>>,
    tracer: Tracer,
    metrics: Arc<Metrics>,
}

/// A key: what it is, and of which kind. Telemetry sees the kind only, because a key can hold an address or a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    /// Kind, as `redis.key` shows it: `ratelimit:whatsapp:{ip}`.
    pub(crate) template: &'static str,
    /// The key itself, without the service's prefix.
    pub(crate) name: &'a str,
}

impl RedisStore {
    /// Connects to `url`, or starts a server in the process and connects to that.
    pub(crate) async fn open(
        url: Option<&str>,
        space: &'static str,
        tracer: Tracer,
        metrics: Arc<Metrics>,
    ) -> Result<Self, RedisError> {
        let embedded = match url {
            Some(_) => None,
            None => Some(Arc::new(RedisServer::start().await.map_err(RedisError::Embed)?)),
        };
        let address = url.map_or_else(|| embedded.as_ref().map(|server| server.url()).unwrap_or_default(), str::to_owned);
        let client = redis::Client::open(address).map_err(RedisError::Connect)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connection = ConnectionManager::new_with_config(client, config).await.map_err(RedisError::Connect)?;
        Ok(Self { connection, space, embedded, tracer, metrics })
    }

    /// `SET key value NX EX seconds`: whether the key was new.
    pub(crate) async fn set_new(&self, key: Key<'_>, value: &str, life: Duration) -> Result<bool, RedisError> {
        let mut command = redis::cmd("SET");
        command.arg(self.full(key)).arg(value).arg("NX").arg("EX").arg(life.as_secs().max(1));
        Ok(self.run::<Option<String>>("SET", key, &command).await?.is_some())
    }

    /// `GET key`.
    pub(crate) async fn get(&self, key: Key<'_>) -> Result<Option<String>, RedisError> {
        self.run("GET", key, redis::cmd("GET").arg(self.full(key))).await
    }

    /// `INCR key`: the value after it.
    pub(crate) async fn increment(&self, key: Key<'_>) -> Result<i64, RedisError> {
        self.run("INCR", key, redis::cmd("INCR").arg(self.full(key))).await
    }

    /// `TTL key` in seconds; below zero when there is no key or no end.
    pub(crate) async fn seconds_left(&self, key: Key<'_>) -> Result<i64, RedisError> {
        self.run("TTL", key, redis::cmd("TTL").arg(self.full(key))).await
    }

    fn full(&self, key: Key<'_>) -> String {
        format!("{}:{}", self.space, key.name)
    }

    async fn run<T: FromRedisValue>(&self, name: &'static str, key: Key<'_>, command: &Cmd) -> Result<T, RedisError> {
        let span =
            self.tracer.redis(name, Some(key.template)).with_some(STORE, self.embedded.is_some().then_some("embedded")).start();
        let watch = Stopwatch::start();
        let mut connection = self.connection.clone();
        let result = span.run(command.query_async::<T>(&mut connection)).await;
        self.metrics.command(name, watch.elapsed());
        match result {
            Ok(value) => {
                end_span(&span, Outcome::Ok);
                Ok(value)
            }
            Err(source) => {
                let error = RedisError::Run { command: name, source };
                span.record_error_as("RedisError", &error);
                span.end();
                Err(error)
            }
        }
    }
}
