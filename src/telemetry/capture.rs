//! Spans in memory instead of over the wire, for a service's own tests.
//!
//! Started by `Telemetry::start_capturing`; read by tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_sdk::error::OTelSdkResult;
pub use opentelemetry_sdk::trace::SpanData;
use opentelemetry_sdk::trace::SpanExporter;

/// The spans that have ended, in the order of their ends. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<SpanData>>>);

impl Captured {
    /// All spans so far.
    pub fn spans(&self) -> Vec<SpanData> {
        self.lock().clone()
    }

    /// The first span of this name.
    pub fn span(&self, name: &str) -> Option<SpanData> {
        self.lock().iter().find(|span| span.name == name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanExporter for Captured {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.lock().extend(batch);
        Ok(())
    }
}
