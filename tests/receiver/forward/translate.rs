//! Where the next hop speaks only the other protocol: the same message in the other envelope, and an answer that means the same.

use std::sync::{Arc, Mutex};

use axum::response::Response;
use devstack::backend::Config;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::{Value, json};

use super::{Answer, EXPORT, JSON, NextHop, PROTOBUF, Sender, frame, hop, in_front_of, over_grpc, over_http};
use crate::receiver::{Running, gzip, one_span, zstd};

type Headers = Vec<(&'static str, &'static str)>;

const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

async fn to_http(running: &Running, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    Sender::http().post(format!("{}/v1/traces", running.http), headers, body).await
}

async fn to_grpc(running: &Running, headers: &[(&str, &str)], body: bytes::Bytes) -> Answer {
    Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &[&GRPC[..], headers].concat(), body).await
}

fn partial() -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    ExportTraceServiceResponse { partial_success: Some(partial) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_goes_on_as_http() {
    let hop = NextHop::answering(|_| hop::http(200, &[("content-type", PROTOBUF)], partial().encode_to_vec())).await;
    let (running, _change) = in_front_of(over_http(&hop), Config::default()).await;
    let message = one_span().1.encode_to_vec();
    let cases = [
        ("identity", frame(&message, false), None, message.clone()),
        ("gzip", frame(&gzip(&message), true), Some("gzip"), gzip(&message)),
        // Few receivers take zstd over HTTP.
        ("zstd", frame(&zstd(&message), true), None, message.clone()),
    ];
    for (encoding, body, content_encoding, expected) in cases {
        let headers =
            [("grpc-encoding", encoding), ("grpc-timeout", "9S"), ("x-tenant", "a"), ("authorization", "Bearer sender")];
        let answer = to_grpc(&running, &headers, body).await;
        assert_eq!((answer.grpc_status(), answer.says("content-type")), (Some("0"), Some("application/grpc")));
        assert_eq!(answer.body, frame(&partial().encode_to_vec(), false));
        let seen = hop.only();
        assert_eq!((seen.uri.path(), seen.header("content-type")), ("/v1/traces", Some(PROTOBUF)));
        assert_eq!((seen.header("content-encoding"), &seen.body[..]), (content_encoding, &expected[..]), "{encoding}");
        assert_eq!((seen.header("x-tenant"), seen.header("authorization")), (Some("a"), Some("Bearer sender")));
        assert!(seen.headers.keys().all(|name| !name.as_str().starts_with("grpc-")), "{:?}", seen.headers);
        hop.forget();
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_goes_on_as_grpc() {
    let hop = NextHop::answering(|_| hop::grpc(&[], frame(&partial().encode_to_vec(), false), &[("grpc-status", "0")])).await;
    let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
    let (_, request) = one_span();
    let (binary, text) = (request.encode_to_vec(), serde_json::to_vec(&request).unwrap());
    let cases = [
        (PROTOBUF, "identity", binary.clone(), None, frame(&binary, false)),
        (PROTOBUF, "gzip", gzip(&binary), Some("gzip"), frame(&gzip(&binary), true)),
        (PROTOBUF, "zstd", zstd(&binary), None, frame(&binary, false)),
        (JSON, "identity", text.clone(), None, frame(&binary, false)),
        (JSON, "gzip", gzip(&text), None, frame(&binary, false)),
    ];
    for (content_type, encoding, body, grpc_encoding, expected) in cases {
        let headers = [("content-type", content_type), ("content-encoding", encoding), ("accept", "*/*"), ("x-tenant", "a")];
        let answer = to_http(&running, &headers, body).await;
        assert_eq!((answer.status.as_u16(), answer.says("content-type")), (200, Some(content_type)));
        if content_type == JSON {
            let said: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(said, json!({ "partialSuccess": { "rejectedSpans": "1", "errorMessage": "too old" } }));
        } else {
            assert_eq!(ExportTraceServiceResponse::decode(answer.body).unwrap(), partial());
        }
        let seen = hop.only();
        assert_eq!(
            (seen.uri.path(), seen.header("content-type"), seen.header("te")),
            (EXPORT, Some("application/grpc"), Some("trailers"))
        );
        assert_eq!((seen.header("grpc-encoding"), &seen.body), (grpc_encoding, &expected), "{content_type} {encoding}");
        assert_eq!((seen.header("content-encoding"), seen.header("accept"), seen.header("x-tenant")), (None, None, Some("a")));
        assert_eq!(ExportTraceServiceRequest::decode(&binary[..]).unwrap(), request);
        hop.forget();
    }
    running.stop().await;
}

fn once(response: Response) -> impl Fn(&hop::Seen) -> Response + Clone {
    let response = Arc::new(Mutex::new(Some(response)));
    move |_| response.lock().unwrap().take().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_over_http_are_said_in_grpc() {
    let status = |code: u8, words: &str| [&[8, code, 0x12, words.len() as u8][..], words.as_bytes()].concat();
    let cases: [(u16, Headers, Vec<u8>, i32, &str); 7] = [
        (400, vec![("content-type", PROTOBUF)], status(9, "no tenant"), 9, "no tenant"),
        (400, vec![("content-type", "text/plain")], b"bad\n".to_vec(), 3, "bad"),
        (401, vec![], vec![], 16, "401 Unauthorized"),
        (404, vec![], b"404 page not found".to_vec(), 12, "404 page not found"),
        (429, vec![("retry-after", "7")], b"slow down".to_vec(), 14, "slow down"),
        (503, vec![("content-type", JSON)], br#"{"code":14,"message":"later","details":[]}"#.to_vec(), 14, "later"),
        (500, vec![], vec![], 2, "500 Internal Server Error"),
    ];
    for (http, headers, body, code, words) in cases {
        let hop = NextHop::answering(once(hop::http(http, &headers, body))).await;
        let (running, _change) = in_front_of(over_http(&hop), Config::default()).await;
        let answer = to_grpc(&running, &[], frame(&one_span().1.encode_to_vec(), false)).await;
        let status = tonic::Status::from_header_map(&answer.headers).unwrap();
        assert_eq!((status.code() as i32, status.message()), (code, words), "{http}");
        // `google.rpc.RetryInfo` of seven seconds.
        let retry = status.details().windows(4).any(|window| window == [0x0a, 0x02, 0x08, 7]);
        assert_eq!(retry, http == 429, "{http}: {:?}", status.details());
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_over_grpc_are_said_in_http() {
    // RESOURCE_EXHAUSTED, "full", RetryInfo of 1.5 s: it asks to come again only with the last.
    let detail = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01";
    let with_delay = [b"\x08\x08\x12\x04full\x1a\x36", &detail[..]].concat();
    let with_delay = base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, with_delay);
    let cases: [(&str, Option<&str>, u16, Option<&str>); 9] = [
        ("3", None, 400, None),
        ("16", None, 401, None),
        ("7", None, 403, None),
        ("12", None, 404, None),
        ("13", None, 500, None),
        ("14", None, 503, None),
        ("4", None, 504, None),
        ("8", None, 400, None),
        ("8", Some(&with_delay), 429, Some("2")),
    ];
    for (code, details, http, retry_after) in cases {
        let mut said = vec![("grpc-status", code), ("grpc-message", "full")];
        said.extend(details.map(|details| ("grpc-status-details-bin", details)));
        let hop = NextHop::answering(once(hop::grpc_status(&said))).await;
        let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
        let body = serde_json::to_vec(&one_span().1).unwrap();
        let answer = to_http(&running, &[("content-type", JSON)], body).await;
        assert_eq!((answer.status.as_u16(), answer.says("retry-after")), (http, retry_after), "{code}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, json!({ "code": code.parse::<i32>().unwrap(), "message": "full" }));
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_server_where_grpc_was_expected_is_named() {
    let hop = NextHop::answering(|_| hop::http(404, &[], "no such page")).await;
    let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
    let answer = to_http(&running, &[("content-type", JSON)], serde_json::to_vec(&one_span().1).unwrap()).await;
    assert_eq!(answer.status.as_u16(), 404);
    let words = running.traffic.snapshot().last_problem.unwrap();
    assert!(words.ends_with("answered Unimplemented: it answered 404 Not Found without a gRPC status"), "{words}");
    running.stop().await;
}
