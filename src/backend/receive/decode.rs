//! Bodies to requests, in either encoding, with words for the usual mix-ups.

use super::signal::Signal;
use crate::backend::wire::Encoding;

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
            if looks_binary(body) { DecodeError::ProtobufAsJson } else { DecodeError::Json { request, source } }
        }),
    }
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
