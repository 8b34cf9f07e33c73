//! Jaeger's answer to "a trace by its id" (`/api/v3`), without what Jaeger added to it.
//!
//! Read by `client`. Measured with Jaeger 2.13 in memory: ids, times, kinds, statuses, flags, `tracestate`, events, links, scopes and the
//! types of all values come back as they were sent. What it changes on the way in, and what is undone here:
//! - a span that does not end after it began is made a nanosecond long; the end that was sent stands in a warning;
//! - a resource without `service.name` is given one, and one whose name is empty another;
//! - warnings are written into the attribute `@jaeger@warnings`.
//!
//! What it loses: the order of attributes (it sorts them by key), schema addresses, and `tracestate` of links (which the model does not have
//! either).

use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use serde_json::Value as Json;

use super::{
    Attributes, Resource, Span, Value,
    otlp::{BadSpan, spans_of},
    tempo::{BadJson, resource_spans_in},
};

/// The attribute in which Jaeger keeps its warnings.
const WARNINGS: &str = "@jaeger@warnings";

/// What a resource is called that was sent without `service.name`.
const NO_NAME: &str = "missing-service-name";

/// What a resource is called whose `service.name` was empty.
const EMPTY_NAME: &str = "empty-service-name";

/// Between these words of a warning stands the end that was sent.
const ORIGINAL_END: (&str, &str) = ("Original end timestamp: ", " UTC, adjusted to");

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// A field of the JSON is not what Jaeger writes.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// A span is none.
    #[error(transparent)]
    Span(#[from] BadSpan),
}

/// The spans of an answer, as they were sent.
pub fn spans_in(answer: &Json) -> Result<Vec<Span>, BadAnswer> {
    let batches = match answer.get("result") {
        Some(result) => resource_spans_in(result, "resourceSpans")?,
        None => Vec::new(),
    };
    let mut spans = Vec::new();
    for batch in batches {
        spans.extend(spans_of_batch(batch)?);
    }
    Ok(spans)
}

fn spans_of_batch(batch: ResourceSpans) -> Result<Vec<Span>, BadSpan> {
    let (mut spans, bad) = spans_of(vec![batch]);
    if let Some(bad) = bad.into_iter().next() {
        return Err(bad);
    }
    let renamed = spans.first().and_then(|span| as_sent(&span.resource));
    let renamed = renamed.map(std::sync::Arc::new);
    for span in &mut spans {
        if let Some(resource) = &renamed {
            span.resource = std::sync::Arc::clone(resource);
        }
        undo(span);
    }
    Ok(spans)
}

/// The resource under the name that was sent, where Jaeger gave it one.
fn as_sent(resource: &Resource) -> Option<Resource> {
    let sent = match resource.service() {
        NO_NAME => None,
        EMPTY_NAME => Some(Value::from("")),
        _ => return None,
    };
    let attributes = resource.attributes.iter().filter_map(|(key, value)| match key {
        "service.name" => sent.clone().map(|name| (key, name)),
        _ => Some((key, value.clone())),
    });
    Some(Resource { attributes: attributes.collect() })
}

fn undo(span: &mut Span) {
    let Some(Value::Array(warnings)) = span.attributes.get(WARNINGS) else { return };
    if let Some(end) = warnings.iter().filter_map(Value::as_str).find_map(original_end) {
        span.end_ns = end;
    }
    let kept: Attributes =
        span.attributes.iter().filter(|(key, _)| *key != WARNINGS).map(|(key, value)| (key, value.clone())).collect();
    span.attributes = kept;
}

