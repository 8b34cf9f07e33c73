//! `devstack trace --format json`: traces for programs that do not speak OTLP.
//!
//! ```json
//! { "version": 1, "traces": [ { "trace_id": "4bf9…", "case": "whatsapp/text-message", "duration_ms": 86.0, "spans": [ … ] } ] }
//! ```
//!
//! Spans are in order of start, attributes are plain JSON under their keys, times are milliseconds after the start of the trace (and
//! nanoseconds since the Unix epoch as text, which JSON numbers cannot hold). `--format otlp` keeps everything.

use serde_json::{Map, Value as Json, json};

use crate::model::{Attributes, CriticalPath, Span, Spender, Trace, Value};

/// The version of the shape; changes when a field changes its meaning or goes away.
pub const TRACE_VERSION: u32 = 1;

/// A trace and what is known of it.
#[derive(Debug)]
pub struct TraceEntry<'a> {
    /// The whole trace, whose spans are listed.
    pub trace: &'a Trace,
    /// The part of it that counts and times are of: without devstack's own spans.
    pub counted: &'a Trace,
    /// The run that kept it.
    pub run: Option<&'a str>,
    /// The fixture whose case it was.
    pub case: Option<&'a str>,
}

/// The traces as indented JSON, ended.
pub fn render(traces: &[TraceEntry<'_>]) -> String {
    let traces: Vec<_> = traces.iter().map(trace_json).collect();
    let document = json!({ "version": TRACE_VERSION, "traces": traces });
    serde_json::to_string_pretty(&document).expect("JSON values can be written") + "\n"
}

fn trace_json(entry: &TraceEntry<'_>) -> Json {
    let trace = entry.counted;
    let (start, end) = trace.bounds();
    let path = CriticalPath::of(trace);
    let spent: Vec<_> = path.by_spender(trace).into_iter().map(|(spender, time)| spender_json(&spender, time)).collect();
    json!({
        "trace_id": trace.id(),
        "run": entry.run,
        "case": entry.case,
        "start_unix_nano": start.to_string(),
        "duration_ms": millis(end - start),
        "services": trace.services(),
        "errors": trace.spans().iter().filter(|span| span.is_error()).count(),
        "critical_path": { "duration_ms": millis(path.duration().as_nanos() as u64), "spent": spent },
        "spans": entry.trace.spans().iter().map(|span| span_json(span, start)).collect::<Vec<_>>(),
    })
}

fn spender_json(spender: &Spender, time: std::time::Duration) -> Json {
    let (kind, name) = match spender {
        Spender::Service(name) => ("service", Some(name)),
        Spender::External(name) => ("external", Some(name)),
        Spender::Waiting => ("waiting", None),
    };
    json!({ "kind": kind, "name": name, "duration_ms": millis(time.as_nanos() as u64) })
}

fn span_json(span: &Span, start: u64) -> Json {
    let events = span.events.iter().map(|event| {
        json!({
            "name": event.name,
            "at_ms": after(event.time_ns, start),
            "attributes": attributes_json(&event.attributes),
        })
    });
    let links = span.links.iter().map(|link| json!({ "trace_id": link.trace_id, "span_id": link.span_id }));
    json!({
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "service": span.service(),
        "stand_in": span.is_stand_in(),
        "start_ms": after(span.start_ns, start),
        "start_unix_nano": span.start_ns.to_string(),
        "duration_ms": millis(span.end_ns.saturating_sub(span.start_ns)),
        "status": span.status.code,
        "status_message": span.status.message,
        "attributes": attributes_json(&span.attributes),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "resource": attributes_json(&span.resource.attributes),
        "scope": span.scope.name,
    })
}

fn attributes_json(attributes: &Attributes) -> Json {
    let mut map = Map::new();
    for (key, value) in attributes.iter() {
        // The first of two equal keys wins, as everywhere.
        map.entry(key).or_insert_with(|| value_json(value));
    }
    Json::Object(map)
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::String(text) => json!(text),
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        // JSON has no infinities: they go as text.
        Value::Double(number) if !number.is_finite() => json!(number.to_string()),
        Value::Double(number) => json!(number),
        Value::Bytes(bytes) => json!(const_hex::encode(bytes)),
        Value::Array(values) => values.iter().map(value_json).collect(),
        Value::Map(map) => attributes_json(map),
        Value::Empty => Json::Null,
    }
}

/// Milliseconds from `start` to `at`; devstack's own spans begin before the services'.
fn after(at: u64, start: u64) -> f64 {
    if at >= start { millis(at - start) } else { -millis(start - at) }
}

/// Milliseconds, to the microsecond.
fn millis(nanos: u64) -> f64 {
    (nanos as f64 / 1e3).round() / 1e3
}
