//! One service's telemetry, from start to shutdown.
//!
//! Started by a service with its `Settings`; handed by clone to everything that traces, counts or logs.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::SdkLogger;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::capture::Captured;
use super::error::TelemetryError;
use super::handover::beside_the_runtime;
use super::providers::Providers;
use super::settings::Settings;
use super::tracer::Tracer;
use super::work::Work;
use crate::support::clock::{self, Stopwatch};

/// One service's tracer, meter and logger providers, and its account of its work. Cheap to clone.
///
/// Call [`Telemetry::shutdown`] before the program ends. When the last clone and the last tracer are dropped instead, what is left is
/// handed over on the side, which the end of the program cuts short; meters that are still there count for nobody from then on.
#[derive(Debug, Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    service: String,
    instance: String,
    version: String,
    providers: Providers,
    logger: SdkLogger,
    work: Work,
    background: TaskTracker,
    /// Flushes take turns: each takes a place in the processors' queues.
    flush_turn: Mutex<()>,
    /// Ends the task that flushes on demand.
    _flusher: Option<DropGuard>,
}

impl Telemetry {
    /// Starts the exporters; needs a Tokio runtime. Nothing is sent yet, so a receiver that is not there is no error here.
    pub fn start(settings: &Settings) -> Result<Self, TelemetryError> {
        let work = Work::new(settings);
        if !settings.enabled {
            return Ok(Self::with(settings, Providers::disabled(), work, None));
        }
        if Handle::try_current().is_err() {
            return Err(TelemetryError::NoRuntime { service: settings.service.clone() });
        }
        let providers = Providers::exporting(settings, &work)?;
        let flusher = flush_on_demand(providers.clone(), work.clone());
        Ok(Self::with(settings, providers, work, Some(flusher)))
    }

    /// Keeps spans in memory instead of exporting anything, for tests of a service. Needs no runtime.
    pub fn start_capturing(settings: &Settings) -> (Self, Captured) {
        let captured = Captured::default();
        let work = Work::new(settings);
        let providers = Providers::capturing(settings, &work, captured.clone());
        (Self::with(settings, providers, work, None), captured)
    }

    fn with(settings: &Settings, providers: Providers, work: Work, flusher: Option<DropGuard>) -> Self {
        let logger = providers.logs.logger_with_scope(scope(&settings.service, &settings.version));
        let inner = Inner {
            service: settings.service.clone(),
            instance: settings.instance.clone(),
            version: settings.version.clone(),
            providers,
            logger,
            work,
            background: TaskTracker::new(),
            flush_turn: Mutex::default(),
            _flusher: flusher,
        };
        Self { inner: Arc::new(inner) }
    }

    /// `service.name`.
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// `service.instance.id`.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// The tracer of an instrumentation scope (`whatsapp-webhook`, `database`), in the service's version.
    pub fn tracer(&self, name: &str) -> Tracer {
        let scope = scope(name, &self.inner.version);
        let sdk = self.inner.providers.spans.as_ref().map(|provider| provider.tracer_with_scope(scope));
        Tracer::new(sdk, self.clone())
    }

    /// The meter of an instrumentation scope, in the service's version.
    pub fn meter(&self, name: &str) -> Meter {
        self.inner.providers.metrics.meter_with_scope(scope(name, &self.inner.version))
    }

