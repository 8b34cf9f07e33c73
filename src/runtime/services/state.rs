//! How a service is, for `status`.
//!
//! Made by `group` of what it runs, and from the book of what others run.

use super::{Alive, process::End};

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceState {
    /// Its name in commands.
    pub name: String,
    /// Its name in traces.
    pub otel_name: String,
    /// Its process.
    pub pid: u32,
    /// Its address.
    pub url: Option<String>,
    /// When it was started, in seconds since the Unix epoch.
    pub since: i64,
    /// How it ended; `None` while it runs.
    pub end: Option<End>,
    /// Who runs it, where that is not the stack: `devstack run (pid 812)`.
    pub by: Option<String>,
}

impl From<Alive> for ServiceState {
    fn from(alive: Alive) -> Self {
        Self {
            name: alive.name,
            otel_name: alive.service,
            pid: alive.pid,
            url: alive.url,
            since: (alive.started_ns / 1_000_000_000) as i64,
            end: None,
            by: Some(format!("devstack {} (pid {})", alive.by.kind, alive.by.pid)),
        }
    }
}
