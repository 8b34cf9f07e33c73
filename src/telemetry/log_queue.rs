//! A bound on the log records that wait, kept outside the SDK's processor for the reason given in `tracking`: a processor whose queue
//! is full refuses to be flushed or shut down, and the last batch with it.
//!
//! Sits between the SDK's logger and its processor, and between that and the OTLP exporter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, LogProcessor, SdkLogRecord};

/// How many log records wait; shared by the two ends of the queue.
pub(super) type Waiting = Arc<AtomicUsize>;

/// Lets records in while there is room, and drops the others.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    pub(super) inner: P,
    pub(super) waiting: Waiting,
    pub(super) room: usize,
}

/// Makes room once records have been exported, or have failed to be.
#[derive(Debug)]
pub(super) struct Releasing<E> {
    pub(super) inner: E,
    pub(super) waiting: Waiting,
}

/// Records of one request; released when it is over, however it ends.
struct InFlight<'a> {
    waiting: &'a AtomicUsize,
    records: usize,
}

impl<P: LogProcessor> LogProcessor for Bounded<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.waiting.fetch_add(1, Ordering::AcqRel) < self.room {
            self.inner.emit(record, scope);
        } else {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Releasing<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let _in_flight = InFlight { waiting: &self.waiting, records: batch.iter().count() };
        self.inner.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.records, Ordering::AcqRel);
    }
}
