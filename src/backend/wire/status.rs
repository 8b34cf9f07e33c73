//! `google.rpc.Status`, the body of every OTLP/HTTP error and the details of a gRPC one, and what its codes are in HTTP.

use std::time::Duration;

use http::StatusCode;
use prost::Message;
use serde::{Deserialize, Serialize};
use tonic::Code;

/// The name of [`RetryInfo`] within [`Detail`].
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// How an OTLP/HTTP body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// The fields of `google.rpc.Status`.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::backend) struct RpcStatus {
    /// A gRPC status code.
    #[prost(int32, tag = "1")]
    pub(in crate::backend) code: i32,
    /// What is wrong, in words for a developer.
    #[prost(string, tag = "2")]
    pub(in crate::backend) message: String,
    /// When to come again, and other things that are not read here.
    #[prost(message, repeated, tag = "3")]
    #[serde(skip)]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, Copy, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Encoding {
    /// The encoding that a content type names, whatever its parameters.
    pub(in crate::backend) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// Its content type.
    pub(in crate::backend) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

impl RpcStatus {
    /// A status without details.
    pub(in crate::backend) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code as i32, message: message.into(), details: Vec::new() }
    }

    /// Its code.
    pub(in crate::backend) fn code(&self) -> Code {
        Code::from_i32(self.code)
    }

    /// As the body of an HTTP answer.
    pub(in crate::backend) fn written(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => self.encode_to_vec(),
            Encoding::Json => serde_json::to_vec(self).expect("a number and a text are always JSON"),
        }
    }

    /// From the body of an HTTP answer; `None` where it is something else.
    pub(in crate::backend) fn read(body: &[u8], encoding: Encoding) -> Option<Self> {
        let status: Self = match encoding {
            Encoding::Protobuf => Self::decode(body).ok()?,
            Encoding::Json => serde_json::from_slice(body).ok()?,
        };
        (status != Self::default()).then_some(status)
    }

    /// When the sender is asked to come again.
    pub(in crate::backend) fn retry_after(&self) -> Option<Duration> {
        let info = self.details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
        let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
        Some(Duration::new(delay.seconds.try_into().ok()?, delay.nanos.try_into().ok()?))
    }

    /// The same, asking the sender to come again after this time.
    pub(in crate::backend) fn asking_again(mut self, after: Duration) -> Self {
        let retry_delay = Some(Delay { seconds: after.as_secs() as i64, nanos: after.subsec_nanos() as i32 });
        self.details.retain(|detail| detail.type_url != RETRY_INFO);
        self.details.push(Detail { type_url: RETRY_INFO.to_owned(), value: RetryInfo { retry_delay }.encode_to_vec() });
        self
    }

    /// The HTTP status that means the same to a sender (OTLP specification, "Failures" of either protocol): what is sent again
    /// there is sent again here.
    pub(in crate::backend) fn http(&self) -> StatusCode {
        match self.code() {
            Code::Ok => StatusCode::OK,
            Code::Unavailable | Code::Cancelled | Code::Aborted | Code::OutOfRange | Code::DataLoss => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Code::ResourceExhausted if self.retry_after().is_some() => StatusCode::TOO_MANY_REQUESTS,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unimplemented => StatusCode::NOT_FOUND,
            Code::Internal | Code::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The status that an HTTP error means where its body says nothing, or says something that a sender would take otherwise.
    pub(in crate::backend) fn of_http(http: StatusCode, body: Option<Self>, text: &str) -> Self {
        match body {
            Some(status) if status.code() != Code::Ok && is_sent_again(status.http()) == is_sent_again(http) => status,
            said => {
                let message = said.map(|status| status.message).filter(|words| !words.is_empty());
                Self::new(code_of(http), message.unwrap_or_else(|| text.to_owned()))
            }
        }
    }
}

/// Whether a sender tries again upon this HTTP status (OTLP specification, "Retryable Response Codes").
pub(in crate::backend) fn is_sent_again(http: StatusCode) -> bool {
    matches!(http.as_u16(), 429 | 502 | 503 | 504)
}

/// The specification gives no such table: this is gRPC's own, with 400 as what OTLP means by it.
fn code_of(http: StatusCode) -> Code {
    match http.as_u16() {
        400 | 413 | 415 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 405 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gRPC codes upon which OTLP senders try again; `RESOURCE_EXHAUSTED` only where it says when.
    const AGAIN: [Code; 6] =
        [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss];

    #[test]
    fn what_is_sent_again_in_one_protocol_is_in_the_other() {
        for code in 1..=16 {
            let status = RpcStatus::new(Code::from_i32(code), "x");
            assert_eq!(is_sent_again(status.http()), AGAIN.contains(&Code::from_i32(code)), "{code}");
        }
        let later = RpcStatus::new(Code::ResourceExhausted, "x").asking_again(Duration::from_secs(2));
        assert_eq!((later.http().as_u16(), later.retry_after()), (429, Some(Duration::from_secs(2))));
        for http in 400..600 {
            let http = StatusCode::from_u16(http).unwrap();
            assert_eq!(AGAIN.contains(&RpcStatus::of_http(http, None, "").code()), is_sent_again(http), "{http}");
        }
    }

    #[test]
    fn a_status_in_the_body_counts_unless_the_sender_would_do_something_else() {
        let bad = RpcStatus::new(Code::FailedPrecondition, "no tenant");
        assert_eq!(RpcStatus::of_http(StatusCode::BAD_REQUEST, Some(bad.clone()), "").code(), Code::FailedPrecondition);
        let permanent_as_503 = RpcStatus::of_http(StatusCode::SERVICE_UNAVAILABLE, Some(bad), "");
        assert_eq!((permanent_as_503.code(), permanent_as_503.message.as_str()), (Code::Unavailable, "no tenant"));
    }

    #[test]
    fn both_encodings_come_back() {
        let status = RpcStatus::new(Code::InvalidArgument, "no");
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            assert_eq!(RpcStatus::read(&status.written(encoding), encoding), Some(status.clone()));
            assert_eq!(RpcStatus::read(b"", encoding), None);
        }
        assert_eq!(RpcStatus::read(b"404 page not found", Encoding::Json), None);
    }

    #[test]
    fn content_types_are_known_with_parameters_and_in_any_case() {
        assert_eq!(Encoding::of("application/json; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(Encoding::of("Application/X-Protobuf"), Some(Encoding::Protobuf));
        assert_eq!(Encoding::of("application/protobuf"), None);
        assert_eq!(Encoding::of("text/json"), None);
    }
}
