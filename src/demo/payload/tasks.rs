//! What the API and tasks put into the payload of a run, beside the trace context and the correlation id.
//!
//! Written by `api` and by tasks that trigger a child; read by the tasks of `trigger`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::whatsapp::{Contact, DeliveryError, Message, Metadata};

/// Payload of `whatsapp-message-handler`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessagePayload {
    pub(crate) message: Message,
    pub(crate) metadata: Metadata,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<Contact>,
}

/// Payload of `whatsapp-status-handler`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusPayload {
    pub(crate) message_id: String,
    pub(crate) status: String,
    pub(crate) recipient_id: String,
    pub(crate) timestamp: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<DeliveryError>,
}

/// Payload of `payment-succeeded-handler` and `payment-failed-handler`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentPayload {
    pub(crate) payment_id: String,
    pub(crate) raw_payment_id: String,
    /// In the currency's smallest unit.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) customer_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Map<String, Value>,
}

/// Payload of `refund-handler`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefundPayload {
    pub(crate) refund_id: String,
    pub(crate) payment_id: String,
    /// In the currency's smallest unit.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) customer_email: Option<String>,
}

/// Payload of `lead-scoring-workflow`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScoringPayload {
    pub(crate) lead_id: String,
    pub(crate) hubspot_contact_id: String,
    pub(crate) message: String,
}
