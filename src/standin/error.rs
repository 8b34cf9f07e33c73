//! Why a stand-in could not start.
//!
//! Returned by every `bind` of this room; shown by `runtime` and `cli`.

use std::net::SocketAddr;

use crate::telemetry::TelemetryError;

/// Why a stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// The address could not be taken.
    #[error("the stand-in for {name} failed to listen on `{address}`")]
    Listen {
        /// For what it stands.
        name: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Its telemetry could not start.
    #[error("the stand-in for `{service}` failed to start its telemetry")]
    Telemetry {
        /// As which service it sends.
        service: String,
        /// Why.
        source: TelemetryError,
    },
    /// It would let nobody in.
    #[error(
        "the stand-in for the Trigger.dev API has no key to let callers in by: set `{variable}`, to the value that the caller has"
    )]
    NoKey {
        /// The variable of the secret.
        variable: &'static str,
    },
    /// Externals cannot be served as they are described.
    #[error("the externals cannot be served: {}", problems.join("; "))]
    Externals {
        /// What is wrong, a sentence each.
        problems: Vec<String>,
    },
}
