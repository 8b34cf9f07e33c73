//! OTLP to the JSON that gogo's jsonpb writes.
//!
//! Zero values are left out, except inside the value of an attribute: there the field that is set says of what type it is.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value as Any},
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status, TracesData,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};
use serde_json::{Map, Value as Json, json};

use super::TraceById;

pub(super) fn answer(answer: &TraceById) -> Json {
    let mut object = Object::default();
    object.put("trace", answer.trace.as_ref().map(trace));
    object.put("metrics", answer.metrics.map(|_| json!({})));
    object.put("status", (answer.status != 0).then_some("PARTIAL"));
    object.text("message", &answer.message);
    object.done()
}

fn trace(data: &TracesData) -> Json {
    let mut object = Object::default();
    object.list("resourceSpans", &data.resource_spans, resource_spans);
    object.done()
}

fn resource_spans(batch: &ResourceSpans) -> Json {
    let mut object = Object::default();
    object.put("resource", batch.resource.as_ref().map(|resource| with_attributes(&resource.attributes)));
    object.list("scopeSpans", &batch.scope_spans, scope_spans);
    object.done()
}

fn with_attributes(attributes: &[KeyValue]) -> Json {
    let mut object = Object::default();
    object.list("attributes", attributes, key_value);
    object.done()
}

fn scope_spans(batch: &ScopeSpans) -> Json {
    let mut object = Object::default();
    object.put("scope", batch.scope.as_ref().map(scope));
    object.list("spans", &batch.spans, span);
    object.done()
}

fn scope(scope: &InstrumentationScope) -> Json {
    let mut object = Object::default();
    object.text("name", &scope.name);
    object.text("version", &scope.version);
    object.list("attributes", &scope.attributes, key_value);
    object.done()
}

fn span(span: &Span) -> Json {
    let mut object = Object::default();
    object.bytes("traceId", &span.trace_id);
    object.bytes("spanId", &span.span_id);
    object.text("traceState", &span.trace_state);
    object.bytes("parentSpanId", &span.parent_span_id);
    object.put("flags", (span.flags != 0).then_some(span.flags));
    object.text("name", &span.name);
    object.put("kind", (span.kind != 0).then(|| span_kind(span.kind)));
    object.long("startTimeUnixNano", span.start_time_unix_nano);
    object.long("endTimeUnixNano", span.end_time_unix_nano);
    object.list("attributes", &span.attributes, key_value);
    object.list("events", &span.events, event);
    object.list("links", &span.links, link);
    object.put("status", span.status.as_ref().map(status));
    object.done()
}

fn event(event: &Event) -> Json {
    let mut object = Object::default();
    object.long("timeUnixNano", event.time_unix_nano);
    object.text("name", &event.name);
    object.list("attributes", &event.attributes, key_value);
    object.done()
}

fn link(link: &Link) -> Json {
    let mut object = Object::default();
    object.bytes("traceId", &link.trace_id);
    object.bytes("spanId", &link.span_id);
    object.text("traceState", &link.trace_state);
    object.list("attributes", &link.attributes, key_value);
    object.done()
}

fn status(status: &Status) -> Json {
    let mut object = Object::default();
    object.text("message", &status.message);
    object.put("code", (status.code != 0).then(|| status_code(status.code)));
    object.done()
}

/// The name of an enum's value; a number that has none stays a number, as in jsonpb.
fn span_kind(kind: i32) -> Json {
    SpanKind::try_from(kind).map_or_else(|_| kind.into(), |kind| kind.as_str_name().into())
}

fn status_code(code: i32) -> Json {
    StatusCode::try_from(code).map_or_else(|_| code.into(), |code| code.as_str_name().into())
}

fn key_value(pair: &KeyValue) -> Json {
    let mut object = Object::default();
    object.text("key", &pair.key);
    object.put("value", pair.value.as_ref().map(any));
    object.done()
}

fn any(any: &AnyValue) -> Json {
    match &any.value {
        Some(Any::StringValue(text)) => json!({ "stringValue": text }),
        Some(Any::BoolValue(truth)) => json!({ "boolValue": truth }),
        Some(Any::IntValue(number)) => json!({ "intValue": number.to_string() }),
        Some(Any::DoubleValue(number)) => json!({ "doubleValue": double(*number) }),
        Some(Any::BytesValue(bytes)) => json!({ "bytesValue": BASE64.encode(bytes) }),
        Some(Any::ArrayValue(list)) => json!({ "arrayValue": with_values(&list.values, self::any) }),
        Some(Any::KvlistValue(list)) => json!({ "kvlistValue": with_values(&list.values, key_value) }),
        // An index into a table of strings that only profiles have.
        Some(Any::StringValueStrindex(_)) | None => json!({}),
    }
}

fn with_values<T>(values: &[T], of: impl Fn(&T) -> Json) -> Json {
    let mut object = Object::default();
    object.list("values", values, of);
    object.done()
}

fn double(number: f64) -> Json {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        number.into()
    }
}

/// A JSON object that leaves out zero values.
#[derive(Default)]
struct Object(Map<String, Json>);

impl Object {
    fn put(&mut self, key: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, (!text.is_empty()).then_some(text));
    }

    fn bytes(&mut self, key: &str, bytes: &[u8]) {
        self.put(key, (!bytes.is_empty()).then(|| BASE64.encode(bytes)));
    }

    fn long(&mut self, key: &str, number: u64) {
        self.put(key, (number != 0).then(|| number.to_string()));
    }

    fn list<T>(&mut self, key: &str, items: &[T], of: impl Fn(&T) -> Json) {
        self.put(key, (!items.is_empty()).then(|| items.iter().map(of).collect::<Vec<_>>()));
    }

    fn done(self) -> Json {
        Json::Object(self.0)
    }
}
