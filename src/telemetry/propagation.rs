//! Trace context between processes: one [`Carrier`] for HTTP headers and for JSON payloads.
//!
//! Fed by servers (headers), workers (payloads) and clients (the active span); read by `span` as a parent. The format is W3C Trace
//! Context, strictly: what is malformed is no parent at all.

use std::str::FromStr;

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use serde_json::{Map, Value};

use crate::support::{clock, hex, random};

/// W3C Trace Context: trace id, parent span id and flags.
pub const TRACEPARENT: &str = "traceparent";
/// W3C Trace Context: what other tracing systems want carried along.
pub const TRACESTATE: &str = "tracestate";
/// W3C Trace Context level 2: the span that answered, in a response.
pub const TRACERESPONSE: &str = "traceresponse";
/// The correlation id, as a header and as a field of a payload.
pub const CORRELATION_HEADER: &str = "x-correlation-id";
/// The correlation id as a field of a payload.
pub const CORRELATION_FIELD: &str = "correlationId";

/// What travels with a request or a payload: at most `traceparent`, `tracestate`, `correlationId` and `x-correlation-id`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carrier {
    /// `00-<32 hex>-<16 hex>-<2 hex>`; `None` where no span was active.
    pub traceparent: Option<String>,
    /// Present only where there is something in it.
    pub tracestate: Option<String>,
    /// The correlation id.
    pub correlation_id: Option<String>,
}

impl Carrier {
    /// The carrier of `context`'s span.
    pub fn of(context: &Context) -> Self {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return Self::default();
        }
        let tracestate = span.trace_state().header();
        Self {
            traceparent: Some(traceparent(span)),
            tracestate: Some(tracestate).filter(|text| !text.is_empty()),
            correlation_id: None,
        }
    }

    /// The same carrier with a correlation id.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: &str) -> Self {
        self.correlation_id = Some(correlation_id.to_owned()).filter(|text| !text.is_empty());
        self
    }

    /// Reads headers, in whatever case they come.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        // The specification joins repeated `tracestate` headers; a repeated `traceparent` is malformed.
        let states: Vec<&str> = headers.get_all(TRACESTATE).iter().filter_map(|value| value.to_str().ok()).collect();
        Self {
            traceparent: text(TRACEPARENT).filter(|_| headers.get_all(TRACEPARENT).iter().count() == 1),
            tracestate: Some(states.join(",")).filter(|joined| !joined.is_empty()),
            correlation_id: text(CORRELATION_HEADER).filter(|id| !id.is_empty()),
        }
    }

    /// Reads the fields of a payload, in whatever case they come; `correlationId` wins over `x-correlation-id`.
    pub fn from_payload(payload: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            let exact = payload.get(name).or_else(|| find_ignoring_case(payload, name));
            exact.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            traceparent: text(TRACEPARENT),
            tracestate: text(TRACESTATE),
            correlation_id: text(CORRELATION_FIELD).or_else(|| text(CORRELATION_HEADER)),
        }
    }

    /// A context whose span is the remote one named here; without a parent where `traceparent` is absent or malformed.
    pub fn context(&self) -> Context {
        let Some(remote) = self.traceparent.as_deref().and_then(|text| parse(text, self.tracestate.as_deref())) else {
            return Context::new();
        };
        Context::new().with_remote_span_context(remote)
    }

    /// Writes the headers into `headers`, replacing what they say.
    pub fn inject(&self, headers: &mut HeaderMap) {
        for (name, value) in self.header_fields() {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }

    /// Writes the fields into a payload, replacing what they say.
    pub fn inject_into(&self, payload: &mut Map<String, Value>) {
        for (name, value) in self.fields() {
            payload.insert(name.to_owned(), Value::from(value));
        }
    }

    /// The fields of a payload: `traceparent`, `tracestate`, `correlationId`, `x-correlation-id`, those that are there.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let correlation = self.correlation_id.as_deref().map(|id| (CORRELATION_FIELD, id));
        self.traceparent
            .as_deref()
            .map(|text| (TRACEPARENT, text))
            .into_iter()
            .chain(self.tracestate.as_deref().map(|text| (TRACESTATE, text)))
            .chain(correlation)
            .chain(self.correlation_id.as_deref().map(|id| (CORRELATION_HEADER, id)))
    }

    /// The headers: the same without `correlationId`, which is a payload's spelling.
    fn header_fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields().filter(|(name, _)| *name != CORRELATION_FIELD)
    }
}

impl From<&HeaderMap> for Carrier {
    fn from(headers: &HeaderMap) -> Self {
        Self::from_headers(headers)
    }
}

impl From<&Map<String, Value>> for Carrier {
    fn from(payload: &Map<String, Value>) -> Self {
        Self::from_payload(payload)
    }
}

impl From<&Self> for Carrier {
    fn from(carrier: &Self) -> Self {
        carrier.clone()
    }
}

/// What a webhook puts into a task's payload: the context of `context`'s span (the producer's, not the request's) and the
/// correlation id.
pub fn create_webhook_trace_context(context: &Context, correlation_id: &str) -> Carrier {
    Carrier::of(context).with_correlation_id(correlation_id)
}

/// The remote parent named by headers, by a payload or by a [`Carrier`]; an empty context where there is none.
pub fn extract_trace_context(carrier: impl Into<Carrier>) -> Context {
    carrier.into().context()
}

/// Writes the context of `context`'s span, and the correlation id if there is one, into the headers of an outgoing request.
pub fn inject_trace_context(context: &Context, correlation_id: Option<&str>, headers: &mut HeaderMap) {
    Carrier::of(context).with_correlation_id(correlation_id.unwrap_or_default()).inject(headers);
}

/// A new correlation id as MedicalCor makes them: milliseconds since 1970, a hyphen, the first twelve characters of a UUID.
pub fn generate_correlation_id() -> String {
    format!("{}-{}", clock::unix_nanos() / 1_000_000, &random::uuid()[..12])
}

/// The `traceparent` (and `traceresponse`) text of a span.
pub(super) fn traceparent(span: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), (span.trace_flags() & TraceFlags::SAMPLED).to_u8())
}

fn find_ignoring_case<'a>(payload: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    payload.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Parses a `traceparent` of version 00 exactly, and of a later version as far as version 00 goes.
fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<SpanContext> {
    let text = traceparent.trim_matches([' ', '\t']);
    let (fields, rest) = text.split_at_checked(55)?;
    let mut parts = fields.split('-');
    let version = lower_hex::<1>(parts.next()?)?[0];
    let trace_id = TraceId::from(u128::from_be_bytes(lower_hex(parts.next()?)?));
    let span_id = SpanId::from(u64::from_be_bytes(lower_hex(parts.next()?)?));
    let flags = lower_hex::<1>(parts.next()?)?[0];
    let well_formed = match version {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let state = tracestate.and_then(|text| TraceState::from_str(text).ok()).unwrap_or_default();
    let span = SpanContext::new(trace_id, span_id, flags, true, state);
    (well_formed && parts.next().is_none() && span.is_valid()).then_some(span)
}

/// Exactly `2 * N` hex digits in lower case, as the specification demands.
fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::parse(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase()))
}