    /// Emits a log record with the ids of the active span.
    pub fn log(
        &self,
        severity: Severity,
        body: impl Into<AnyValue>,
        attributes: impl IntoIterator<Item = (&'static str, AnyValue)>,
    ) {
        let mut record = self.inner.logger.create_log_record();
        record.set_timestamp(UNIX_EPOCH + Duration::from_nanos(clock::unix_nanos()));
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.set_body(body.into());
        record.add_attributes(attributes);
        self.inner.logger.emit(record);
    }

    /// What this service is doing, per trace.
    pub fn work(&self) -> &Work {
        &self.inner.work
    }

    /// Runs `work` in the background: under a guard of `context`'s trace from now until it is done, with `context` active. The task
    /// is awaited by [`Telemetry::shutdown`].
    pub fn spawn<F>(&self, context: &Context, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let guard = self.work().begin(context.span().span_context().trace_id(), None);
        let work = work.with_context(context.clone());
        self.inner.background.spawn(async move {
            let output = work.await;
            drop(guard);
            output
        })
    }

    /// Hands over everything that has ended so far; waits for the receiver's answer, at most for `within`.
    pub async fn flush(&self, within: Duration) -> Result<(), TelemetryError> {
        let flush = async {
            let _turn = self.inner.flush_turn.lock().await;
            self.inner.providers.flush().await
        };
        let result = tokio::time::timeout(within, flush).await;
        self.outcome(result, within)
    }

    /// Waits for background work, hands over everything and stops; takes at most `within`, of which background work may use half.
    /// What ends later is not exported.
    pub async fn shutdown(&self, within: Duration) -> Result<(), TelemetryError> {
        let watch = Stopwatch::start();
        self.inner.background.close();
        // Work that takes longer is cut off by the program's end; what it has done so far is still handed over.
        let _ = tokio::time::timeout(within / 2, self.inner.background.wait()).await;
        let left = within.saturating_sub(watch.elapsed());
        let result = tokio::time::timeout(left, self.inner.providers.shutdown()).await;
        self.inner.work.close();
        self.outcome(result, within)
    }

    fn outcome(
        &self,
        result: Result<Result<(), String>, tokio::time::error::Elapsed>,
        within: Duration,
    ) -> Result<(), TelemetryError> {
        let service = self.inner.service.clone();
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(TelemetryError::NotHandedOver { service, reason }),
            Err(_) => Err(TelemetryError::Late { service, within }),
        }
    }
}

impl Drop for Inner {
    /// The SDK shuts a provider down when its last clone is dropped, and blocks there until its task has answered. Dropped in a task,
    /// that would be a deadlock; so the last clones go to a thread of their own.
    fn drop(&mut self) {
        let providers = self.providers.clone();
        let _ = std::thread::Builder::new().name("telemetry-handover".to_owned()).spawn(move || {
            providers.shut_down_now();
        });
    }
}

impl Providers {
    async fn flush(&self) -> Result<(), String> {
        let Self { spans, metrics, logs } = self.clone();
        all_signals(
            beside_the_runtime(move || spans.map_or(Ok(()), |spans| spans.force_flush())),
            beside_the_runtime(move || metrics.force_flush()),
            beside_the_runtime(move || logs.force_flush()),
        )
        .await
    }

    async fn shutdown(&self) -> Result<(), String> {
        let Self { spans, metrics, logs } = self.clone();
        all_signals(
            beside_the_runtime(move || spans.map_or(Ok(()), |spans| spans.shutdown())),
            beside_the_runtime(move || metrics.shutdown()),
            beside_the_runtime(move || logs.shutdown()),
        )
        .await
    }

    fn shut_down_now(&self) {
        let _ = self.spans.as_ref().map(opentelemetry_sdk::trace::SdkTracerProvider::shutdown);
        let _ = self.logs.shutdown();
        let _ = self.metrics.shutdown();
    }
}

/// Waits for all three together, so that one receiver that hangs does not keep the other signals waiting.
async fn all_signals(
    spans: impl Future<Output = OTelSdkResult>,
    metrics: impl Future<Output = OTelSdkResult>,
    logs: impl Future<Output = OTelSdkResult>,
) -> Result<(), String> {
    let (spans, metrics, logs) = tokio::join!(spans, metrics, logs);
    let failures: Vec<String> = [("traces", spans), ("metrics", metrics), ("logs", logs)]
        .into_iter()
        .filter_map(|(signal, result)| result.err().map(|error| format!("{signal}: {error}")))
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// The task that flushes spans when a judge waits for them. Wishes that come while it is busy are one.
fn flush_on_demand(providers: Providers, work: Work) -> DropGuard {
    let end = CancellationToken::new();
    let ended = end.clone();
    tokio::spawn(ended.run_until_cancelled_owned(async move {
        loop {
            work.flush_wanted().await;
            if let Some(spans) = providers.spans.clone().filter(|_| work.accounts().waiting() > 0) {
                // A failed export is in the accounts already.
                let _ = beside_the_runtime(move || spans.force_flush()).await;
            }
        }
    }));
    end.drop_guard()
}

fn scope(name: &str, version: &str) -> InstrumentationScope {
    InstrumentationScope::builder(name.to_owned()).with_version(version.to_owned()).build()
}
