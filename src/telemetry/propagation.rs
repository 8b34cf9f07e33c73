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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn span_of(traceparent: &str) -> Option<SpanContext> {
        parse(traceparent, None)
    }

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn a_well_formed_traceparent_is_a_remote_parent() {
        let span = span_of(PARENT).unwrap();
        assert_eq!(span.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.span_id().to_string(), "b7ad6b7169203331");
        assert!(span.is_remote() && span.is_sampled());
        assert!(!span_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap().is_sampled());
        // Bits that version 00 does not know are ignored, and not passed on.
        let unknown_bits = span_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe").unwrap();
        assert!(!unknown_bits.is_sampled());
        assert!(traceparent(&unknown_bits).ends_with("-00"));
    }

    #[test]
    fn a_later_version_counts_as_far_as_version_00_goes() {
        assert!(span_of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings").is_some());
        assert!(span_of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what").is_none());
    }

    #[test]
    fn a_malformed_traceparent_is_no_parent() {
        for malformed in [
            "",
            "garbage",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-xaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
        ] {
            assert!(span_of(malformed).is_none(), "`{malformed}` was taken for a parent");
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_tracestate_is_kept() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("TraceParent", PARENT), ("TRACESTATE", "devstack=1"), ("tracestate", "other=2"), ("X-Correlation-ID", "c-1")]
        {
            headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
        }
        let carrier = Carrier::from_headers(&headers);
        assert_eq!(carrier.correlation_id.as_deref(), Some("c-1"));
        let context = extract_trace_context(&headers);
        assert_eq!(context.span().span_context().trace_state().header(), "devstack=1,other=2");
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert!(!extract_trace_context(&headers).has_active_span(), "two parents are none");
    }

    #[test]
    fn a_payload_gives_back_what_was_put_into_it() {
        let mut payload = object(json!({ "text": "hello" }));
        let context = Carrier { traceparent: Some(PARENT.to_owned()), ..Carrier::default() }.context();
        create_webhook_trace_context(&context, "c-1").inject_into(&mut payload);
        assert_eq!(
            Value::Object(payload.clone()),
            json!({ "text": "hello", "traceparent": PARENT, "correlationId": "c-1", "x-correlation-id": "c-1" })
        );
        let extracted = extract_trace_context(&payload);
        assert_eq!(extracted.span().span_context(), context.span().span_context());
    }

    #[test]
    fn fields_of_a_payload_are_found_in_any_case_and_wrong_types_are_not_there() {
        let payload = object(json!({ "TraceParent": PARENT, "X-Correlation-Id": "c-2", "tracestate": 7 }));
        let carrier = Carrier::from_payload(&payload);
        assert_eq!(carrier.traceparent.as_deref(), Some(PARENT));
        assert_eq!(carrier.correlation_id.as_deref(), Some("c-2"));
        assert_eq!(carrier.tracestate, None);
    }

    #[test]
    fn without_a_span_nothing_but_the_correlation_id_travels() {
        let mut headers = HeaderMap::new();
        inject_trace_context(&Context::new(), Some("c-1"), &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[CORRELATION_HEADER], "c-1");
    }

    #[test]
    fn a_generated_correlation_id_has_the_shape_of_medicalcor() {
        let id = generate_correlation_id();
        let (millis, rest) = id.split_once('-').unwrap();
        assert!(millis.len() == 13 && millis.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
        assert_eq!((rest.len(), rest.as_bytes()[8]), (12, b'-'), "{id}");
    }
}
