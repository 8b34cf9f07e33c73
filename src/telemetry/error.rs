//! What can go wrong with telemetry: settings that make no sense, exporters that cannot be built, data that could not be handed over.
//!
//! Made by `environment`, `exporters` and `service`; shown by whoever starts a service.

use std::fmt;
use std::time::Duration;

/// One variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    /// Name of the variable.
    pub name: &'static str,
    /// Its value; masked where it may hold a secret.
    pub value: String,
    /// What would be allowed, in words.
    pub allowed: String,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}={}`: allowed is {}", self.name, self.value, self.allowed)
    }
}

/// All variables whose values cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the telemetry settings cannot be used: {}", .0.len(), join(.0))]
pub struct InvalidSettings(pub Vec<InvalidSetting>);

fn join(settings: &[InvalidSetting]) -> String {
    settings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why telemetry could not start, or could not hand over everything it held.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `Telemetry::start` was called outside a Tokio runtime, which the exporters need.
    #[error("cannot start telemetry of `{service}` outside a Tokio runtime")]
    NoRuntime {
        /// `service.name`.
        service: String,
    },
    /// The HTTP client of the exporters could not be built.
    #[error("cannot build the HTTP client that exports to `{endpoint}`")]
    HttpClient {
        /// Where it would have sent to.
        endpoint: String,
        /// Why.
        source: reqwest::Error,
    },
    /// An exporter could not be built.
    #[error("cannot build the exporter of {signal} to `{endpoint}`")]
    Exporter {
        /// `traces`, `metrics` or `logs`.
        signal: &'static str,
        /// Where it would have sent to.
        endpoint: String,
        /// Why.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Some of what was held could not be handed over.
    #[error("cannot hand over telemetry of `{service}`: {reason}")]
    NotHandedOver {
        /// `service.name`.
        service: String,
        /// What the exporters said, per signal.
        reason: String,
    },
    /// The receiver took too long.
    #[error("telemetry of `{service}` was not handed over within {within:?}")]
    Late {
        /// `service.name`.
        service: String,
        /// The bound that was given.
        within: Duration,
    },
}
