//! The JSON of gogo's jsonpb to OTLP, and OTLP's own JSON, which Jaeger answers: they differ in ids (base64 or hex) and enums.
//!
//! As lenient as jsonpb: what is missing is zero, unknown keys are passed over, 64-bit integers are text or numbers, enums names
//! or numbers.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status, TracesData,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};
use serde_json::Value as Json;

use super::TraceById;
use crate::support::hex;

/// What in the JSON is not what Tempo writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is not {expected}: `{got}`")]
pub struct BadJson {
    /// The key at fault.
    pub field: &'static str,
    /// What it should be.
    pub expected: &'static str,
    /// What it is, shortened.
    pub got: String,
}

type Read<T> = Result<T, BadJson>;

pub(super) fn answer(json: &Json) -> Read<TraceById> {
    let (trace, field) = match json.get("trace") {
        Some(trace) => (trace, "resourceSpans"),
        None => (json, "batches"),
    };
    let trace = TracesData { resource_spans: list(trace, field, resource_spans)? };
    let status = i32::from(json.get("status").is_some_and(|status| status == "PARTIAL" || status == 1));
    Ok(TraceById { trace: Some(trace), metrics: None, status, message: text(json, "message")? })
}

/// The resource spans under `field`, wherever an answer carries them.
pub(in crate::model) fn resource_spans_in(json: &Json, field: &'static str) -> Read<Vec<ResourceSpans>> {
    list(json, field, resource_spans)
}

fn resource_spans(json: &Json) -> Read<ResourceSpans> {
    let resource = match json.get("resource") {
        Some(resource) => Some(Resource { attributes: list(resource, "attributes", key_value)?, ..Default::default() }),
        None => None,
    };
    Ok(ResourceSpans { resource, scope_spans: list(json, "scopeSpans", scope_spans)?, schema_url: String::new() })
}

fn scope_spans(json: &Json) -> Read<ScopeSpans> {
    let scope = json.get("scope").map(scope).transpose()?;
    Ok(ScopeSpans { scope, spans: list(json, "spans", span)?, schema_url: String::new() })
}

fn scope(json: &Json) -> Read<InstrumentationScope> {
    Ok(InstrumentationScope {
        name: text(json, "name")?,
        version: text(json, "version")?,
        attributes: list(json, "attributes", key_value)?,
        dropped_attributes_count: 0,
    })
}

fn span(json: &Json) -> Read<Span> {
    Ok(Span {
        trace_id: id::<16>(json, "traceId")?,
        span_id: id::<8>(json, "spanId")?,
        trace_state: text(json, "traceState")?,
        parent_span_id: id::<8>(json, "parentSpanId")?,
        flags: integer(json, "flags")?,
        name: text(json, "name")?,
        kind: named(json, "kind", |name| SpanKind::from_str_name(name).map(i32::from))?,
        start_time_unix_nano: integer(json, "startTimeUnixNano")?,
        end_time_unix_nano: integer(json, "endTimeUnixNano")?,
        attributes: list(json, "attributes", key_value)?,
        events: list(json, "events", event)?,
        links: list(json, "links", link)?,
        status: json.get("status").map(status).transpose()?,
        ..Default::default()
    })
}

fn event(json: &Json) -> Read<Event> {
    Ok(Event {
        time_unix_nano: integer(json, "timeUnixNano")?,
        name: text(json, "name")?,
        attributes: list(json, "attributes", key_value)?,
        dropped_attributes_count: 0,
    })
}

fn link(json: &Json) -> Read<Link> {
    Ok(Link {
        trace_id: id::<16>(json, "traceId")?,
        span_id: id::<8>(json, "spanId")?,
        trace_state: text(json, "traceState")?,
        attributes: list(json, "attributes", key_value)?,
        ..Default::default()
    })
}

fn status(json: &Json) -> Read<Status> {
    let code = named(json, "code", |name| StatusCode::from_str_name(name).map(i32::from))?;
    Ok(Status { code, message: text(json, "message")? })
}

fn key_value(json: &Json) -> Read<KeyValue> {
    Ok(KeyValue { key: text(json, "key")?, value: json.get("value").map(any).transpose()?, ..Default::default() })
}

fn any(json: &Json) -> Read<AnyValue> {
    let Some((key, inner)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Ok(AnyValue::default());
    };
    let value = match key.as_str() {
        "stringValue" => Any::StringValue(text(json, "stringValue")?),
        "boolValue" => Any::BoolValue(inner.as_bool().ok_or_else(|| bad("boolValue", "true or false", inner))?),
        "intValue" => Any::IntValue(integer(json, "intValue")?),
        "doubleValue" => Any::DoubleValue(double(inner)?),
        "bytesValue" => Any::BytesValue(bytes(json, "bytesValue")?),
        "arrayValue" => Any::ArrayValue(ArrayValue { values: list(inner, "values", any)? }),
        "kvlistValue" => Any::KvlistValue(KeyValueList { values: list(inner, "values", key_value)? }),
        _ => return Ok(AnyValue::default()),
    };
    Ok(AnyValue { value: Some(value) })
}

fn list<T>(json: &Json, field: &'static str, of: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    match json.get(field) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(items)) => items.iter().map(of).collect(),
        Some(other) => Err(bad(field, "a list", other)),
    }
}

fn text(json: &Json, field: &'static str) -> Read<String> {
    match json.get(field) {
        None | Some(Json::Null) => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(other) => Err(bad(field, "text", other)),
    }
}

fn bytes(json: &Json, field: &'static str) -> Read<Vec<u8>> {
    let text = text(json, field)?;
    BASE64.decode(&text).map_err(|_| bad(field, "base64", &Json::String(text)))
}

/// An id of `N` bytes in hex or base64: their lengths tell them apart.
fn id<const N: usize>(json: &Json, field: &'static str) -> Read<Vec<u8>> {
    match hex::parse::<N>(&text(json, field)?) {
        Some(id) => Ok(id.to_vec()),
        None => bytes(json, field),
    }
}

/// An integer of any width, as text or number; zero when missing.
fn integer<T: TryFrom<i128> + Default>(json: &Json, field: &'static str) -> Read<T> {
    let Some(value) = json.get(field) else { return Ok(T::default()) };
    let number: Option<i128> = match value {
        Json::Null => Some(0),
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        _ => None,
    };
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| bad(field, "an integer that fits", value))
}

fn double(value: &Json) -> Read<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| bad("doubleValue", "a number", value))
}

fn named(json: &Json, field: &'static str, number_of: impl Fn(&str) -> Option<i32>) -> Read<i32> {
    match json.get(field) {
        Some(Json::String(name)) => {
            number_of(name).ok_or_else(|| bad(field, "a name of OTLP's enum", &Json::String(name.clone())))
        }
        _ => integer(json, field),
    }
}

fn bad(field: &'static str, expected: &'static str, got: &Json) -> BadJson {
    let got = got.as_str().map_or_else(|| got.to_string(), str::to_owned);
    BadJson { field, expected, got: got.chars().take(60).collect() }
}
