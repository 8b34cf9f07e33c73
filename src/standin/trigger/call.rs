//! A call of the Trigger.dev API, taken apart: the payload's fields, and the options that matter here.
//!
//! Read by `endpoint` and `batch`, and by the endpoint of `demo`'s worker. What each payload type means is the real service's reading of it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super_json;
use crate::support::random;

/// A payload type of the SDK: JSON with annotations, in a text.
const SUPER_JSON: &str = "application/super+json";
/// A payload type of the SDK, and the service's default: the value as it stands in the body.
const JSON: &str = "application/json";

/// A run that is asked for. Not `Debug`: a payload holds what people wrote.
pub(crate) struct Call {
    /// The payload's fields as the task will see them; `None` for a payload without fields, such as a text, a list, or none at all.
    pub(crate) fields: Option<Map<String, Value>>,
    /// The idempotency key.
    pub(crate) idempotency_key: Option<String>,
    /// How long the key holds, where the caller says so.
    pub(crate) key_holds: Option<Duration>,
}

/// What is wrong with a call. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Not the API's shape.
    #[error("Invalid request body: expected a JSON object with `payload` and `options`")]
    Body,
    /// Not the API's shape of a batch.
    #[error("Invalid request body: expected a JSON object with `items`, each with `task`, `payload` and `options`")]
    Batch,
    /// The payload is not what its type says.
    #[error("Invalid payload: `options.payloadType` says `application/super+json`, and it is not")]
    Payload,
}

/// A call on the wire, alone or as an item of a batch.
#[derive(Deserialize)]
pub(super) struct WireCall {
    /// Named in items of a batch.
    pub(super) task: Option<String>,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    options: Option<WireOptions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOptions {
    payload_type: Option<String>,
    idempotency_key: Option<String>,
    #[serde(rename = "idempotencyKeyTTL")]
    idempotency_key_ttl: Option<String>,
}

impl Call {
    /// Takes the body of a call apart.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let wire: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Unreadable::Body)?;
        let wire: WireCall = serde_json::from_value(Value::Object(wire)).map_err(|_| Unreadable::Body)?;
        wire.call()
    }
}

impl WireCall {
    pub(super) fn call(self) -> Result<Call, Unreadable> {
        let options = self.options.unwrap_or_default();
        let fields = match (options.payload_type.as_deref().unwrap_or(JSON), self.payload) {
            (SUPER_JSON, Value::String(text)) => super_json::fields(&text).map_err(|_| Unreadable::Payload)?,
            (SUPER_JSON, _) => return Err(Unreadable::Payload),
            (JSON, Value::Object(fields)) => Some(fields),
            // The service does not look into a text that is sent as JSON: to the task it is a text.
            _ => None,
        };
        let key_holds = options.idempotency_key_ttl.as_deref().and_then(lifetime);
        Ok(Call { fields, idempotency_key: options.idempotency_key, key_holds })
    }
}

/// `90s`, `5m`, `2h`, `30d`; anything else is as if it was not said.
pub(super) fn lifetime(text: &str) -> Option<Duration> {
    let (unit, seconds) =
        [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)].into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

/// A new id of a run or a batch: `run_…`, `batch_…`.
pub(crate) fn new_id(of: &str) -> String {
    format!("{of}_{}", const_hex::encode(random::bytes::<12>()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Call, Duration, Unreadable, lifetime};

    fn fields(body: &Value) -> Option<Value> {
        let Ok(call) = Call::read(body.to_string().as_bytes()) else { panic!("unreadable: {body}") };
        call.fields.map(Value::Object)
    }

    #[test]
    fn what_the_sdk_sends_is_read() {
        // SDK 3.3.17, `tasks.trigger("t", { a: 1, u: undefined, correlationId: "c" }, { idempotencyKey })`.
        let body = json!({
            "payload": r#"{"json":{"a":1,"u":null,"correlationId":"c"},"meta":{"values":{"u":["undefined"]},"v":1}}"#,
            "options": {"payloadType": "application/super+json", "idempotencyKey": "86a2", "idempotencyKeyTTL": "1h", "tags": ["x"]},
        });
        assert_eq!(fields(&body), Some(json!({"a": 1, "correlationId": "c"})));
        let Ok(call) = Call::read(body.to_string().as_bytes()) else { panic!("unreadable") };
        assert_eq!((call.idempotency_key.as_deref(), call.key_holds), (Some("86a2"), Some(Duration::from_hours(1))));
        // Without a payload; with a text.
        assert_eq!(fields(&json!({"options": {"payloadType": "application/json"}})), None);
        assert_eq!(fields(&json!({"payload": "text", "options": {"payloadType": "text/plain"}})), None);
    }

    #[test]
    fn json_is_the_default_and_stands_as_it_is() {
        assert_eq!(fields(&json!({"payload": {"a": 1}})), Some(json!({"a": 1})));
        assert_eq!(fields(&json!({"payload": {"a": 1}, "options": {"payloadType": "application/json"}})), Some(json!({"a": 1})));
        assert_eq!(fields(&json!({"payload": r#"{"a":1}"#})), None, "a text is a text");
        assert_eq!(fields(&json!({})), None);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_quoted() {
        let no = |body: &str| Call::read(body.as_bytes()).err();
        assert_eq!(no("[]"), Some(Unreadable::Body));
        assert_eq!(no(r#"{"options": 7}"#), Some(Unreadable::Body));
        let wrong = r#"{"payload": "0721 secret", "options": {"payloadType": "application/super+json"}}"#;
        assert_eq!(no(wrong), Some(Unreadable::Payload));
        assert!(!Unreadable::Payload.to_string().contains("secret"));
    }

    #[test]
    fn a_lifetime_is_a_count_and_a_unit() {
        assert_eq!(lifetime("90s"), Some(Duration::from_secs(90)));
        assert_eq!(lifetime("30d"), Some(Duration::from_hours(720)));
        for other in ["", "s", "5", "1h30m", "-1s", "5w"] {
            assert_eq!(lifetime(other), None, "{other}");
        }
    }
}
