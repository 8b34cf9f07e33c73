//! OTLP over HTTP: `POST /v1/traces`, `/v1/metrics` and `/v1/logs`, protobuf or JSON, plain or gzip.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tonic::Code;

use super::{
    body::{self, BodyError},
    decode::{Encoding, decode},
    signal::{Logs, Metrics, Rejected, Signal, Traces},
    status::refuse,
};
use crate::backend::Ledger;

/// What the paths share.
#[derive(Debug, Clone)]
struct Receiver {
    ledger: Ledger,
    /// The largest body in bytes, as sent and unpacked.
    limit: usize,
    /// Where those who came with gRPC should have gone.
    grpc: SocketAddr,
}

/// The paths of OTLP over HTTP.
pub(in crate::backend) fn router(ledger: Ledger, limit: usize, grpc: SocketAddr) -> Router {
    Router::new()
        .route("/v1/traces", only_post(post(export::<Traces>)))
        .route("/v1/metrics", only_post(post(export::<Metrics>)))
        .route("/v1/logs", only_post(post(export::<Logs>)))
        .fallback(unknown_path)
        .with_state(Arc::new(Receiver { ledger, limit, grpc }))
}

async fn export<S: Signal>(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let Some(encoding) = encoding_of(request.headers()) else { return unknown_encoding(request.headers()) };
    let body = match read(request, receiver.limit).await {
        Ok(body) => body,
        Err(ReadError::Compression(name)) => {
            let words = format!("unsupported content-encoding `{name}`, supported: [gzip, identity]");
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, words, encoding);
        }
        Err(ReadError::Body(error)) => {
            let (http, code) = code_of(&error);
            return refuse(http, code, error.to_string(), encoding);
        }
    };
    match decode::<S>(&body, encoding) {
        Ok(message) => {
            let nothing = S::is_empty(&message);
            let rejected = S::keep(message, &receiver.ledger).or_else(|| warn_of_nothing::<S>(nothing, &body, encoding));
            accepted::<S>(rejected, encoding)
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, Code::InvalidArgument, error.to_string(), encoding),
    }
}

enum ReadError {
    Compression(String),
    Body(BodyError),
}

impl From<BodyError> for ReadError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

async fn read(request: Request, limit: usize) -> Result<Bytes, ReadError> {
    let name = request.headers().get(header::CONTENT_ENCODING).map_or("identity", |name| name.to_str().unwrap_or("(not text)"));
    let gzip = match name.to_ascii_lowercase().as_str() {
        "gzip" => true,
        "identity" | "" => false,
        other => return Err(ReadError::Compression(other.to_owned())),
    };
    if waits_in_vain(request.headers(), limit) {
        return Err(BodyError::TooLarge { limit }.into());
    }
    let body = body::read(request.into_body(), limit).await?;
    Ok(if gzip { body::gunzip(&body, limit)? } else { body })
}

/// Whether the sender asked before sending (`Expect: 100-continue`) and would send too much: it can be told before it starts.
fn waits_in_vain(headers: &HeaderMap, limit: usize) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    headers.contains_key(header::EXPECT) && announced.is_some_and(|length| length > limit)
}

/// OTLP/HTTP: only 429, 502, 503 and 504 are sent again, so each of these is permanent.
fn code_of(error: &BodyError) -> (StatusCode, Code) {
    match error {
        BodyError::TooLarge { .. } | BodyError::Bomb { .. } => (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument),
        BodyError::Slow => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
        BodyError::Broken(_) | BodyError::NotGzip(_) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
    }
}

fn encoding_of(headers: &HeaderMap) -> Option<Encoding> {
    headers.get(header::CONTENT_TYPE).and_then(|value| Encoding::of(value.to_str().ok()?))
}

/// Unknown keys of JSON are ignored, as OTLP demands; with `resource_spans` for `resourceSpans` that means everything.
fn warn_of_nothing<S: Signal>(nothing: bool, body: &[u8], encoding: Encoding) -> Option<Rejected> {
    let suspicious = nothing && encoding == Encoding::Json && !matches!(body.trim_ascii(), b"{}") && !names_field::<S>(body);
    suspicious.then(|| Rejected { count: 0, words: format!("the request has no `{}`; keys are in lowerCamelCase", S::FIELD) })
}

fn names_field<S: Signal>(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value.get(S::FIELD).is_some())
}

fn accepted<S: Signal>(rejected: Option<Rejected>, encoding: Encoding) -> Response {
    let body = match encoding {
        Encoding::Protobuf => S::response(rejected).encode_to_vec(),
        // Written by hand: the types of `opentelemetry-proto` write an absent message as null and a 64-bit integer as a number.
        Encoding::Json => match rejected {
            None => b"{}".to_vec(),
            Some(it) => json!({ "partialSuccess": { S::REJECTED: it.count.to_string(), "errorMessage": it.words } })
                .to_string()
                .into_bytes(),
        },
    };
    ([(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}

fn unknown_encoding(headers: &HeaderMap) -> Response {
    let got = headers.get(header::CONTENT_TYPE).map_or("none", |value| value.to_str().unwrap_or("(not text)"));
    let words = format!("unsupported content-type `{got}`, supported: [application/json, application/x-protobuf]\n");
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response()
}

fn only_post(route: MethodRouter<Arc<Receiver>>) -> MethodRouter<Arc<Receiver>> {
    route.fallback(|method: Method| async move {
        let words = format!("{method} is not allowed here, OTLP is sent with POST\n");
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, HeaderValue::from_static("POST"))], words)
    })
}

async fn unknown_path(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let grpc = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if grpc {
        let words = format!("this port speaks OTLP over HTTP; OTLP over gRPC is at http://{}", receiver.grpc);
        return tonic::Status::unimplemented(words).into_http();
    }
    let words =
        format!("`{}` is not a path of OTLP over HTTP; it has /v1/traces, /v1/metrics and /v1/logs\n", request.uri().path());
    (StatusCode::NOT_FOUND, words).into_response()
}
