//! OTLP over HTTP and the API with hand-made requests: good ones, and everything that a sender can get wrong.

use devstack::{
    backend::Config,
    client::{LedgerClient, TempoClient, Wire, loopback},
    model::TraceId,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, ArrayValue, KeyValue, any_value},
};
use prost::Message;
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Running, gzip, large, one_span, request, zstd};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// `google.rpc.Status` as far as it is used.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn post(running: &Running, content_type: &str, body: impl Into<reqwest::Body>) -> Response {
    post_with(running, &[("content-type", content_type)], body).await
}

async fn post_with(running: &Running, headers: &[(&'static str, &str)], body: impl Into<reqwest::Body>) -> Response {
    let request = loopback().unwrap().post(format!("{}/v1/traces", running.http)).body(body);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

/// The status and the words of an error, which must be in the encoding of the request and of code 3, `INVALID_ARGUMENT`.
async fn refusal(response: Response, encoding: &str) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], encoding);
    let body = response.bytes().await.unwrap();
    let rpc = if encoding == JSON {
        let json: Value = serde_json::from_slice(&body).unwrap();
        RpcStatus { code: json["code"].as_i64().unwrap() as i32, message: json["message"].as_str().unwrap().to_owned() }
    } else {
        RpcStatus::decode(body).unwrap()
    };
    assert_eq!(rpc.code, 3);
    (status, rpc.message)
}

#[tokio::test]
async fn good_requests_are_answered_in_their_own_encoding() {
    let running = Running::start(Config::default()).await;
    let (trace, request) = one_span();
    let response = post(&running, PROTOBUF, request.encode_to_vec()).await;
    assert_eq!((response.status(), &response.headers()["content-type"]), (StatusCode::OK, &PROTOBUF.parse().unwrap()));
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer, ExportTraceServiceResponse { partial_success: None });

    let json = serde_json::to_vec(&request).unwrap();
    for content_type in [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        let response = post(&running, content_type, json.clone()).await;
        assert_eq!((response.status(), &response.headers()["content-type"]), (StatusCode::OK, &JSON.parse().unwrap()));
        assert_eq!(response.json::<Value>().await.unwrap(), json!({}));
    }
    let view = running.ledger.view(trace);
    assert_eq!((view.arrivals.len(), view.arrivals[0].resent), (1, 3));

    for (content_type, nothing) in [(PROTOBUF, ""), (JSON, "{}"), (JSON, r#"{"resourceSpans":[]}"#)] {
        let response = post(&running, content_type, nothing).await;
        assert_eq!(response.status(), StatusCode::OK, "{content_type} {nothing}");
        assert!(!response.text().await.unwrap().contains("partialSuccess"), "{nothing}");
    }
    running.stop().await;
}

