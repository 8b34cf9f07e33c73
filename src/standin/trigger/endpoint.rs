//! The routes: one run, and what is asked over `/_devstack/enqueued`. Answers are the real service's, as the SDK wants them.
//!
//! Merged by `service`; batches are in `batch`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, request::Parts};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    BearerKey, Call,
    book::{Book, Wanted},
    call::{Unreadable, lifetime, new_id},
    service::Continuation,
};
use crate::{
    model::{Enqueued, EnqueuedRuns, PayloadContext, RemoteSpan, SpanId, TraceId},
    standin::http::{BodyError, read_body},
    support::{clock, hex},
    telemetry::{Carrier, TRACEPARENT, TraceContextExt as _},
};

/// Largest body taken, in bytes: the real service's three mebibytes for a payload.
const LARGEST_BODY: usize = 3 << 20;
/// Characters kept of a text that the caller chose; the book has a bound, and its lines need one too.
const LONGEST_TEXT: usize = 256;
/// What the SDK makes its public access token of.
const CLAIMS: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-trigger-jwt-claims"), HeaderValue::from_static(r#"{"sub":"env_stand_in","pub":true}"#));

/// What the routes share.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) key: BearerKey,
    pub(super) book: Book,
    /// `None` where a real worker goes on with the traces.
    pub(super) continuation: Option<Continuation>,
}

/// An answer that is an error, in the real service's shape: `{error}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("Invalid or Missing API key")]
    Unauthorized,
    #[error("Request body too large")]
    TooLarge,
    #[error("Request body broke off")]
    BrokeOff,
    #[error("{0}")]
    Invalid(String),
    #[error(
        "the stand-in for the Trigger.dev API has no `{0}`: it takes runs, by `tasks.trigger` and `batchTrigger`, and runs none"
    )]
    NotFound(String),
}

/// A run, as its caller gets to know it.
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) cached: bool,
}

/// `POST /api/v1/tasks/{id}/trigger`.
pub(super) async fn trigger(
    State(endpoint): State<Arc<Endpoint>>,
    Path(task): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = endpoint.let_in(request).await?;
    let mut call = endpoint.readable(Call::read(&body))?;
    let header = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    call.idempotency_key = call.idempotency_key.or_else(|| header("idempotency-key").map(str::to_owned));
    call.key_holds = call.key_holds.or_else(|| header("idempotency-key-ttl").and_then(lifetime));
    let run = endpoint.take(&task, call, &parts.headers, Taken { id: new_id("run"), cached: false }).await;
    Ok(answer(StatusCode::OK, json!({"id": run.id, "isCached": run.cached})))
}

/// `GET /_devstack/enqueued`.
pub(super) async fn enqueued(
    State(endpoint): State<Arc<Endpoint>>,
    Query(question): Query<Question>,
) -> Result<Json<EnqueuedRuns>, Refusal> {
    let no_id = || Refusal::Invalid("`trace` is not an id of 32 hex digits".to_owned());
    let trace = question.trace.map(|text| TraceId::parse(&text).ok_or_else(no_id)).transpose()?;
    let correlation = question.correlation.as_deref().map(kept);
    Ok(Json(endpoint.book.find(&Wanted { trace, correlation, since_ns: question.since })))
}

/// Everything else.
pub(super) async fn not_found(uri: Uri) -> Refusal {
    Refusal::NotFound(uri.path().to_owned())
}

/// What is asked of the book.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    trace: Option<String>,
    correlation: Option<String>,
    since: Option<u64>,
}

