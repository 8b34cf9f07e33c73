//! The dashboard `distributed-tracing` and Grafana's provisioning: their shape, that every metric has a writer, and that every query answers
//! with data from a real Prometheus after one run of the shipped fixtures.
//!
//! Against Grafana's published types the dashboard is checked by `.ci/dashboard`.

mod board;
mod promql;
mod provisioning;
mod queries;
mod real;
mod shape;

use std::time::Duration;

use devstack::support::clock::Stopwatch;

pub(crate) use queries::check_queries;

/// Long enough for a busy machine; a test that waits this long has failed.
const DEADLINE: Duration = Duration::from_mins(1);

/// Asks until there is no objection; panics with the last one when the deadline is over.
async fn until(pause: Duration, mut ask: impl AsyncFnMut() -> Result<(), String>) {
    let watch = Stopwatch::start();
    while let Err(objection) = ask().await {
        assert!(watch.elapsed() < DEADLINE, "{objection}");
        tokio::time::sleep(pause).await;
    }
}
