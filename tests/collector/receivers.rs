//! Our receiver against the exporters of the collector, in every protocol, encoding and compression that they have.

use devstack::model::{Span, TraceId, otlp::spans_of};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan, Status, span::Event},
};
use prost::Message;

use super::{HOST, Receiver, collector, published};
use crate::engine;

/// How many spans each exporter has to bring: more than one gRPC window of them.
const SPANS: usize = 2000;

/// A way out of the collector: its name, and what sets it apart.
struct Exporter {
    name: &'static str,
    grpc: bool,
    settings: &'static str,
}

const EXPORTERS: [Exporter; 9] = [
    Exporter { name: "otlp_grpc/none", grpc: true, settings: "compression: none" },
    Exporter { name: "otlp_grpc/gzip", grpc: true, settings: "compression: gzip" },
    Exporter { name: "otlp_grpc/zstd", grpc: true, settings: "compression: zstd" },
    Exporter { name: "otlp_http/none", grpc: false, settings: "compression: none" },
    Exporter { name: "otlp_http/gzip", grpc: false, settings: "compression: gzip" },
    Exporter { name: "otlp_http/zstd", grpc: false, settings: "compression: zstd" },
    Exporter { name: "otlp_http/json", grpc: false, settings: "compression: none, encoding: json" },
    Exporter { name: "otlp_http/json-gzip", grpc: false, settings: "compression: gzip, encoding: json" },
    Exporter { name: "otlp_http/json-zstd", grpc: false, settings: "compression: zstd, encoding: json" },
];

/// A pipeline of its own for each exporter. Without queues: the sender is answered when the span has arrived.
fn config(receiver: &Receiver) -> String {
    let lines = |of: &dyn Fn(usize, &Exporter) -> String| -> String {
        EXPORTERS.iter().enumerate().map(|(number, exporter)| of(number, exporter) + "\n").collect()
    };
    let receivers =
        lines(&|number, _| format!("  otlp/{number}: {{protocols: {{http: {{endpoint: '0.0.0.0:{}'}}}}}}", port(number)));
    let exporters = lines(&|_, exporter| {
        let (scheme, port) = if exporter.grpc { ("", receiver.grpc.port()) } else { ("http://", receiver.http.port()) };
        let at_once = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}";
        let endpoint = format!("endpoint: '{scheme}{HOST}:{port}', tls: {{insecure: true}}");
        format!("  {}: {{{endpoint}, {}, {at_once}}}", exporter.name, exporter.settings)
    });
    let pipelines =
        lines(&|number, exporter| format!("    traces/{number}: {{receivers: [otlp/{number}], exporters: [{}]}}", exporter.name));
    format!("receivers:\n{receivers}exporters:\n{exporters}service:\n  pipelines:\n{pipelines}")
}

fn port(number: usize) -> u16 {
    5000 + number as u16
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Spans with everything that can be lost or bent on the way.
fn request(trace: TraceId) -> ExportTraceServiceRequest {
    let span = |number: usize| WireSpan {
        trace_id: trace.bytes().to_vec(),
        span_id: (number as u64 + 1).to_be_bytes().to_vec(),
        parent_span_id: if number == 0 { vec![] } else { 1_u64.to_be_bytes().to_vec() },
        trace_state: "devstack=1".to_owned(),
        flags: 257,
        name: format!("schön {number}"),
        kind: 2,
        start_time_unix_nano: 1_795_364_696_000_000_001,
        end_time_unix_nano: 1_795_364_696_000_000_000 + number as u64,
        attributes: vec![
            pair("int", Value::IntValue(i64::MAX)),
            pair("double", Value::DoubleValue(0.1 + 0.2)),
            pair("zero", Value::IntValue(0)),
            pair("empty", Value::StringValue(String::new())),
            pair("bytes", Value::BytesValue(vec![0, 255])),
            pair("false", Value::BoolValue(false)),
        ],
        events: vec![Event { name: "retry".to_owned(), time_unix_nano: 7, ..Event::default() }],
        status: Some(Status { code: 2, message: "boom".to_owned() }),
        ..WireSpan::default()
    };
    let resource =
        Resource { attributes: vec![pair("service.name", Value::StringValue("sender".into()))], ..Resource::default() };
    let scope = InstrumentationScope { name: "suite".to_owned(), version: "1".to_owned(), ..InstrumentationScope::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: (0..SPANS).map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_span_of_the_collectors_exporters_arrives_as_it_was() {
    if !engine::available() {
        return;
    }
    let receiver = Receiver::for_containers().await;
    let ports: Vec<_> = (0..EXPORTERS.len()).map(port).collect();
    let container = collector(&config(&receiver), &ports).await;
    let http = devstack::client::loopback().unwrap();
    for (number, exporter) in EXPORTERS.iter().enumerate() {
        let trace = TraceId::random();
        let request = request(trace);
        let url = format!("http://{}/v1/traces", published(&container, port(number)).await);
        let sent = http.post(url).header("content-type", "application/x-protobuf").body(request.encode_to_vec());
        let answer = sent.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{}: {status} {}", exporter.name, answer.text().await.unwrap());

        let (mut expected, bad) = spans_of(request.resource_spans);
        assert!(bad.is_empty());
        let arrivals = receiver.ledger.view(trace).arrivals;
        assert!(arrivals.iter().all(|arrival| arrival.resent == 0), "{}", exporter.name);
        let mut arrived: Vec<Span> = arrivals.iter().map(|arrival| Span::clone(&arrival.span)).collect();
        arrived.sort_by_key(|span| span.span_id);
        expected.sort_by_key(|span| span.span_id);
        assert_eq!(arrived.len(), SPANS, "{}", exporter.name);
        let differs = arrived.iter().zip(&expected).find(|(arrived, expected)| arrived != expected);
        assert_eq!(differs, None, "{}", exporter.name);
    }
    let traffic = receiver.traffic.snapshot();
    assert_eq!((traffic.spans.received, traffic.unreadable, traffic.last_problem), ((SPANS * EXPORTERS.len()) as u64, 0, None));
}
