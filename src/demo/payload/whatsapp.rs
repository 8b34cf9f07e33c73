//! The WhatsApp Cloud API's webhook body (`medicalcor.md` 2.2).
//!
//! Read by `api::whatsapp`; messages and statuses travel on in the task payloads.

use serde::{Deserialize, Serialize};

/// The whole body.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhook {
    #[expect(dead_code, reason = "only its being the right constant matters")]
    object: Object,
    pub(crate) entry: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
enum Object {
    #[serde(rename = "whatsapp_business_account")]
    BusinessAccount,
}

/// Changes of one business account.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    #[serde(rename = "id")]
    _id: String,
    pub(crate) changes: Vec<Change>,
}

/// One change; MedicalCor subscribes to the field `messages` only.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    #[serde(rename = "field")]
    _field: Field,
    pub(crate) value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Field {
    Messages,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Product {
    Whatsapp,
}

/// What changed.
#[derive(Debug, Deserialize)]
pub(crate) struct Value {
    #[serde(rename = "messaging_product")]
    _product: Product,
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) contacts: Vec<Contact>,
    #[serde(default)]
    pub(crate) messages: Vec<Message>,
    #[serde(default)]
    pub(crate) statuses: Vec<Status>,
}

/// The number that was written to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) display_phone_number: String,
    pub(crate) phone_number_id: String,
}

/// Who wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) wa_id: String,
    pub(crate) profile: Profile,
}

/// A sender's public profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

/// An incoming message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// The sender's number, digits only.
    pub(crate) from: String,
    /// Unix seconds, as text.
    pub(crate) timestamp: String,
    #[serde(rename = "type")]
    pub(crate) kind: MessageKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<Media>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) video: Option<Media>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audio: Option<Media>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Media>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) button: Option<Button>,
}

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageKind {
    Text,
    Image,
    Audio,
    Video,
    Document,
    Location,
    Contacts,
    Sticker,
    Interactive,
    Button,
    Template,
    Reaction,
    Unknown,
}

/// The text of a text message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) body: String,
}

/// A file that came with a message; the bytes are fetched by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Media {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) caption: Option<String>,
}

/// A pressed quick-reply button.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Button {
    pub(crate) text: String,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) id: String,
    #[serde(rename = "status")]
    pub(crate) delivery: Delivery,
    /// Unix seconds, as text.
    pub(crate) timestamp: String,
    /// The recipient's number, digits only.
    pub(crate) recipient_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<DeliveryError>,
}

/// How far a sent message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Delivery {
    Sent,
    Delivered,
    Read,
    Failed,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeliveryError {
    pub(crate) code: i64,
    pub(crate) title: String,
}

impl Message {
    /// The words of the message: its text, a caption or a button's label; empty for what has none.
    pub(crate) fn words(&self) -> &str {
        let caption = [&self.image, &self.video, &self.document].into_iter().flatten().find_map(|media| media.caption.as_deref());
        self.text
            .as_ref()
            .map(|text| text.body.as_str())
            .or(caption)
            .or_else(|| self.button.as_ref().map(|button| button.text.as_str()))
            .unwrap_or_default()
    }
}

impl Delivery {
    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// Oldest message that is still taken, in seconds.
const OLDEST_SECONDS: i64 = 180;
/// How far ahead a sender's clock may be, in seconds.
const AHEAD_SECONDS: i64 = 30;

/// Whether a message of this `timestamp` (Unix seconds as text) lies in the replay window at `now` (Unix seconds).
pub(crate) fn is_fresh(timestamp: &str, now: i64) -> bool {
    timestamp.parse::<i64>().is_ok_and(|sent| (-AHEAD_SECONDS..=OLDEST_SECONDS).contains(&now.saturating_sub(sent)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Webhook, is_fresh};

    #[test]
    fn the_window_is_three_minutes_back_and_half_a_minute_ahead() {
        let now = 1_700_000_000;
        for (age, fresh) in [(0, true), (180, true), (181, false), (-30, true), (-31, false)] {
            assert_eq!(is_fresh(&(now - age).to_string(), now), fresh, "age {age}");
        }
        assert!(!is_fresh("yesterday", now));
    }

    #[test]
    fn a_body_of_another_object_or_message_type_is_refused() {
        let message = |kind: &str| {
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "2"},
                "messages": [{"id": "wamid.1", "from": "1", "timestamp": "1", "type": kind}]}}]}]})
        };
        assert!(serde_json::from_value::<Webhook>(message("text")).is_ok());
        assert!(serde_json::from_value::<Webhook>(message("telegram")).is_err());
        assert!(serde_json::from_value::<Webhook>(json!({"object": "page", "entry": []})).is_err());
    }
}
