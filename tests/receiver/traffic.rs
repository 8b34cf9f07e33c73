//! What went through in numbers, and what goes through as it happens: in process and over HTTP.

use std::pin::Pin;

use devstack::{
    backend::Config,
    client::loopback,
    model::{
        Flow, Happening, SpanKind, Traffic,
        traffic::{TAIL_PATH, TRAFFIC_PATH},
    },
};
use futures_util::{Stream, StreamExt as _};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
};
use prost::Message;
use reqwest::Response;

use super::{GUARD, Running, gzip, large, one_span, request};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn post(url: String, headers: &[(&'static str, &str)], body: impl Into<reqwest::Body>) -> Response {
    let request = loopback().unwrap().post(url).body(body);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// The same request from a service with a name.
fn from_api(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    let attributes = vec![pair("service.name", Value::StringValue("api".to_owned()))];
    request.resource_spans[0].resource = Some(Resource { attributes, ..Resource::default() });
    request
}

async fn counters(running: &Running) -> Traffic {
    let answer = loopback().unwrap().get(format!("{}{TRAFFIC_PATH}", running.api)).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The happenings of a tail over HTTP, whose head is here.
async fn tail(running: &Running) -> Pin<Box<impl Stream<Item = Happening> + use<>>> {
    let answer = loopback().unwrap().get(format!("{}{TAIL_PATH}", running.api)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let chunks = Box::pin(answer.bytes_stream());
    Box::pin(futures_util::stream::unfold((chunks, Vec::new()), |(mut chunks, mut rest)| async {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                return Some((serde_json::from_slice(&line).unwrap(), (chunks, rest)));
            }
            rest.extend_from_slice(&chunks.next().await?.unwrap());
        }
    }))
}

async fn next(happenings: &mut (impl Stream<Item = Happening> + Unpin)) -> Happening {
    tokio::time::timeout(GUARD, happenings.next()).await.expect("something happens").expect("the tail goes on")
}

#[tokio::test]
async fn items_are_counted_by_signal_and_by_what_became_of_them() {
    let running = Running::start(Config::default()).await;
    let (trace, _) = one_span();
    let mixed = request(&[(trace.bytes().to_vec(), vec![1; 8]), (vec![0; 16], vec![2; 8]), (trace.bytes().to_vec(), vec![3; 8])]);
    post(format!("{}/v1/traces", running.http), &[("content-type", PROTOBUF)], mixed.encode_to_vec()).await;
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{},{}]}]}]}"#;
    post(format!("{}/v1/logs", running.http), &[("content-type", JSON)], logs).await;
    let points = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"leads","sum":{"aggregationTemporality":2,"isMonotonic":true,
        "dataPoints":[{"asInt":"1","timeUnixNano":"7"},{"asInt":"2","timeUnixNano":"8"}]}}]}]}]}"#;
    post(format!("{}/v1/metrics", running.http), &[("content-type", JSON)], points).await;
    let traffic = running.traffic.snapshot();
    assert_eq!(traffic.spans, Flow { received: 2, rejected: 1, ..Flow::default() });
    assert_eq!(traffic.logs, Flow { received: 3, ..Flow::default() });
    assert_eq!(traffic.points, Flow { received: 2, ..Flow::default() });
    assert_eq!((traffic.series, traffic.unreadable, traffic.turned_away), (1, 0, 0));
    assert!(
        traffic.last_problem.as_ref().unwrap().starts_with("1 of 3 spans rejected: span `work`: the trace id"),
        "{traffic:?}"
    );
    assert_eq!(counters(&running).await, traffic);
    running.stop().await;
}

