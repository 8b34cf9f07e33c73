//! `GET` and `POST /webhooks/whatsapp`: subscription, messages and statuses.
//!
//! Fed by WhatsApp (or `replay`); each fresh message and status becomes a run of its own, with a producer each.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    limits::WebhookKind,
    service::{ApiState, Run},
};
use crate::{
    demo::{
        http::ApiError,
        idempotency,
        names::TaskId,
        payload::{
            tasks::{MessagePayload, StatusPayload},
            whatsapp::{self, Contact, Message, Status, Webhook},
        },
    },
    support::clock,
    webhook::{Provider, same_secret, secrets::WHATSAPP_VERIFY_TOKEN},
};

/// The subscription check: whoever knows the verify token gets his challenge back.
pub(super) async fn verify_subscription(
    State(api): State<Arc<ApiState>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let asked = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let expected = api.secrets.get(WHATSAPP_VERIFY_TOKEN).unwrap_or_default();
    let known = !expected.is_empty() && same_secret(expected, asked("hub.verify_token"));
    if asked("hub.mode") == "subscribe" && known {
        return asked("hub.challenge").to_owned().into_response();
    }
    (StatusCode::FORBIDDEN, Json(json!({"error": "Verification failed"}))).into_response()
}

/// Messages and statuses. Answers before any of them is worked on.
pub(super) async fn receive(State(api): State<Arc<ApiState>>, request: Request) -> Result<Json<Value>, ApiError> {
    let delivery = api.accept(WebhookKind::WhatsApp, request).await?;
    api.verify(&Provider::whatsapp(), &delivery)?;
    let webhook: Webhook =
        serde_json::from_slice(&delivery.body).map_err(|_| ApiError::Validation("Invalid WhatsApp payload".to_owned()))?;
    api.enqueue_later(&delivery.trace, runs(webhook, clock::unix_seconds()));
    Ok(Json(json!({"status": "received"})))
}

/// A run per message and status that is in the replay window; what is too old or from the future is passed over in silence.
fn runs(webhook: Webhook, now: i64) -> Vec<Run> {
    let mut runs = Vec::new();
    for value in webhook.entry.into_iter().flat_map(|entry| entry.changes).map(|change| change.value) {
        for message in value.messages.into_iter().filter(|message| whatsapp::is_fresh(&message.timestamp, now)) {
            let contact = value.contacts.iter().find(|contact| contact.wa_id == message.from).cloned();
            runs.push(message_run(message, value.metadata.clone(), contact));
        }
        let fresh = value.statuses.into_iter().filter(|status| whatsapp::is_fresh(&status.timestamp, now));
        runs.extend(fresh.map(status_run));
    }
    runs
}

fn message_run(message: Message, metadata: whatsapp::Metadata, contact: Option<Contact>) -> Run {
    Run {
        task: TaskId::WhatsAppMessage,
        message_id: message.id.clone(),
        idempotency_key: idempotency::key("wa-msg", &[&message.id]),
        payload: object(&MessagePayload { message, metadata, contact }),
    }
}

fn status_run(status: Status) -> Run {
    let word = status.delivery.word();
    Run {
        task: TaskId::WhatsAppStatus,
        message_id: status.id.clone(),
        idempotency_key: idempotency::key("wa-status", &[&status.id, word]),
        payload: object(&StatusPayload {
            message_id: status.id,
            status: word.to_owned(),
            recipient_id: status.recipient_id,
            timestamp: status.timestamp,
            errors: status.errors,
        }),
    }
}

/// A payload as the object that the trace context is added to.
pub(super) fn object(payload: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(payload) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("payloads are structs of JSON values"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::runs;

    #[test]
    fn a_batch_becomes_a_run_each_and_stale_ones_none() {
        let now = 1_700_000_000;
        let message = |id: &str, age: i64| json!({"id": id, "from": "40721", "timestamp": (now - age).to_string(), "type": "text", "text": {"body": "hi"}});
        let status = json!({"id": "wamid.S", "status": "read", "timestamp": now.to_string(), "recipient_id": "40721"});
        let value = json!({"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "2"},
                           "messages": [message("wamid.A", 0), message("wamid.B", 500)], "statuses": [status]});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
        let runs = runs(serde_json::from_value(body).unwrap(), now);
        let ids: Vec<_> = runs.iter().map(|run| (run.task.id(), run.message_id.as_str())).collect();
        assert_eq!(ids, [("whatsapp-message-handler", "wamid.A"), ("whatsapp-status-handler", "wamid.S")]);
    }
}