/// `2026-11-22 16:24:56.5 +0000`, as Go prints a moment, in nanoseconds since the Unix epoch.
fn original_end(warning: &str) -> Option<u64> {
    let after = warning.split_once(ORIGINAL_END.0)?.1;
    let text = after.split_once(ORIGINAL_END.1)?.0;
    let moment = jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S%.f %z", text).ok()?;
    u64::try_from(moment.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{SpanKind, StatusCode};

    /// What Jaeger 2.13 answered, with the resource and the spans that matter.
    fn answer(resource: &Json, span: &Json) -> Json {
        let mut whole = json!({"traceId": "20917964f9f571414017849f565e73a8", "spanId": "f7d898b203d521b8", "name": "x"});
        whole.as_object_mut().unwrap().extend(span.as_object().unwrap().clone());
        json!({"result": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": [whole]}]}]}})
    }

    fn only(resource: &Json, span: &Json) -> Span {
        spans_in(&answer(resource, span)).unwrap().remove(0)
    }

    #[test]
    fn values_keep_their_types() {
        let span = only(
            &json!({"attributes": [{"key": "service.name", "value": {"stringValue": "api"}}]}),
            &json!({"kind": 2, "flags": 257, "traceState": "devstack=1", "startTimeUnixNano": "1795364696000000123",
                "endTimeUnixNano": "1795364698200000456", "status": {"message": "boom", "code": 2},
                "attributes": [{"key": "big", "value": {"intValue": "9007199254740993"}}, {"key": "inf", "value": {"doubleValue": "Infinity"}},
                    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"boolValue": true}]}}},
                    {"key": "none", "value": {}}, {"key": "nothing", "value": {"arrayValue": {}}}, {"key": "raw", "value": {"bytesValue": "AAH/"}},
                    {"key": "whole", "value": {"doubleValue": 3}}],
                "links": [{"traceId": "20917964f9f571414017849f565e73a9", "spanId": "f7d898b203d521b9"}]}),
        );
        assert_eq!((span.service(), span.kind, span.flags), ("api", SpanKind::Server, 257));
        assert_eq!((span.start_ns, span.end_ns), (1_795_364_696_000_000_123, 1_795_364_698_200_000_456));
        assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Error, "boom"));
        let expected: Attributes = [
            ("big", Value::Int(9_007_199_254_740_993)),
            ("inf", Value::Double(f64::INFINITY)),
            ("list", Value::Array(vec!["a".into(), true.into()])),
            ("none", Value::Empty),
            ("nothing", Value::Array(vec![])),
            ("raw", Value::Bytes(vec![0, 1, 255])),
            ("whole", Value::Double(3.0)),
        ]
        .into_iter()
        .collect();
        assert_eq!(span.attributes, expected);
        assert_eq!(span.links[0].span_id.to_string(), "f7d898b203d521b9");
    }

    #[test]
    fn what_jaeger_added_is_taken_back() {
        for (end, sent) in
            [("2026-11-22 16:24:56", 1_795_364_696_000_000_000), ("2026-11-22 16:24:56.00000025", 1_795_364_696_000_000_250)]
        {
            let warning = format!(
                "Negative duration detected, sanitizing end timestamp. Original end timestamp: {end} +0000 UTC, adjusted to: 2026-11-22 16:24:56.000000001 +0000 UTC"
            );
            let warnings =
                json!({"arrayValue": {"values": [{"stringValue": "clock skew adjustment disabled"}, {"stringValue": warning}]}});
            let span = only(
                &json!({"attributes": [{"key": "service.name", "value": {"stringValue": "missing-service-name"}}]}),
                &json!({"startTimeUnixNano": "1795364696000000000", "endTimeUnixNano": "1795364696000000001",
                    "attributes": [{"key": WARNINGS, "value": warnings}, {"key": "kept", "value": {"intValue": "1"}}]}),
            );
            assert_eq!(span.end_ns, sent);
            assert_eq!(span.attributes.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["kept"]);
            assert!(span.resource.attributes.is_empty());
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error() {
        assert_eq!(spans_in(&json!({})).unwrap(), []);
        assert!(matches!(spans_in(&json!({"result": {"resourceSpans": 7}})), Err(BadAnswer::Json(_))));
        assert!(matches!(spans_in(&answer(&json!({}), &json!({"spanId": "00"}))), Err(BadAnswer::Span(_) | BadAnswer::Json(_))));
    }
}
