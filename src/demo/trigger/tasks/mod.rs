//! The tasks, a file each kind, and their tables.
//!
//! Called by `queue` inside the CONSUMER span of an attempt.

mod lead_scoring;
mod message;
mod payment;
mod schema;
mod status;

pub(super) use schema::SCHEMA;

use super::{context::Attempt, error::TaskError};
use crate::demo::names::TaskId;

/// Runs the attempt's task.
pub(super) async fn run(attempt: &Attempt) -> Result<(), TaskError> {
    match attempt.task {
        TaskId::WhatsAppMessage => message::run(attempt, attempt.payload()?).await,
        TaskId::WhatsAppStatus => status::run(attempt, attempt.payload()?).await,
        TaskId::PaymentSucceeded => payment::succeeded(attempt, attempt.payload()?).await,
        TaskId::PaymentFailed => payment::failed(attempt, attempt.payload()?).await,
        TaskId::Refund => payment::refunded(attempt, attempt.payload()?).await,
        TaskId::LeadScoring => lead_scoring::run(attempt, attempt.payload()?).await,
    }
}
