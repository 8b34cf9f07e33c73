//! `whatsapp-message-handler`: a message becomes a lead, a CRM entry, an answer, and a scoring run.
//!
//! Triggered by `api::whatsapp`; triggers `lead-scoring-workflow`.

use sha2::{Digest, Sha256};
use sqlx::Row as _;

use super::{
    super::{context::Attempt, error::TaskError, scoring::Score},
    schema::{INSERT_MESSAGE, UPSERT_LEAD},
};
use crate::{
    demo::{
        clients::Lead,
        faults::Fault,
        idempotency,
        names::{MESSAGE_PROCESSED, TaskId},
        payload::tasks::{MessagePayload, ScoringPayload},
    },
    support::{clock, random},
    telemetry::{
        KeyValue, add_trigger_attributes,
        attributes::{
            DURATION_MS, HUBSPOT_CONTACT_ID, LEAD_CHANNEL, LEAD_CLASSIFICATION, LEAD_ID, WHATSAPP_MESSAGE_ID,
            WHATSAPP_PHONE_NUMBER_ID,
        },
    },
};

/// Template that a hot lead gets at once.
const HOT_TEMPLATE: &str = "hot_lead_acknowledgment";
/// Minutes within which the staff shall call a hot lead.
const HOT_DUE_MINUTES: u32 = 30;
/// What is sent when the model has no answer.
const PLAIN_REPLY: &str = "Thank you for your message. We will come back to you shortly.";
/// What the model is asked for.
const REPLY_PROMPT: &str = "Reply briefly and kindly to this message to a dental clinic.";

/// Deals with one message.
pub(super) async fn run(attempt: &Attempt, payload: MessagePayload) -> Result<(), TaskError> {
    describe(attempt, &payload);
    if attempt.has(Fault::ExtraSpan) {
        attempt.worker.tracer.internal("message.parse").start().end();
    }
    let lead_id = store(attempt, &payload).await?;
    let contact = enter_into_crm(attempt, &payload).await?;
    let score = Score::by_rules(payload.message.words());
    attempt.set_score(&attempt.span, score.value());
    add_trigger_attributes(
        &attempt.span,
        [
            (LEAD_ID, Some(lead_id.clone().into())),
            (HUBSPOT_CONTACT_ID, Some(contact.clone().into())),
            (LEAD_CLASSIFICATION, Some(score.classification().into())),
        ],
    );
    answer(attempt, &payload, &contact, score).await?;
    trigger_scoring(attempt, &payload, lead_id, contact).await?;
    if !attempt.has(Fault::MissingEvent) {
        let attributes = [KeyValue::new("success", true), KeyValue::new(DURATION_MS, attempt.duration_ms())];
        attempt.span.event(MESSAGE_PROCESSED, attributes);
    }
    Ok(())
}

fn describe(attempt: &Attempt, payload: &MessagePayload) {
    add_trigger_attributes(
        &attempt.span,
        [
            (WHATSAPP_MESSAGE_ID, Some(payload.message.id.clone().into())),
            (WHATSAPP_PHONE_NUMBER_ID, Some(payload.metadata.phone_number_id.clone().into())),
            (LEAD_CHANNEL, Some("whatsapp".into())),
        ],
    );
}

/// Writes lead and message; the lead's id.
async fn store(attempt: &Attempt, payload: &MessagePayload) -> Result<String, TaskError> {
    let (sql, now) = (&attempt.worker.sql, clock::unix_seconds());
    let hash = const_hex::encode(Sha256::digest(&payload.message.from));
    let row = sql.fetch_optional(UPSERT_LEAD, vec![random::uuid().into(), hash.into(), now.into()]).await?;
    let lead_id: String = row.and_then(|row| row.try_get("id").ok()).ok_or(TaskError::UnknownLead)?;
    let kind = serde_json::to_value(payload.message.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
    let binds = vec![payload.message.id.as_str().into(), lead_id.as_str().into(), kind.into(), now.into()];
    sql.execute(INSERT_MESSAGE, binds).await?;
    Ok(lead_id)
}

/// Contact and timeline in HubSpot; the contact's id.
async fn enter_into_crm(attempt: &Attempt, payload: &MessagePayload) -> Result<String, TaskError> {
    let hubspot = &attempt.worker.hubspot;
    let phone = format!("+{}", payload.message.from);
    let name = payload.contact.as_ref().map(|contact| contact.profile.name.as_str());
    let lead = Lead { phone: Some(&phone), email: None, name };
    let contact = hubspot.sync_contact(attempt.caller(), &lead).await?;
    hubspot.log_message(attempt.caller(), &contact, payload.message.words()).await?;
    Ok(contact)
}

/// A hot lead gets a call from the staff, any other a reply of the model.
async fn answer(attempt: &Attempt, payload: &MessagePayload, contact: &str, score: Score) -> Result<(), TaskError> {
    let (worker, caller, to) = (&attempt.worker, attempt.caller(), &payload.message.from);
    let sent = if score.is_hot() {
        worker.hubspot.create_task(caller, contact, "Call the lead", HOT_DUE_MINUTES).await?;
        worker.whatsapp.send_template(caller, to, HOT_TEMPLATE).await
    } else {
        let reply = reply(attempt, payload.message.words()).await;
        worker.whatsapp.send_text(caller, to, &reply).await
    };
    // The lead is in the CRM; that no answer went out is no reason to do it all again.
    if let Err(error) = sent {
        attempt.handled(&attempt.span, "whatsapp.reply", &error, error.class());
    }
    Ok(())
}

async fn reply(attempt: &Attempt, words: &str) -> String {
    match attempt.worker.openai.complete(attempt.caller(), "reply", REPLY_PROMPT, words).await {
        Ok(completion) => completion.text,
        Err(error) => {
            attempt.handled(&attempt.span, "openai.reply", &error, error.class());
            PLAIN_REPLY.to_owned()
        }
    }
}

async fn trigger_scoring(attempt: &Attempt, payload: &MessagePayload, lead_id: String, contact: String) -> Result<(), TaskError> {
    let message = &payload.message;
    let scoring = ScoringPayload { lead_id: lead_id.clone(), hubspot_contact_id: contact, message: message.words().to_owned() };
    let key = idempotency::key("lead-score", &[&lead_id, &message.id]);
    attempt.trigger_child(TaskId::LeadScoring, &message.id, key, &scoring).await.map(drop)
}
