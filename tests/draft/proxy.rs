//! The recorder between a sender and a service: what goes through unchanged, and what is told when it does not.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use devstack::client::loopback;
use tokio_util::sync::CancellationToken;

use super::sessions::{bytes_of, record};
use crate::{sandbox::Sandbox, stage::serve};

type Heard = Arc<Mutex<Vec<(Method, String, HeaderMap, Bytes)>>>;

/// A service that remembers what it heard and answers 207 with what it is told.
async fn service(answer: &'static [u8]) -> (String, Heard, CancellationToken) {
    let heard: Heard = Arc::default();
    let remembered = Arc::clone(&heard);
    let router = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        remembered.lock().unwrap().push((method, uri.to_string(), headers, body));
        (StatusCode::MULTI_STATUS, [("x-answer", "a"), ("connection", "x-hop"), ("x-hop", "1")], answer)
    });
    let stop = CancellationToken::new();
    let (url, _) = serve(router.layer(axum::extract::DefaultBodyLimit::disable()), stop.clone()).await;
    (url, heard, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_go_through_as_they_came() {
    let sandbox = Sandbox::new();
    let (target, heard, _stop) = service(b"{\"status\":\"received\"}  ").await;
    let (recorder, url) = record(&sandbox, &format!("{target}/base"), &["--wait", "200ms"]);
    let body = b"{ \"b\":1,\r\n \"a\" : [ ] }".as_slice();
    let http = loopback().unwrap();
    let sent = http
        .put(format!("{url}/hooks/x%20y?q=a+b&q=2"))
        .header("content-type", "application/json")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("connection", "x-mine")
        .header("x-mine", "1")
        .body(body);
    let answer = sent.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-answer"].to_str().unwrap()), (207, "a"));
    assert!(!answer.headers().contains_key("x-hop"), "what spoke of the other connection ends there");
    assert_eq!(answer.bytes().await.unwrap(), "{\"status\":\"received\"}  ");

    let (method, uri, headers, got) = heard.lock().unwrap().remove(0);
    assert_eq!((method, uri.as_str()), (Method::PUT, "/base/hooks/x%20y?q=a+b&q=2"));
    assert_eq!(got, body);
    assert_eq!(headers.get_all("x-twice").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(!headers.contains_key("x-mine") && !headers.contains_key("user-agent") && headers.contains_key("traceparent"));
    assert_eq!(headers["host"], url.trim_start_matches("http://"), "signatures may cover the address that was called");

    // A sender's own context is kept.
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    http.post(format!("{url}/hooks/y")).header("traceparent", context).body("a=b").send().await.unwrap();
    assert_eq!(heard.lock().unwrap()[0].2["traceparent"], context);
    let lines = recorder.lines(2);
    assert!(lines.iter().any(|line| line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"), "{lines:?}");
    assert_eq!(recorder.interrupt(), 0);
    let written = bytes_of(&sandbox.path("fixtures"));
    assert!(written.contains("# No span of its trace arrived within"), "{written}");
    assert!(written.contains("response: { status: 207, json: { $.status: received } }"), "{written}");
    assert!(!written.contains("\ntrace:") && !written.contains("\nnone:"), "{written}");
    assert_eq!(sandbox.run(&["lint"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_told_to_the_sender_and_on_the_terminal() {
    let sandbox = Sandbox::new();
    // A port that was free a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (recorder, url) = record(&sandbox, &format!("http://{gone}"), &[]);
    let answer = loopback().unwrap().post(format!("{url}/hooks?token=hunter2hunter2")).body("Ana").send().await.unwrap();
    assert_eq!(answer.status(), 502);
    let line = recorder.lines(1).remove(0);
    let reason = line["reason"].as_str().unwrap();
    assert!(line["recorded"] == false && reason.starts_with(&format!("`http://{gone}` cannot be reached")), "{line}");
    assert!(!line.to_string().contains("hunter2"));
    assert_eq!(recorder.interrupt(), 3);
    assert_eq!(fs::read_dir(sandbox.path("fixtures")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_still_goes_through() {
    let sandbox = Sandbox::new();
    let (target, heard, _stop) = service(b"ok").await;
    let (recorder, url) = record(&sandbox, &target, &["--wait", "100ms"]);
    let http = loopback().unwrap();
    let large = vec![b'x'; 11 * 1024 * 1024];
    assert_eq!(http.post(format!("{url}/large")).body(large.clone()).send().await.unwrap().status(), 207);
    assert_eq!(heard.lock().unwrap().remove(0).3.len(), large.len());
    assert_eq!(http.post(format!("{url}/binary")).body(vec![0xff_u8, 0, 1]).send().await.unwrap().status(), 207);
    let strange = http.post(format!("{url}/x")).header("host", "evil.example").body("{}").send().await.unwrap();
    assert_eq!(strange.status(), 403);
    let reasons: Vec<String> =
        recorder.lines(3).iter().map(|line| line["reason"].as_str().unwrap_or_default().to_owned()).collect();
    for wanted in ["larger than the 10 MiB", "the body is no text", "a request to the host `evil.example` was refused"] {
        assert!(reasons.iter().any(|reason| reason.contains(wanted)), "{wanted} in {reasons:?}");
    }
    assert_eq!(recorder.interrupt(), 3);
    assert_eq!(heard.lock().unwrap().len(), 1, "the stranger's request went nowhere");
}
