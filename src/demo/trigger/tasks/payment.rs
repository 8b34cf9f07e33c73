//! `payment-succeeded-handler`, `payment-failed-handler`, `refund-handler`: the books, then the CRM, then a word to the patient.
//!
//! Triggered by `api::stripe`.

use serde_json::{Map, Value, json};

use super::{
    super::{context::Attempt, error::TaskError},
    schema::INSERT_PAYMENT,
};
use crate::{
    demo::{
        clients::Lead,
        payload::tasks::{PaymentPayload, RefundPayload},
    },
    support::clock,
    telemetry::attributes::HUBSPOT_CONTACT_ID,
};

/// Template that confirms a payment.
const CONFIRMATION: &str = "payment_confirmation";
/// Minutes within which the staff shall look after a failed payment.
const FAILED_DUE_MINUTES: u32 = 240;

/// Money came in: the contact becomes a customer.
pub(super) async fn succeeded(attempt: &Attempt, payload: PaymentPayload) -> Result<(), TaskError> {
    record(attempt, &payload.payment_id, "succeeded", payload.amount, &payload.currency).await?;
    let email = email(attempt, &payload).await;
    let phone = phone(&payload.metadata);
    let lead = Lead { phone, email: email.as_deref(), name: None };
    let hubspot = &attempt.worker.hubspot;
    let contact = hubspot.sync_contact(attempt.caller(), &lead).await?;
    attempt.span.set(HUBSPOT_CONTACT_ID, contact.clone());
    let properties =
        json!({"lifecyclestage": "customer", "last_payment_amount": payload.amount, "last_payment_id": payload.payment_id});
    hubspot.update_contact(attempt.caller(), &contact, properties).await?;
    if let Some(phone) = phone {
        confirm(attempt, phone).await;
    }
    Ok(())
}

/// A payment did not go through: somebody shall look after it.
pub(super) async fn failed(attempt: &Attempt, payload: PaymentPayload) -> Result<(), TaskError> {
    record(attempt, &payload.payment_id, "failed", payload.amount, &payload.currency).await?;
    let lead = Lead { phone: phone(&payload.metadata), email: payload.customer_email.as_deref(), name: None };
    let hubspot = &attempt.worker.hubspot;
    let Some(contact) = find(attempt, &lead).await? else { return Ok(()) };
    hubspot.create_task(attempt.caller(), &contact, "Payment failed", FAILED_DUE_MINUTES).await?;
    Ok(())
}

/// Money went back.
pub(super) async fn refunded(attempt: &Attempt, payload: RefundPayload) -> Result<(), TaskError> {
    record(attempt, &payload.payment_id, "refunded", -payload.amount, &payload.currency).await?;
    let lead = Lead { email: payload.customer_email.as_deref(), ..Lead::default() };
    let Some(contact) = find(attempt, &lead).await? else { return Ok(()) };
    let properties = json!({"last_refund_amount": payload.amount, "last_refund_id": payload.refund_id});
    attempt.worker.hubspot.update_contact(attempt.caller(), &contact, properties).await?;
    Ok(())
}

async fn record(attempt: &Attempt, id: &str, kind: &str, amount: i64, currency: &str) -> Result<(), TaskError> {
    let binds = vec![id.into(), kind.into(), amount.into(), currency.into(), clock::unix_seconds().into()];
    attempt.worker.sql.execute(INSERT_PAYMENT, binds).await?;
    Ok(())
}

/// The payer's mail address: of the event, else as Stripe knows the customer. Without one the phone number must do.
async fn email(attempt: &Attempt, payload: &PaymentPayload) -> Option<String> {
    if payload.customer_email.is_some() {
        return payload.customer_email.clone();
    }
    let customer = payload.customer_id.as_deref()?;
    match attempt.worker.stripe.customer_email(attempt.caller(), customer).await {
        Ok(email) => email,
        Err(error) => {
            attempt.handled(&attempt.span, "stripe.customer", &error, error.class());
            None
        }
    }
}

/// The contact of a payer; `None` for someone whom neither we nor HubSpot know.
async fn find(attempt: &Attempt, lead: &Lead<'_>) -> Result<Option<String>, TaskError> {
    if lead.email.is_none() && lead.phone.is_none() {
        return Ok(None);
    }
    let contact = attempt.worker.hubspot.find_contact(attempt.caller(), lead).await?;
    if let Some(contact) = &contact {
        attempt.span.set(HUBSPOT_CONTACT_ID, contact.clone());
    }
    Ok(contact)
}

/// The payment stands whether or not its confirmation goes out.
async fn confirm(attempt: &Attempt, phone: &str) {
    if let Err(error) = attempt.worker.whatsapp.send_template(attempt.caller(), phone, CONFIRMATION).await {
        attempt.handled(&attempt.span, "whatsapp.confirmation", &error, error.class());
    }
}

fn phone(metadata: &Map<String, Value>) -> Option<&str> {
    metadata.get("phone").and_then(Value::as_str)
}