#[tokio::test]
async fn spans_with_bad_ids_are_counted_and_the_others_kept() {
    let running = Running::start(Config::default()).await;
    let trace = TraceId::random();
    let id = trace.bytes().to_vec();
    let mixed = request(&[
        (id.clone(), vec![1; 8]),
        (vec![0; 16], vec![2; 8]),
        (vec![7; 15], vec![3; 8]),
        (id.clone(), vec![0; 8]),
        (id.clone(), vec![]),
        (id, vec![5; 8]),
    ]);
    let answer = post(&running, JSON, serde_json::to_vec(&mixed).unwrap()).await.json::<Value>().await.unwrap();
    insta::assert_snapshot!(answer, @r#"{"partialSuccess":{"rejectedSpans":"4","errorMessage":"4 of 6 spans rejected: span `work`: the trace id must be 16 bytes and not zero, got `00000000000000000000000000000000` (16 bytes); span `work`: the trace id must be 16 bytes and not zero, got `070707070707070707070707070707` (15 bytes); span `work`: the span id must be 8 bytes and not zero, got `0000000000000000` (8 bytes); and 1 more"}}"#);
    let response = post(&running, PROTOBUF, mixed.encode_to_vec()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 4);
    assert_eq!(running.arrived(trace), 2);
    running.stop().await;
}

#[tokio::test]
async fn garbage_is_refused_with_words_in_the_encoding_of_the_request() {
    let running = Running::start(Config::default()).await;
    let (trace, good) = one_span();
    let (binary, text) = (good.encode_to_vec(), serde_json::to_vec(&good).unwrap());
    let named_kind = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}"#;
    let cases: [(&str, &[u8], &str); 8] = [
        (PROTOBUF, b"\xff\xff\xff\xff garbage", "the body is not a protobuf ExportTraceServiceRequest: "),
        (PROTOBUF, &binary[..binary.len() - 3], "the body is not a protobuf ExportTraceServiceRequest: "),
        (PROTOBUF, &text, "the body is JSON, but its content-type says protobuf; send it as `application/json`"),
        (JSON, &binary, "the body is not JSON text, it may be protobuf; send protobuf as `application/x-protobuf`"),
        (JSON, &text[..text.len() - 3], "the body is not a JSON ExportTraceServiceRequest: EOF while parsing"),
        (JSON, b"", "the body is not a JSON ExportTraceServiceRequest: EOF while parsing"),
        (JSON, b"[1]", "the body is not a JSON ExportTraceServiceRequest: "),
        (JSON, named_kind, "the body is not a JSON ExportTraceServiceRequest: invalid type: string \"SPAN_KIND_SERVER\""),
    ];
    for (encoding, body, words) in cases {
        let (status, message) = refusal(post(&running, encoding, body.to_vec()).await, encoding).await;
        assert_eq!(status, 400, "{message}");
        assert!(message.starts_with(words), "{message}");
    }
    assert_eq!(running.arrived(trace), 0);
    running.stop().await;
}

