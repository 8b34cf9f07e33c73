//! Bodies to requests, in either encoding, with words for the usual mix-ups.

use serde_json::Value;

use super::signal::Signal;
use crate::backend::wire::Encoding;

/// Fields of JSON that are ids, and their lengths in bytes.
const ID_FIELDS: [(&str, usize); 3] = [("traceId", 16), ("spanId", 8), ("parentSpanId", 8)];

/// A body that is not what it claims.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// Not protobuf.
    #[error("the body is not a protobuf {request}: {source}")]
    Protobuf {
        /// The message it should be.
        request: &'static str,
        /// What is wrong.
        source: prost::DecodeError,
    },
    /// Not JSON, or not of the right shape.
    #[error("the body is not a JSON {request}: {source}")]
    Json {
        /// The message it should be.
        request: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// JSON under the other name.
    #[error("the body is JSON, but its content-type says protobuf; send it as `application/json`")]
    JsonAsProtobuf,
    /// An id that is no hex.
    #[error("`{field}` is {got}; in OTLP's JSON ids are hex digits, 32 of a trace and 16 of a span")]
    Id {
        /// Which: `traceId`.
        field: &'static str,
        /// What it is, in words.
        got: String,
    },
    /// Protobuf under the other name.
    #[error("the body is not JSON text, it may be protobuf; send protobuf as `application/x-protobuf`")]
    ProtobufAsJson,
}

/// Decodes the request of a signal.
pub(super) fn decode<S: Signal>(body: &[u8], encoding: Encoding) -> Result<S::Request, DecodeError> {
    let request = short_name::<S::Request>();
    match encoding {
        Encoding::Protobuf => <S::Request as prost::Message>::decode(body).map_err(|source| {
            if looks_like_json(body) { DecodeError::JsonAsProtobuf } else { DecodeError::Protobuf { request, source } }
        }),
        Encoding::Json => serde_json::from_slice(body).map_err(|source| {
            if looks_binary(body) {
                DecodeError::ProtobufAsJson
            } else {
                bad_id(body).unwrap_or(DecodeError::Json { request, source })
            }
        }),
    }
}

/// The first id in a body that is no hex: the protobuf library's own JSON has base64 there, and many write that.
fn bad_id(body: &[u8]) -> Option<DecodeError> {
    let mut open = vec![serde_json::from_slice::<Value>(body).ok()?];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let field = ID_FIELDS.into_iter().find(|(field, _)| *field == name);
                    match (field, value) {
                        (Some((field, bytes)), Value::String(id)) if !is_hex(&id) => {
                            return Some(DecodeError::Id { field, got: described(&id, bytes) });
                        }
                        (Some((field, _)), Value::Number(_)) => {
                            return Some(DecodeError::Id { field, got: "a number".to_owned() });
                        }
                        (_, value) => open.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    None
}

fn is_hex(id: &str) -> bool {
    id.len().is_multiple_of(2) && id.bytes().all(|sign| sign.is_ascii_hexdigit())
}

/// So many bytes take four thirds of that in base64, filled up with `=`.
fn described(id: &str, bytes: usize) -> String {
    let shown: String = id.chars().take(40).collect();
    let fits = id.trim_end_matches('=').len() == (bytes * 4).div_ceil(3);
    let signs = id.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"+/-_=".contains(&sign));
    if fits && signs { format!("`{shown}`, which is base64") } else { format!("`{shown}`") }
}

fn short_name<T>() -> &'static str {
    let full = std::any::type_name::<T>();
    full.rsplit("::").next().unwrap_or(full)
}

fn looks_like_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// JSON text is UTF-8 without control characters other than white space; field tags and lengths of protobuf are full of them.
fn looks_binary(body: &[u8]) -> bool {
    std::str::from_utf8(body).map_or(true, |text| text.chars().any(|at| at.is_control() && !at.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::backend::receive::signal::Traces;

    #[test]
    fn ids_in_base64_are_named() {
        let words = |trace: &str, span: &str| {
            let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":{trace},"spanId":{span}}}]}}]}}]}}"#);
            decode::<Traces>(body.as_bytes(), Encoding::Json).map(drop).map_err(|error| error.to_string())
        };
        let fine = (r#""0af7651916cd43dd8448eb211c80319c""#, r#""b7ad6b7169203331""#);
        assert_eq!(words(fine.0, fine.1), Ok(()));
        let told = "; in OTLP's JSON ids are hex digits, 32 of a trace and 16 of a span";
        let base64 = "`traceId` is `CvdlGRbNQ92ESOshHIAxnA==`, which is base64";
        assert_eq!(words(r#""CvdlGRbNQ92ESOshHIAxnA==""#, fine.1), Err(format!("{base64}{told}")));
        assert_eq!(words(fine.0, r#""t61rcWkgMzE=""#), Err(format!("`spanId` is `t61rcWkgMzE=`, which is base64{told}")));
        assert_eq!(words(fine.0, r#""not hex!""#), Err(format!("`spanId` is `not hex!`{told}")));
        assert_eq!(words(fine.0, "7"), Err(format!("`spanId` is a number{told}")));
    }

    #[test]
    fn mix_ups_are_named() {
        let json = br#"{"resourceSpans":[{"scopeSpans":[]}]}"#;
        assert!(matches!(decode::<Traces>(json, Encoding::Protobuf), Err(DecodeError::JsonAsProtobuf)));
        let request = decode::<Traces>(json, Encoding::Json).unwrap();
        let binary = request.encode_to_vec();
        assert!(matches!(decode::<Traces>(&binary, Encoding::Json), Err(DecodeError::ProtobufAsJson)));
        assert_eq!(decode::<Traces>(&binary, Encoding::Protobuf).unwrap(), request);
        let error = decode::<Traces>(b"{\"resourceSpans\": 7}", Encoding::Json).unwrap_err().to_string();
        assert!(error.starts_with("the body is not a JSON ExportTraceServiceRequest: invalid type"), "{error}");
    }
}