#[tokio::test]
async fn every_mistake_has_its_words() {
    let running = Running::small().await;
    let (binary, text) = (one_span().1.encode_to_vec(), serde_json::to_vec(&one_span().1).unwrap());
    let traces = format!("{}/v1/traces", running.http);
    let grpc_port = format!("{}/v1/traces", running.grpc);
    let typed = |content_type: &'static str| vec![("content-type", content_type)];
    let packed = |encoding: &'static str| vec![("content-type", PROTOBUF), ("content-encoding", encoding)];
    let cases = [
        (traces.clone(), typed(PROTOBUF), text.clone(), "the body is JSON, but its content-type says protobuf"),
        (traces.clone(), typed(JSON), binary.clone(), "the body is not JSON text, it may be protobuf"),
        (
            traces.clone(),
            typed("text/plain"),
            text.clone(),
            "unsupported content-type `text/plain`, supported: [application/json, ",
        ),
        (traces.clone(), packed("br"), binary.clone(), "unsupported content-encoding `br`, supported: [gzip, zstd, identity]"),
        (traces.clone(), typed(PROTOBUF), large(70_000).encode_to_vec(), "the body is larger than the limit of 65536 bytes"),
        (traces.clone(), packed("gzip"), gzip(&large(70_000).encode_to_vec()), "the gzip body unpacks to more than the limit"),
        (format!("{}/", running.http), typed(PROTOBUF), binary.clone(), "`/` is not a path of OTLP over HTTP; it has /v1/traces"),
        (
            format!("{}/", running.http),
            typed(PROTOBUF),
            binary.clone(),
            "; the endpoint of one signal is used as it is: add /v1/traces",
        ),
        (
            format!("{}/v1/traces/v1/traces", running.http),
            typed(PROTOBUF),
            binary.clone(),
            "; the endpoint holds /v1/traces and the exporter appends it: leave it away in OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            format!("{}//v1/traces", running.http),
            typed(PROTOBUF),
            binary.clone(),
            "; leave the slash at the end of the endpoint away",
        ),
        (
            traces.clone(),
            typed(JSON),
            br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"CvdlGRbNQ92ESOshHIAxnA=="}]}]}]}"#.to_vec(),
            "traces rejected: `traceId` is `CvdlGRbNQ92ESOshHIAxnA==`, which is base64; in OTLP's JSON ids are hex digits",
        ),
        (traces.clone(), typed("text/plain"), text.clone(), "; set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or http/json"),
        (traces.clone(), packed("br"), binary.clone(), "; set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none"),
        (
            traces.clone(),
            typed(PROTOBUF),
            large(70_000).encode_to_vec(),
            "; send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)",
        ),
        (
            traces.clone(),
            vec![("content-type", PROTOBUF), ("host", "host.docker.internal")],
            binary.clone(),
            "this backend does not answer for host `host.docker.internal`; allow it with --allow-host",
        ),
        (
            format!("{}/x", running.http),
            typed("application/grpc"),
            binary.clone(),
            "gRPC came to the HTTP port (/x): this port speaks",
        ),
        (grpc_port, typed(PROTOBUF), binary, "POST /v1/traces came over HTTP to the gRPC port: this port speaks OTLP over gRPC"),
    ];
    let mut happenings = tail(&running).await;
    for (number, (url, headers, body, words)) in cases.into_iter().enumerate() {
        let answer = post(url, &headers, body).await;
        assert!(!answer.status().is_success() || words.starts_with("gRPC came"), "{words}: {}", answer.status());
        let Happening::Problem { words: told, service: None, at_ns } = next(&mut happenings).await else { panic!("{words}") };
        assert!(told.contains(words) && at_ns > 0, "{told}");
        let traffic = running.traffic.snapshot();
        assert_eq!((traffic.unreadable, traffic.last_problem), (number as u64 + 1, Some(told)));
    }
    running.stop().await;
}

