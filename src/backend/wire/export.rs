//! The answer to an export. All three signals' have the same shape on the wire, so one type reads and writes them.

use prost::Message;
use serde_json::{Value, json};

/// `ExportTraceServiceResponse`, `ExportMetricsServiceResponse` and `ExportLogsServiceResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(in crate::backend) struct ExportAnswer {
    /// What was not kept; left out where all was, as OTLP demands.
    #[prost(message, optional, tag = "1")]
    pub(in crate::backend) rejected: Option<Rejected>,
}

/// What of a request was not kept, and why: OTLP's partial success.
#[derive(Clone, PartialEq, Eq, Message)]
pub(in crate::backend) struct Rejected {
    /// How many spans, points or records. Zero makes the words a warning.
    #[prost(int64, tag = "1")]
    pub(in crate::backend) count: i64,
    /// Why.
    #[prost(string, tag = "2")]
    pub(in crate::backend) words: String,
}

impl ExportAnswer {
    /// As JSON; `field` is the signal's name for the count. Written by hand: the types of `opentelemetry-proto` write an absent
    /// message as null and a 64-bit integer as a number.
    pub(in crate::backend) fn to_json(&self, field: &str) -> Vec<u8> {
        match &self.rejected {
            None => b"{}".to_vec(),
            Some(it) => {
                json!({ "partialSuccess": { field: it.count.to_string(), "errorMessage": it.words } }).to_string().into_bytes()
            }
        }
    }

    /// From JSON of any signal; what is not there is nothing rejected.
    pub(in crate::backend) fn from_json(body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let rejected = answer.get("partialSuccess").and_then(Value::as_object).map(|partial| Rejected {
            count: partial.iter().find(|(key, _)| key.starts_with("rejected")).map_or(0, |(_, count)| number(count)),
            words: partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().to_owned(),
        });
        Self { rejected }.tidy()
    }

    /// The same, with an empty partial success as what it means: nothing was rejected.
    pub(in crate::backend) fn tidy(self) -> Self {
        Self { rejected: self.rejected.filter(|it| it.count != 0 || !it.words.is_empty()) }
    }
}

/// Protobuf's JSON writes 64-bit integers as text; many write numbers.
fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_either_kind_is_read_and_an_empty_partial_success_is_none() {
        let answer = ExportAnswer { rejected: Some(Rejected { count: 3, words: "why".to_owned() }) };
        assert_eq!(ExportAnswer::from_json(&answer.to_json("rejectedSpans")), answer);
        let numbers = br#"{"partialSuccess":{"rejectedDataPoints":3,"errorMessage":"why"}}"#;
        assert_eq!(ExportAnswer::from_json(numbers), answer);
        for nothing in ["{}", r#"{"partialSuccess":{}}"#, "", "no JSON"] {
            assert_eq!(ExportAnswer::from_json(nothing.as_bytes()), ExportAnswer::default(), "{nothing}");
        }
        assert_eq!(ExportAnswer::default().to_json("rejectedSpans"), b"{}");
    }
}
