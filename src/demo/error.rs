//! Why a demo service could not start.
//!
//! Returned by every `bind`; shown by `cli`.

use std::net::SocketAddr;

use super::store::{RedisError, SqlError};
use crate::{standin::StandInError, telemetry::TelemetryError};

/// Why a demo service could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The address could not be taken.
    #[error("{service} failed to listen on `{address}`")]
    Listen {
        /// Which service.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Its telemetry could not start.
    #[error("{service} failed to start its telemetry")]
    Telemetry {
        /// Which service.
        service: &'static str,
        /// Why.
        source: TelemetryError,
    },
    /// Its database could not be opened.
    #[error("{service} failed to open its database")]
    Database {
        /// Which service.
        service: &'static str,
        /// Why.
        source: SqlError,
    },
    /// Its Redis could not be reached.
    #[error("{service} failed to open its redis")]
    Redis {
        /// Which service.
        service: &'static str,
        /// Why.
        source: RedisError,
    },
    /// The HTTP client could not be made.
    #[error("{service} failed to make its HTTP client")]
    Client {
        /// Which service.
        service: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// The externals could not start.
    #[error("externals failed to start")]
    Externals(#[source] StandInError),
}
