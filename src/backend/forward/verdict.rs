//! What an answer says, whatever its protocol; and how it is said in the other one.

use std::time::Duration;

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::{Code, Status};

use super::{Answer, Protocol, hop::Hop};
use crate::backend::wire::{Compression, Encoding, ExportAnswer, Rejected, RpcStatus, frame, is_sent_again, unframe};

/// How much of an error's text is taken where it is no status, in characters.
const QUOTE: usize = 200;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(in crate::backend) enum Verdict {
    /// Taken, all of it or all but some.
    Accepted(Option<Rejected>),
    /// Not taken.
    Refused(Refusal),
}

/// Why a request was not taken.
#[derive(Debug, PartialEq)]
pub(in crate::backend) struct Refusal {
    /// In HTTP's terms.
    http: StatusCode,
    /// In gRPC's terms.
    status: RpcStatus,
    /// When the sender is asked to come again.
    retry_after: Option<Duration>,
}

impl Verdict {
    /// Reads an answer.
    pub(in crate::backend) fn of(answer: &Answer, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Grpc => Self::of_grpc(answer),
            Protocol::Http => Self::of_http(answer),
        }
    }

    fn of_http(answer: &Answer) -> Self {
        let encoding = answer.headers.get(header::CONTENT_TYPE).and_then(|value| Encoding::of(value.to_str().ok()?));
        // An answer is packed only for a sender that asked for it, and then it is passed on and need not be understood.
        let plain = Compression::of(answer.headers.get(header::CONTENT_ENCODING)) == Ok(Compression::Identity);
        let body = if plain { answer.body.as_ref() } else { &[] };
        if answer.status.is_success() {
            return Self::Accepted(match encoding {
                Some(Encoding::Json) => ExportAnswer::from_json(body).rejected,
                _ => ExportAnswer::decode(body).unwrap_or_default().tidy().rejected,
            });
        }
        let said = encoding.and_then(|encoding| RpcStatus::read(body, encoding));
        let text = if encoding == Some(Encoding::Protobuf) { String::new() } else { String::from_utf8_lossy(body).into_owned() };
        let text: String = text.trim().chars().take(QUOTE).collect();
        let retry_after = answer.headers.get(header::RETRY_AFTER).and_then(seconds);
        let words = if text.is_empty() { answer.status.to_string() } else { text };
        Self::Refused(Refusal { http: answer.status, status: RpcStatus::of_http(answer.status, said, &words), retry_after })
    }

    fn of_grpc(answer: &Answer) -> Self {
        let status = answer.trailers.as_ref().and_then(Status::from_header_map);
        let Some(status) = status.or_else(|| Status::from_header_map(&answer.headers)) else {
            let words = format!("it answered {} without a gRPC status", answer.status);
            let status = RpcStatus::of_http(answer.status, None, &words);
            return Self::Refused(Refusal { http: status.http(), status, retry_after: None });
        };
        if status.code() == Code::Ok {
            let message = unframe(&answer.body).ok().filter(|(_, packed)| !packed);
            let answer = message.and_then(|(message, _)| ExportAnswer::decode(message).ok());
            return Self::Accepted(answer.unwrap_or_default().tidy().rejected);
        }
        let told = RpcStatus::decode(status.details()).ok().filter(|told| told.code == status.code() as i32);
        let status = told.unwrap_or_else(|| RpcStatus::new(status.code(), status.message()));
        Self::Refused(Refusal { http: status.http(), retry_after: status.retry_after(), status })
    }

    /// As an answer over HTTP; `field` is the signal's name in JSON for the count of what was rejected.
    pub(in crate::backend) fn over_http(self, encoding: Encoding, field: &str) -> Response {
        match self {
            Self::Accepted(rejected) => {
                let answer = ExportAnswer { rejected };
                let body = match encoding {
                    Encoding::Protobuf => answer.encode_to_vec(),
                    Encoding::Json => answer.to_json(field),
                };
                ([(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
            }
            Self::Refused(refusal) => refusal.over_http(encoding),
        }
    }

    /// As an answer over gRPC.
    pub(in crate::backend) fn over_grpc(self) -> Response {
        match self {
            Self::Accepted(rejected) => {
                let message = frame(&ExportAnswer { rejected }.encode_to_vec(), false);
                let trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]);
                let body = Full::new(message).with_trailers(std::future::ready(Some(Ok(trailers))));
                ([(header::CONTENT_TYPE, "application/grpc")], Body::new(body)).into_response()
            }
            Self::Refused(refusal) => refusal.over_grpc(),
        }
    }
}

impl Refusal {
    /// One that a sender need not try again, or should on its own terms.
    pub(in crate::backend) fn new(http: StatusCode, code: Code, words: impl Into<String>) -> Self {
        Self { http, status: RpcStatus::new(code, words), retry_after: None }
    }

    /// One that passes: the sender is asked to come again soon.
    pub(in crate::backend) fn for_now(words: impl Into<String>) -> Self {
        let retry_after = Some(Duration::from_secs(1));
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, words) }
    }

    /// Why, in words.
    pub(in crate::backend) fn words(&self) -> &str {
        &self.status.message
    }

    /// What the next hop said, in the terms of its protocol.
    pub(in crate::backend) fn by(&self, hop: &Hop) -> String {
        let words = self.words();
        match hop.protocol() {
            Protocol::Http => format!("the next hop {} answered {}: {words}", hop.name(), self.http),
            Protocol::Grpc => format!("the next hop {} answered {:?}: {words}", hop.name(), self.status.code()),
        }
    }

    /// As an answer over HTTP.
    pub(in crate::backend) fn over_http(self, encoding: Encoding) -> Response {
        let body = self.status.written(encoding);
        let mut response = (self.http, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response();
        if let Some(after) = self.retry_after.filter(|_| is_sent_again(self.http)) {
            // Whole seconds, never sooner than was asked.
            response.headers_mut().insert(
                header::RETRY_AFTER,
                after.as_millis().div_ceil(1000).max(1).to_string().parse().expect("digits are a header"),
            );
        }
        response
    }

    /// As an answer over gRPC.
    pub(in crate::backend) fn over_grpc(self) -> Response {
        let (code, words) = (self.status.code(), self.status.message.clone());
        let details = match self.retry_after {
            Some(after) => self.status.asking_again(after).encode_to_vec().into(),
            None => Bytes::new(),
        };
        Status::with_details(code, words, details).into_http()
    }
}

/// `Retry-After` in seconds; a date is not read, the sender waits on its own terms then.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
