//! `whatsapp-status-handler`: what became of a message that was sent.
//!
//! Triggered by `api::whatsapp`.

use super::{
    super::{context::Attempt, error::TaskError},
    schema::INSERT_STATUS,
};
use crate::{demo::payload::tasks::StatusPayload, support::clock, telemetry::attributes::WHATSAPP_MESSAGE_ID};

/// Records one status.
pub(super) async fn run(attempt: &Attempt, payload: StatusPayload) -> Result<(), TaskError> {
    attempt.span.set(WHATSAPP_MESSAGE_ID, payload.message_id.clone());
    let reported = payload.timestamp.parse().unwrap_or_else(|_| clock::unix_seconds());
    let binds = vec![payload.message_id.into(), payload.status.into(), reported.into()];
    attempt.worker.sql.execute(INSERT_STATUS, binds).await?;
    Ok(())
}