/// What is no HTTP at all is closed by the server without an answer.
#[tokio::test]
async fn tls_and_garbage_are_told_although_nothing_can_be_answered() {
    let running = Running::start(Config::default()).await;
    let mut happenings = tail(&running).await;
    let hello = [0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00];
    let cases: [(&str, &[u8], &str); 4] = [
        (
            &running.grpc,
            &hello,
            "TLS came to the gRPC port, which speaks none on this machine; begin the endpoint with http://, or set ",
        ),
        (&running.http, &hello, "TLS came to the HTTP port, which speaks none on this machine; begin the endpoint with http://"),
        (&running.grpc, &[0, 1, 2, 3], "what came to the gRPC port is neither HTTP nor gRPC"),
        (&running.http, &[0, 1, 2, 3], "what came to the HTTP port is neither HTTP nor gRPC"),
    ];
    for (number, (url, bytes, words)) in cases.into_iter().enumerate() {
        let mut stream = tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, bytes).await.unwrap();
        let Happening::Problem { words: told, .. } = next(&mut happenings).await else { panic!("{words}") };
        assert!(told.starts_with(words), "{told}");
        assert_eq!(running.traffic.snapshot().unreadable, number as u64 + 1);
    }
    running.stop().await;
}

#[tokio::test]
async fn bad_ids_are_told_with_what_they_are() {
    let running = Running::start(Config::default()).await;
    let mut happenings = tail(&running).await;
    for (trace, span, words) in [
        (
            "0af7651916cd43dd8448eb211c80319c",
            "0000000000000000",
            "the span id must be 8 bytes and not zero, got `0000000000000000`",
        ),
        ("00000000000000000000000000000000", "b7ad6b7169203331", "the trace id must be 16 bytes and not zero"),
        (
            "0af7651916cd43dd8448eb211c8031",
            "b7ad6b7169203331",
            "the trace id must be 16 bytes and not zero, got `0af7651916cd43dd8448eb211c8031` (15 bytes)",
        ),
    ] {
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{span}"}}]}}]}}]}}"#);
        post(format!("{}/v1/traces", running.http), &[("content-type", JSON)], body).await;
        let Happening::Problem { words: told, .. } = next(&mut happenings).await else { panic!("{words}") };
        assert!(told.starts_with("1 of 1 spans rejected: ") && told.contains(words), "{told}");
    }
    running.stop().await;
}

#[tokio::test]
async fn spans_are_told_as_they_arrive() {
    let running = Running::start(Config::default()).await;
    let mut over_http = tail(&running).await;
    let mut in_process = Box::pin(running.feed.subscribe());
    let (trace, request) = one_span();
    let mut request = from_api(request);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    (span.kind, span.start_time_unix_nano, span.end_time_unix_nano) = (2, 10, 4_000_010);
    span.attributes = vec![pair("http.response.status_code", Value::IntValue(503))];
    span.status = Some(opentelemetry_proto::tonic::trace::v1::Status { code: 2, message: String::new() });
    post(format!("{}/v1/traces", running.http), &[("content-type", PROTOBUF)], request.encode_to_vec()).await;
    let told = next(&mut over_http).await;
    let Happening::Span(arrived) = &told else { panic!("{told:?}") };
    assert_eq!((arrived.service.as_str(), arrived.name.as_str(), arrived.span_kind), ("api", "work", SpanKind::Server));
    assert_eq!((arrived.status.as_str(), arrived.error, arrived.duration_ns), ("503", true, 4_000_000));
    assert_eq!((arrived.trace_id, arrived.span_id.bytes()), (trace, [1; 8]));
    assert_eq!(next(&mut in_process).await, told);

    // What is not kept is told with the service.
    let bad = from_api(super::request(&[(vec![0; 16], vec![2; 8])]));
    post(format!("{}/v1/traces", running.http), &[("content-type", PROTOBUF)], bad.encode_to_vec()).await;
    let told = next(&mut over_http).await;
    let Happening::Problem { service, words, .. } = &told else { panic!("{told:?}") };
    assert_eq!(service.as_deref(), Some("api"));
    assert!(words.starts_with("1 of 1 spans rejected: span `work`: the trace id"), "{words}");

    running.shutdown.cancel();
    let end = tokio::time::timeout(GUARD, over_http.next()).await.expect("a tail does not hold the backend");
    assert_eq!(end, None);
    running.stop().await;
}
