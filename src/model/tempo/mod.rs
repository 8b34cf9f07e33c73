//! Tempo's answer to "a trace by its id", in protobuf and in JSON.
//!
//! Written by `backend`, read by `client`. The protobuf is OTLP's trace in an envelope; the JSON is what gogo's jsonpb makes of
//! it: ids in base64, enums by name, 64-bit integers as text, zero values left out.

mod read;
mod write;

use opentelemetry_proto::tonic::trace::v1::TracesData;

use super::{Span, otlp::traces_data};

pub use read::BadJson;
pub(super) use read::resource_spans_in;

/// `tempopb.TraceByIDResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TraceById {
    /// The trace; `tempopb.Trace` is OTLP's `TracesData` on the wire.
    #[prost(message, optional, tag = "1")]
    pub trace: Option<TracesData>,
    /// What the search cost.
    #[prost(message, optional, tag = "2")]
    pub metrics: Option<SearchCost>,
    /// 0 for a whole trace, 1 for a partial one.
    #[prost(int32, tag = "3")]
    pub status: i32,
    /// Why it is partial.
    #[prost(string, tag = "4")]
    pub message: String,
}

/// `tempopb.TraceByIDMetrics`, of which nothing is used here.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct SearchCost {}

impl TraceById {
    /// The answer with these spans.
    pub fn new<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Self {
        Self { trace: Some(traces_data(spans)), metrics: Some(SearchCost {}), status: 0, message: String::new() }
    }

    /// As Tempo writes it in JSON.
    pub fn to_json(&self) -> serde_json::Value {
        write::answer(self)
    }

    /// Reads Tempo's JSON, of the second version of the API (`trace.resourceSpans`) or the first (`batches`).
    pub fn from_json(json: &serde_json::Value) -> Result<Self, BadJson> {
        read::answer(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Value, otlp::spans_of};

    fn sample() -> Vec<Span> {
        let wire = serde_json::json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "medicalcor-api"}}]},
            "scopeSpans": [{"scope": {"name": "api", "version": "1"}, "spans": [
                {"traceId": "20917964f9f571414017849f565e73a8", "spanId": "f7d898b203d521b8", "flags": 257,
                 "name": "POST /webhooks/whatsapp", "kind": 2, "startTimeUnixNano": "1795364696000000000",
                 "endTimeUnixNano": "1795364698200000000", "status": {"code": 2, "message": "boom"},
                 "attributes": [{"key": "zero", "value": {"intValue": "0"}}, {"key": "empty", "value": {"arrayValue": {"values": []}}},
                                {"key": "ratio", "value": {"doubleValue": 0.5}}, {"key": "raw", "value": {"bytesValue": "AAH/"}}],
                 "events": [{"timeUnixNano": "1795364697000000000", "name": "retry"}]},
                {"traceId": "20917964f9f571414017849f565e73a8", "spanId": "00000000000000ff", "parentSpanId": "f7d898b203d521b8",
                 "name": "child", "startTimeUnixNano": "0", "endTimeUnixNano": "0",
                 "links": [{"traceId": "20917964f9f571414017849f565e73a8", "spanId": "f7d898b203d521b8"}]}
            ]}]
        }]});
        let data: TracesData = serde_json::from_value(wire).unwrap();
        let (mut spans, bad) = spans_of(data.resource_spans);
        assert_eq!(bad, []);
        spans[0].attributes.push("nan", Value::Double(f64::NAN));
        spans[0].attributes.push("nothing", Value::Empty);
        spans[0]
            .attributes
            .push("map", Value::Map(Attributes::from_iter([("deep", Value::Array(vec![true.into(), "x".into()]))])));
        spans
    }

    #[test]
    fn json_has_the_shape_that_jsonpb_gives_it() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&TraceById::new(&sample()).to_json()).unwrap());
    }

    #[test]
    fn both_encodings_bring_the_spans_back() {
        let spans = sample();
        let json = TraceById::from_json(&TraceById::new(&spans).to_json()).unwrap();
        assert_eq!(spans_of(json.trace.unwrap().resource_spans), (spans.clone(), vec![]));
        let bytes = prost::Message::encode_to_vec(&TraceById::new(&spans));
        let binary = <TraceById as prost::Message>::decode(bytes.as_slice()).unwrap();
        assert_eq!(spans_of(binary.trace.unwrap().resource_spans), (spans, vec![]));
    }

    #[test]
    fn the_first_version_of_the_api_is_read_too() {
        let mut json = TraceById::new(&sample()).to_json();
        let batches = json["trace"]["resourceSpans"].take();
        let read = TraceById::from_json(&serde_json::json!({ "batches": batches })).unwrap();
        assert_eq!(spans_of(read.trace.unwrap().resource_spans), (sample(), vec![]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut json = TraceById::new(&sample()).to_json();
        json["trace"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["kind"] = "SPAN_KIND_TEAPOT".into();
        assert_eq!(
            TraceById::from_json(&json).unwrap_err().to_string(),
            "`kind` is not a name of OTLP's enum: `SPAN_KIND_TEAPOT`"
        );
    }
}
