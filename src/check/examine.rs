//! Who can tell why the telemetry of a service does not come.
//!
//! Declared here and done by `cli`, because it takes looking at processes and at their environment; asked by `drive` for a case of which
//! nothing arrived, or nothing of a service that it names.

use std::fmt;

use futures_util::future::BoxFuture;

use super::ServiceAddress;

/// Looks at services that should have exported.
pub trait Examiner: fmt::Debug + Send + Sync {
    /// What is known of the services; `None` when nothing is wrong with them that could be seen.
    fn examine(&self, services: Vec<ServiceAddress>) -> BoxFuture<'static, Option<Diagnosis>>;
}

/// Why telemetry does not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The stable name of the most probable cause: `endpoint-refused`, `sdk-disabled`, …
    pub code: String,
    /// Sentences, the most probable cause first.
    pub sentences: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}
