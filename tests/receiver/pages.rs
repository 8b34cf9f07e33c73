//! Web pages that export, and what the API has not yet: two things that browsers ask for.

use devstack::{
    backend::Config,
    client::loopback,
    model::{TraceId, tempo::TraceById},
};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use reqwest::{Method, Response, header};
use serde_json::Value;

use super::{Running, one_span};

async fn preflight(running: &Running, origin: &str) -> Response {
    let asked = loopback().unwrap().request(Method::OPTIONS, format!("{}/v1/traces", running.http));
    let asked = asked.header("origin", origin).header("access-control-request-method", "POST");
    asked.header("access-control-request-headers", "content-type,x-tenant").send().await.unwrap()
}

fn says(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_on_the_loopback_interface_may_export() {
    let running = Running::start(Config::default()).await;
    for origin in ["http://localhost:3000", "https://127.0.0.1:8443"] {
        let answer = preflight(&running, origin).await;
        assert_eq!((answer.status().as_u16(), says(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN)), (204, Some(origin)));
        assert_eq!(says(&answer, header::ACCESS_CONTROL_ALLOW_METHODS), Some("POST"));
        assert_eq!(says(&answer, header::ACCESS_CONTROL_ALLOW_HEADERS), Some("content-type,x-tenant"));
        let (trace, request) = one_span();
        let sent = loopback().unwrap().post(format!("{}/v1/traces", running.http)).header("origin", origin);
        let sent = sent.header("content-type", "application/json").body(serde_json::to_vec(&request).unwrap());
        let answer = sent.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), says(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN)), (200, Some(origin)));
        assert_eq!((says(&answer, header::VARY), running.arrived(trace)), (Some("Origin"), 1));
    }
    running.stop().await;
}

#[tokio::test]
async fn other_pages_may_not() {
    let running = Running::start(Config::default()).await;
    for origin in ["https://evil.test", "null"] {
        let answer = preflight(&running, origin).await;
        assert_eq!((answer.status().as_u16(), says(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN)), (403, None));
        let words = running.traffic.snapshot().last_problem.unwrap();
        assert_eq!(words, format!("pages of `{origin}` may not send telemetry here, only those on the loopback interface"));
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_there_yet_says_so() {
    let running = Running::start(Config::default()).await;
    let paths = [
        "/",
        "/api/search?q={}",
        "/api/search/tags",
        "/api/v2/search/tag/name/values",
        "/api/metrics/query_range?q={}",
        "/api/v1/query?query=up",
        "/api/v1/label/__name__/values",
    ];
    for path in paths {
        let answer = loopback().unwrap().get(format!("{}{path}", running.api)).send().await.unwrap();
        assert_eq!(answer.status(), 501, "{path}");
        let words = answer.text().await.unwrap();
        assert!(words.contains("a later version") && words.contains("/api/v2/traces/"), "{words}");
    }
    let posted = loopback().unwrap().post(format!("{}/api/v1/query", running.api)).send().await.unwrap();
    assert_eq!(posted.status(), 501);
    let unknown = loopback().unwrap().get(format!("{}/api/nothing", running.api)).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    running.stop().await;
}

#[tokio::test]
async fn the_first_version_of_tempos_api_has_traces_without_an_envelope() {
    let running = Running::start(Config::default()).await;
    let (trace, request) = one_span();
    let get = async |id: String, accept: &str| {
        let asked = loopback().unwrap().get(format!("{}/api/traces/{id}", running.api));
        asked.header("accept", accept).send().await.unwrap()
    };
    let missing = get(trace.to_string(), "application/json").await;
    assert_eq!((missing.status().as_u16(), missing.bytes().await.unwrap().len()), (404, 0));
    assert_eq!(get("xyz".to_owned(), "*/*").await.status(), 400);

    let sent = loopback().unwrap().post(format!("{}/v1/traces", running.http)).header("content-type", "application/x-protobuf");
    assert_eq!(sent.body(request.encode_to_vec()).send().await.unwrap().status(), 200);
    let id = TraceId::to_string(&trace);
    let json: Value = get(id.clone(), "application/json").await.json().await.unwrap();
    let span = &json["batches"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((span["name"].as_str(), span["spanId"].as_str()), (Some("work"), Some("AQEBAQEBAQE=")));
    let binary = TracesData::decode(get(id, "application/protobuf").await.bytes().await.unwrap()).unwrap();
    assert_eq!(TraceById::from_json(&json).unwrap().trace.unwrap(), binary);
    running.stop().await;
}
