//! Why an attempt of a run failed.
//!
//! Returned by tasks; read by `queue`, which decides whether there is another attempt.

use std::fmt;

use crate::demo::{clients::ExternalError, enqueue::EnqueueError, store::SqlError};

/// Why an attempt of a run failed. Its `Debug` begins with [`TaskError::class`], because `with_task_span` and `with_workflow_span` read
/// `error.type` off it.
#[derive(thiserror::Error)]
pub(super) enum TaskError {
    /// The payload is not what the task takes.
    #[error("invalid payload of `{task}`")]
    Payload { task: &'static str, source: serde_json::Error },
    /// An external service did not do its part.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// The database did not do its part.
    #[error(transparent)]
    Database(#[from] SqlError),
    /// A child task could not be triggered.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// A row that another task wrote is not there.
    #[error("unknown lead")]
    UnknownLead,
}

impl TaskError {
    /// Another attempt would fail the same way, so there is none (Trigger.dev's `AbortTaskRunError`).
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Payload { .. } | Self::UnknownLead => true,
            Self::External(error) => error.is_permanent(),
            Self::Database(_) | Self::Enqueue(_) => false,
        }
    }

    /// One of few words for `error.type` and the `code` of `medicalcor_errors_total`.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Payload { .. } => "InvalidPayload",
            Self::External(error) => error.class(),
            Self::Database(_) => "DatabaseError",
            Self::Enqueue(error) => error.class(),
            Self::UnknownLead => "UnknownLead",
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({self})", self.class())
    }
}
