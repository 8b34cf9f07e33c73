//! Rate limits per caller and webhook type, counted in Redis over windows of a minute.
//!
//! Asked by `service` before a body is read. Without an answer from Redis a webhook is let through: losing one is worse.

use std::time::Duration;

use crate::{
    demo::{
        http::ApiError,
        names::ERROR_HANDLED,
        store::{Key, RedisError, RedisStore},
    },
    telemetry::{Context, KeyValue, Severity, Telemetry, TraceContextExt as _, attributes::ERROR_TYPE},
};

/// Length of a window.
const WINDOW: Duration = Duration::from_mins(1);

/// What kind of webhook is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WebhookKind {
    WhatsApp,
    Stripe,
    Crm,
}

/// The limits of one service.
#[derive(Debug)]
pub(super) struct RateLimits {
    redis: RedisStore,
    telemetry: Telemetry,
}

impl WebhookKind {
    fn word(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::Stripe => "stripe",
            Self::Crm => "crm",
        }
    }

    /// Requests per window and caller (`medicalcor.md` 2.1).
    fn limit(self) -> i64 {
        match self {
            Self::WhatsApp => 60,
            Self::Stripe => 20,
            Self::Crm => 30,
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::WhatsApp => "ratelimit:whatsapp:{ip}",
            Self::Stripe => "ratelimit:stripe:{ip}",
            Self::Crm => "ratelimit:crm:{ip}",
        }
    }
}

impl RateLimits {
    pub(super) fn new(redis: RedisStore, telemetry: Telemetry) -> Self {
        Self { redis, telemetry }
    }

    /// Counts a request of `caller`, and refuses it beyond the limit.
    pub(super) async fn check(&self, kind: WebhookKind, caller: &str) -> Result<(), ApiError> {
        let name = format!("ratelimit:{}:{caller}", kind.word());
        let key = Key { template: kind.template(), name: &name };
        match self.count(key).await {
            Ok(count) if count > kind.limit() => {
                let left = self.redis.seconds_left(key).await.unwrap_or_default();
                Err(ApiError::RateLimited { retry_after: u64::try_from(left).unwrap_or(WINDOW.as_secs()).max(1) })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.let_through(&error);
                Ok(())
            }
        }
    }

    /// The key is made with its end of life before it is counted up, so that no crash leaves one that never ends.
    async fn count(&self, key: Key<'_>) -> Result<i64, RedisError> {
        self.redis.set_new(key, "0", WINDOW).await?;
        self.redis.increment(key).await
    }

    fn let_through(&self, error: &RedisError) {
        Context::current().span().add_event(ERROR_HANDLED, vec![KeyValue::new(ERROR_TYPE, "RedisError")]);
        self.telemetry.log(Severity::Warn, error.to_string(), [("limit", "not counted".into())]);
    }
}
