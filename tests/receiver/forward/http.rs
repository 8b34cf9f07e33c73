//! HTTP to HTTP: every byte of the body, every header that is meant for the other end, and the whole answer.

use std::sync::{Arc, Mutex};

use devstack::{
    backend::{Config, Upstreams},
    support::address::Address,
};
use http::{Method, Version};
use prost::Message;

use super::{JSON, NextHop, PROTOBUF, Sender, hop, in_front_of, over_http};
use crate::receiver::{gzip, one_span, request, zstd};

/// Status, headers and body of an answer; how many items were passed on and how many refused.
type Scripted = (u16, Vec<(&'static str, &'static str)>, Vec<u8>, (u64, u64));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_on_byte_by_byte() {
    let hop = NextHop::answering(|_| hop::http(200, &[("content-type", PROTOBUF)], "")).await;
    let upstreams = Upstreams { http: Some(Address::plain(format!("{}/otlp", hop.url))), grpc: None };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    let (trace, request) = one_span();
    let (binary, text) = (request.encode_to_vec(), serde_json::to_vec_pretty(&request).unwrap());
    for (content_type, plain) in [(PROTOBUF, binary), ("application/json; charset=utf-8", text)] {
        let packings = [("identity", plain.clone()), ("gzip", gzip(&plain)), ("zstd", zstd(&plain))];
        for (encoding, body) in packings {
            let kept = [
                ("content-type", content_type),
                ("content-encoding", encoding),
                ("user-agent", "OTel-OTLP-Exporter-Java/1.60"),
                ("authorization", "Basic c2VuZGVy"),
                ("x-tenant", "a"),
                ("x-tenant", "b"),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ];
            let hops =
                [("connection", "keep-alive, x-this-hop"), ("x-this-hop", "1"), ("te", "trailers"), ("keep-alive", "timeout=5")];
            let url = format!("{}/v1/traces?tenant=%C3%A4&x", running.http);
            let answer = Sender::http().post(url, &[&kept[..], &hops].concat(), body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.says("content-type")), (200, Some(PROTOBUF)), "{encoding}: {answer:?}");

            let seen = hop.only();
            assert_eq!((seen.version, &seen.method, &seen.body[..]), (Version::HTTP_11, &Method::POST, &body[..]), "{encoding}");
            assert_eq!(seen.uri.to_string(), "/otlp/v1/traces?tenant=%C3%A4&x");
            let got: Vec<_> = seen.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let (host, length) = (hop.url.trim_start_matches("http://"), body.len().to_string());
            let expected = kept.into_iter().chain([("host", host), ("content-length", length.as_str())]);
            assert_eq!(sorted(got), sorted(expected.collect()), "{encoding}");
            hop.forget();
        }
    }
    assert_eq!(running.ledger.view(trace).arrivals[0].resent, 5);
    assert_eq!(running.traffic.snapshot().spans.passed_on, 6);
    running.stop().await;
}

fn sorted<'a>(mut headers: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    headers.sort_unstable();
    headers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_back_as_they_are() {
    let partial = r#"{ "partialSuccess": { "rejectedSpans": "1", "errorMessage": "too old" } }"#;
    let status = b"\x08\x03\x12\x06no way".to_vec();
    let script: [Scripted; 6] = [
        (200, vec![("content-type", JSON), ("x-served-by", "a")], partial.into(), (0, 1)),
        (202, vec![("content-type", PROTOBUF), ("content-encoding", "gzip")], gzip(b""), (1, 0)),
        (400, vec![("content-type", PROTOBUF)], status, (0, 1)),
        (429, vec![("retry-after", "7"), ("content-type", "text/plain")], b"slow down".to_vec(), (0, 1)),
        (401, vec![("www-authenticate", "Bearer")], vec![], (0, 1)),
        (503, vec![("retry-after", "Fri, 31 Dec 2027 23:59:59 GMT")], b"<html>".to_vec(), (0, 1)),
    ];
    for (code, headers, body, (passed_on, refused)) in script {
        let response = Arc::new(Mutex::new(Some(hop::http(code, &headers, body.clone()))));
        let hop = NextHop::answering(move |_| response.lock().unwrap().take().unwrap()).await;
        let (running, _change) = in_front_of(over_http(&hop), Config::default()).await;
        let (trace, request) = one_span();
        let url = format!("{}/v1/traces", running.http);
        let answer = Sender::http().post(url, &[("content-type", PROTOBUF)], request.encode_to_vec()).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (code, &body[..]));
        for (name, value) in headers {
            assert_eq!(answer.says(name), Some(value), "{code}");
        }
        let traffic = running.traffic.snapshot();
        assert_eq!((traffic.spans.passed_on, traffic.spans.refused), (passed_on, refused), "{code}");
        let words = traffic.last_problem.unwrap_or_default();
        let expected = match code {
            200 => format!("the next hop {} did not keep all of it: too old", hop.url),
            202 => String::new(),
            400 => format!("the next hop {} answered 400 Bad Request: no way", hop.url),
            429 => format!("the next hop {} answered 429 Too Many Requests: slow down", hop.url),
            401 => format!("the next hop {} answered 401 Unauthorized: 401 Unauthorized", hop.url),
            _ => format!("the next hop {} answered 503 Service Unavailable: <html>", hop.url),
        };
        assert_eq!(words, expected);
        assert_eq!(running.arrived(trace), 1, "the ledger keeps it whatever the next hop says");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_the_address_replace_the_senders() {
    let hop = NextHop::answering(|_| hop::http(403, &[], "no")).await;
    let mut address = Address::plain(&hop.url);
    address.headers.insert("Authorization".to_owned(), "Bearer hunter2".to_owned());
    let (running, _change) = in_front_of(Upstreams { http: Some(address), grpc: None }, Config::default()).await;
    let headers = [("content-type", PROTOBUF), ("authorization", "Bearer sender"), ("authorization", "twice")];
    let url = format!("{}/v1/traces", running.http);
    Sender::http().post(url, &headers, one_span().1.encode_to_vec()).await;
    let seen = hop.only();
    assert_eq!(seen.headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer hunter2"]);
    assert!(!format!("{:?}", running.traffic.snapshot()).contains("hunter2"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_partly_bad_goes_on_whole_and_what_is_unreadable_does_not() {
    let hop = NextHop::answering(|_| hop::http(200, &[("content-type", PROTOBUF)], "")).await;
    let (running, _change) = in_front_of(over_http(&hop), Config::default()).await;
    let url = format!("{}/v1/traces", running.http);
    let (trace, _) = one_span();
    let mixed = request(&[(trace.bytes().to_vec(), vec![1; 8]), (vec![0; 16], vec![2; 8])]).encode_to_vec();
    let answer = Sender::http().post(url.clone(), &[("content-type", PROTOBUF)], mixed.clone()).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b""[..]), "the next hop took all of it");
    assert_eq!(hop.only().body, mixed);
    let spans = running.traffic.snapshot().spans;
    assert_eq!((spans.received, spans.rejected, spans.passed_on, spans.refused), (1, 1, 2, 0));

    hop.forget();
    let answer = Sender::http().post(url, &[("content-type", PROTOBUF)], "\u{7f}garbage").await;
    assert_eq!(answer.status.as_u16(), 400);
    assert!(hop.seen().is_empty());
    assert_eq!(running.traffic.snapshot().unreadable, 1);
    running.stop().await;
}
