//! One service's telemetry, from start to shutdown.
//!
//! Started by a service with its `Settings`; handed by clone to everything that traces, counts or logs.

use std::future::Future;
use std::time::Duration;

use opentelemetry::logs::{AnyValue, Severity};
use opentelemetry::metrics::Meter;
use opentelemetry::{Context, Key};
use tokio::task::JoinHandle;

use super::error::TelemetryError;
use super::settings::Settings;
use super::tracer::Tracer;
use super::work::Work;

/// One service's tracer, meter and logger providers, and its account of its work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {}

impl Telemetry {
    /// Starts the exporters; needs a Tokio runtime. Nothing is sent yet, so a receiver that is not there is no error here.
    pub fn start(settings: &Settings) -> Result<Self, TelemetryError> {
        unimplemented!("{settings:?}")
    }

    /// `service.name`.
    pub fn service(&self) -> &str {
        unimplemented!()
    }

    /// `service.instance.id`.
    pub fn instance(&self) -> &str {
        unimplemented!()
    }

    /// The tracer of an instrumentation scope: `whatsapp-webhook`, `database`.
    pub fn tracer(&self, name: &'static str) -> Tracer {
        unimplemented!("{name}")
    }

    /// The meter of an instrumentation scope.
    pub fn meter(&self, name: &'static str) -> Meter {
        unimplemented!("{name}")
    }

    /// Emits a log record with the ids of the active span.
    pub fn log<K: Into<Key>, V: Into<AnyValue>>(
        &self,
        severity: Severity,
        body: impl Into<AnyValue>,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        let _ = (severity, body.into(), attributes.into_iter().count());
        unimplemented!()
    }

    /// What this service is doing, per trace.
    pub fn work(&self) -> &Work {
        unimplemented!()
    }

    /// Runs `work` in the background: under a guard of `context`'s trace from now until it is done, with `context` active. The task
    /// is awaited by [`Telemetry::shutdown`].
    pub fn spawn<F>(&self, context: &Context, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let _ = context;
        tokio::spawn(work)
    }

    /// Hands over everything that has ended so far; waits for the receiver's answer, at most for `within`.
    pub async fn flush(&self, within: Duration) -> Result<(), TelemetryError> {
        unimplemented!("{within:?}")
    }

    /// Waits for background work, hands over everything and stops; takes at most `within`. What ends later is not exported.
    pub async fn shutdown(&self, within: Duration) -> Result<(), TelemetryError> {
        unimplemented!("{within:?}")
    }
}