#[tokio::test]
async fn keys_in_snake_case_are_warned_of() {
    let running = Running::start(Config::default()).await;
    let answer = post(&running, JSON, r#"{"resource_spans":[{}]}"#).await.json::<Value>().await.unwrap();
    let words = "the request has no `resourceSpans`; keys are in lowerCamelCase";
    assert_eq!(answer, json!({ "partialSuccess": { "rejectedSpans": "0", "errorMessage": words } }));
    running.stop().await;
}

#[tokio::test]
async fn bodies_up_to_the_limit_are_taken_and_larger_ones_refused() {
    let running = Running::small().await;
    let limit = 64 * 1024;
    let fitting = |bytes: usize| {
        let rest = large(bytes).encode_to_vec().len() - bytes;
        large(bytes - rest).encode_to_vec()
    };
    let (exact, above) = (fitting(limit), fitting(limit + 1));
    assert_eq!((exact.len(), above.len()), (limit, limit + 1));
    assert_eq!(post(&running, PROTOBUF, exact.clone()).await.status(), 200);
    let (status, words) = refusal(post(&running, PROTOBUF, above.clone()).await, PROTOBUF).await;
    assert_eq!((status, words.as_str()), (413, "the body is larger than the limit of 65536 bytes"));

    let packed = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    assert_eq!(post_with(&running, &packed, gzip(&exact)).await.status(), 200);
    let (status, words) = refusal(post_with(&running, &packed, gzip(&above)).await, PROTOBUF).await;
    assert_eq!((status, words.as_str()), (413, "the gzip body unpacks to more than the limit of 65536 bytes"));
    let with_zstd = [("content-type", PROTOBUF), ("content-encoding", "zstd")];
    assert_eq!(post_with(&running, &with_zstd, zstd(&exact)).await.status(), 200);
    let (status, words) = refusal(post_with(&running, &with_zstd, zstd(&above)).await, PROTOBUF).await;
    assert_eq!((status, words.as_str()), (413, "the zstd body unpacks to more than the limit of 65536 bytes"));

    // Many times the limit, packed below it.
    let zeros = vec![0; 64 * limit];
    for (packed, bomb) in [(packed, gzip(&zeros)), (with_zstd, zstd(&zeros))] {
        assert!(bomb.len() < limit);
        assert_eq!(refusal(post_with(&running, &packed, bomb).await, PROTOBUF).await.0, 413);
    }
    running.stop().await;
}

#[tokio::test]
async fn fifty_megabytes_get_an_answer_and_not_a_reset() {
    let running = Running::start(Config::default()).await;
    let body = vec![b' '; 50 * 1024 * 1024];
    let (status, words) = refusal(post(&running, JSON, body).await, JSON).await;
    assert_eq!((status, words.as_str()), (413, "the body is larger than the limit of 16777216 bytes"));
    let asked_first = [("content-type", JSON), ("expect", "100-continue")];
    assert_eq!(post_with(&running, &asked_first, vec![b' '; 50 * 1024 * 1024]).await.status(), 413);

    // A sender that writes everything before it reads.
    let mut stream = TcpStream::connect(running.http.strip_prefix("http://").unwrap()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n", 50 * 1024 * 1024).as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 50 * 1024 * 1024]).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    running.stop().await;
}

#[tokio::test]
async fn broken_and_unknown_compression_is_refused() {
    let running = Running::start(Config::default()).await;
    let body = one_span().1.encode_to_vec();
    let packed = gzip(&body);
    let with = |encoding: &'static str| [("content-type", PROTOBUF), ("content-encoding", encoding)];
    for bad in [&packed[..packed.len() - 4], &body[..]] {
        let (status, words) = refusal(post_with(&running, &with("gzip"), bad.to_vec()).await, PROTOBUF).await;
        assert_eq!(status, 400);
        assert!(words.starts_with("the body is not whole gzip data: "), "{words}");
    }
    for bad in [&zstd(&body)[..10], &body[..]] {
        let (status, words) = refusal(post_with(&running, &with("zstd"), bad.to_vec()).await, PROTOBUF).await;
        assert_eq!(status, 400);
        assert!(words.starts_with("the body is not whole zstd data: "), "{words}");
    }
    let (status, words) = refusal(post_with(&running, &with("br"), body.clone()).await, PROTOBUF).await;
    assert_eq!((status, words.as_str()), (415, "unsupported content-encoding `br`, supported: [gzip, zstd, identity]"));
    assert_eq!(post_with(&running, &with("identity"), body).await.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn wrong_types_methods_and_paths_are_told_what_is_right() {
    let running = Running::start(Config::default()).await;
    let client = loopback().unwrap();
    for headers in [vec![("content-type", "text/plain")], vec![]] {
        let response = post_with(&running, &headers, "x").await;
        assert_eq!(response.status(), 415);
        assert!(response.text().await.unwrap().contains("supported: [application/json, application/x-protobuf]"));
    }
    let response = client.get(format!("{}/v1/traces", running.http)).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().unwrap()));
    let response = client.post(format!("{}/v1/trace", running.http)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("it has /v1/traces, /v1/metrics and /v1/logs"));

    let response = client.post(format!("{}/v1/traces", running.grpc)).header("content-type", PROTOBUF).send().await.unwrap();
    assert_eq!(response.status(), 505);
    let words = response.text().await.unwrap();
    assert!(words.contains(&format!("OTLP over HTTP is at {}", running.http)), "{words}");
    running.stop().await;
}

#[tokio::test]
async fn only_names_of_the_loopback_interface_are_answered() {
    let running = Running::start(Config { allow_hosts: vec!["stack.test".to_owned()], ..Config::default() }).await;
    let ask =
        |url: String, host: &'static str| async move { loopback().unwrap().get(url).header("host", host).send().await.unwrap() };
    for base in [&running.api, &running.http, &running.grpc] {
        let response = ask(format!("{base}/ready"), "evil.test").await;
        assert_eq!(response.status(), 403);
        assert!(response.text().await.unwrap().contains("does not answer for host `evil.test`"));
    }
    for host in ["localhost:3200", "127.0.0.1", "[::1]:1", "stack.test"] {
        assert_eq!(ask(format!("{}/ready", running.api), host).await.status(), 200, "{host}");
    }
    running.stop().await;
}

async fn get(running: &Running, path: &str) -> (u16, String) {
    let response = loopback().unwrap().get(format!("{}{path}", running.api)).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_api_answers_as_tempo_does() {
    let running = Running::start(Config::default()).await;
    assert_eq!(get(&running, "/ready").await, (200, "ready\n".to_owned()));
    assert_eq!(get(&running, "/api/echo").await, (200, "echo".to_owned()));
    let (_, info) = get(&running, "/api/status/buildinfo").await;
    assert_eq!(serde_json::from_str::<Value>(&info).unwrap()["version"], "3.0.3");
    assert_eq!(get(&running, "/api/nosuch").await.0, 404);

    let nothing = TraceId::random();
    assert_eq!(get(&running, &format!("/api/v2/traces/{nothing}")).await, (200, r#"{"trace":{},"metrics":{}}"#.to_owned()));
    for bad in ["nothex", "0", &"1".repeat(33)] {
        let (status, words) = get(&running, &format!("/api/v2/traces/{bad}")).await;
        assert_eq!(status, 400);
        assert!(words.starts_with(&format!("invalid trace id `{bad}`")), "{words}");
    }
    // A search result leaves out leading zeroes.
    let mut id = vec![0; 15];
    id.push(0xab);
    post(&running, PROTOBUF, request(&[(id, vec![1; 8])]).encode_to_vec()).await;
    assert!(get(&running, "/api/v2/traces/ab").await.1.contains(r#""traceId":"AAAAAAAAAAAAAAAAAAAAqw==""#));
    let client = TempoClient::new(loopback().unwrap(), &running.api);
    for wire in [Wire::Protobuf, Wire::Json] {
        assert_eq!(client.trace(nothing, wire).await.unwrap().spans().len(), 0);
    }
    running.stop().await;
}

#[tokio::test]
async fn the_ledgers_paths_refuse_what_they_cannot_read() {
    let running = Running::start(Config::default()).await;
    let base = "/.well-known/devstack/ledger";
    let (status, words) = get(&running, &format!("{base}/abc")).await;
    assert_eq!((status, words.as_str()), (400, "`abc` is not a trace id of 32 hex digits\n"));
    assert_eq!(get(&running, &format!("{base}/{}?after=x", TraceId::random())).await.0, 400);
    assert_eq!(get(&running, base).await.0, 400);
    assert_eq!(get(&running, &format!("{base}?correlation_id=nobody")).await, (200, r#"{"traces":[]}"#.to_owned()));
    running.stop().await;
}

/// What the wire format lets through must not be too deep for those who read it as JSON.
#[tokio::test]
async fn the_deepest_attribute_that_is_taken_can_be_read_again() {
    let running = Running::start(Config::default()).await;
    let nested = |depth: usize| {
        let (trace, mut request) = one_span();
        let mut value = AnyValue { value: Some(any_value::Value::BoolValue(true)) };
        for _ in 0..depth {
            value = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values: vec![value] })) };
        }
        let pair = KeyValue { key: "deep".to_owned(), value: Some(value), ..KeyValue::default() };
        request.resource_spans[0].scope_spans[0].spans[0].attributes = vec![pair];
        (trace, request)
    };
    let mut taken = 0;
    for depth in 1..100 {
        let (trace, request): (_, ExportTraceServiceRequest) = nested(depth);
        let response = post(&running, PROTOBUF, request.encode_to_vec()).await;
        if response.status() == 400 {
            break;
        }
        taken = depth;
        let view = LedgerClient::new(Client::new(), &running.api).view(trace).await.unwrap();
        assert_eq!(view.arrivals.len(), 1, "depth {depth}");
    }
    assert!((10..99).contains(&taken), "{taken}");
    running.stop().await;
}