/// An answer as the SDK wants it.
pub(super) fn answer(status: StatusCode, body: Value) -> Response {
    (status, [CLAIMS], Json(body)).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokeOff | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

impl Endpoint {
    /// The request's parts and body, if it brings the key.
    pub(super) async fn let_in(&self, request: Request) -> Result<(Parts, bytes::Bytes), Refusal> {
        let (parts, body) = request.into_parts();
        if !self.key.authorizes(&parts.headers) {
            self.book.unauthorized();
            return Err(Refusal::Unauthorized);
        }
        let body = read_body(body, LARGEST_BODY).await.map_err(|error| {
            self.book.unreadable();
            match error {
                BodyError::TooLarge => Refusal::TooLarge,
                BodyError::BrokeOff => Refusal::BrokeOff,
            }
        })?;
        Ok((parts, body))
    }

    /// Counts what could not be read.
    pub(super) fn readable<T>(&self, read: Result<T, Unreadable>) -> Result<T, Refusal> {
        read.map_err(|error| {
            self.book.unreadable();
            Refusal::Invalid(error.to_string())
        })
    }

    /// Takes a run as what it is given to be, or as the run that has its key already; writes it down; goes on with the trace of a new one.
    pub(super) async fn take(&self, task: &str, call: Call, headers: &HeaderMap, run: Taken) -> Taken {
        let key = call.idempotency_key.as_deref();
        let first = key.and_then(|key| {
            let owned = (task.to_owned(), key.to_owned());
            self.book.claim(owned, std::slice::from_ref(&run.id), call.key_holds)?.into_iter().next()
        });
        let taken = Taken { cached: run.cached || first.is_some(), id: first.unwrap_or(run.id) };
        let fields = call.fields.unwrap_or_default();
        self.book.record(describe(task, &taken, key, &fields, headers));
        if let Some(continuation) = self.continuation.as_ref().filter(|_| !taken.cached) {
            continuation.go_on(task, &taken.id, &fields).await;
        }
        taken
    }
}

/// The line of a call in the book.
fn describe(task: &str, taken: &Taken, key: Option<&str>, fields: &Map<String, Value>, headers: &HeaderMap) -> Enqueued {
    let (payload, request) = (Carrier::from_payload(fields), Carrier::from_headers(headers));
    let as_sdk = key.is_none_or(|key| hex::parse::<32>(key).is_some());
    Enqueued {
        task: kept(task),
        run_id: taken.id.clone(),
        at_ns: clock::unix_nanos(),
        cached: taken.cached,
        idempotency_key: key.map(|key| if as_sdk { key.to_owned() } else { const_hex::encode(Sha256::digest(key)) }),
        key_as_sdk: as_sdk,
        payload: match remote(&payload) {
            Some(span) => PayloadContext::Valid(span),
            None if names_parent(fields) => PayloadContext::Invalid,
            None => PayloadContext::Absent,
        },
        request: remote(&request),
        correlation_id: payload.correlation_id.or(request.correlation_id).as_deref().map(kept),
    }
}

fn remote(carrier: &Carrier) -> Option<RemoteSpan> {
    let context = carrier.context();
    let span = context.span();
    let span = span.span_context();
    Some(RemoteSpan {
        trace_id: TraceId::new(span.trace_id().to_bytes())?,
        span_id: SpanId::new(span.span_id().to_bytes())?,
        sampled: span.is_sampled(),
    })
}

/// Whether there is something under `traceparent`, be it of the wrong type.
fn names_parent(fields: &Map<String, Value>) -> bool {
    fields.iter().any(|(name, value)| name.eq_ignore_ascii_case(TRACEPARENT) && !value.is_null())
}

fn kept(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Map, Value, json};

    use super::{Enqueued, PayloadContext, Taken, describe};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn described(fields: Value, key: Option<&str>, headers: &HeaderMap) -> Enqueued {
        let Value::Object(fields): Value = fields else { panic!("not an object") };
        describe("t", &Taken { id: "run_1".to_owned(), cached: false }, key, &fields, headers)
    }

    #[test]
    fn what_a_payload_says_of_its_trace_is_told_apart() {
        let state = |fields| described(fields, None, &HeaderMap::new()).payload;
        let PayloadContext::Valid(span) = state(json!({"traceparent": PARENT})) else { panic!("not valid") };
        assert_eq!(span.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((span.span_id.to_string().as_str(), span.sampled), ("b7ad6b7169203331", true));
        assert_eq!(state(json!({"a": 1, "traceparent": null})), PayloadContext::Absent);
        for invalid in [json!("garbage"), json!(""), json!(7), json!({}), json!(PARENT.to_uppercase())] {
            assert_eq!(state(json!({"TraceParent": invalid})), PayloadContext::Invalid);
        }
    }

    #[test]
    fn the_request_speaks_where_the_payload_does_not() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", PARENT.parse().unwrap());
        headers.insert("x-correlation-id", "c-header".parse().unwrap());
        let call = described(json!({}), None, &headers);
        assert_eq!(call.correlation_id.as_deref(), Some("c-header"));
        assert_eq!((call.request.unwrap().span_id.to_string().as_str(), call.parent()), ("b7ad6b7169203331", None));
        let call = described(json!({"correlationId": "c-payload"}), None, &headers);
        assert_eq!(call.correlation_id.as_deref(), Some("c-payload"));
    }

    #[test]
    fn a_key_that_may_say_something_is_not_told() {
        let told = |key: &str| {
            let call = described(Value::Object(Map::new()), Some(key), &HeaderMap::new());
            (call.idempotency_key.unwrap(), call.key_as_sdk)
        };
        let sdk = "86a221af018e623defe1a06f13b15a199c3ad4aa9e3d0ce91550a1550ee3fbdc";
        assert_eq!(told(sdk), (sdk.to_owned(), true));
        let (key, as_sdk) = told("wa-msg:+40721000000");
        assert!(key.len() == 64 && !as_sdk);
    }
}
