//! `devstack tail` and `devstack trace` beside a stack that is up: what arrives, what is rejected and why, how it ends, and what is
//! found again.

use std::{
    io::{BufRead, BufReader, Read as _},
    process::{ChildStderr, Stdio},
};

use devstack::client;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient};
use serde_json::{Value as Json, json};

use crate::{
    containers::{self, COLLECTOR, JAEGER, PROMETHEUS},
    up::stand::{Killed, Stand, until},
};

const EMBEDDED: &[&str] = &["--runtime", "embedded"];
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A `devstack tail` that listens.
pub(crate) struct Tail {
    child: Killed,
    err: BufReader<ChildStderr>,
}

/// What it said in the end.
pub(crate) struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Tail {
    pub(crate) fn start(stand: &Stand, args: &[&str]) -> Self {
        let all: Vec<&str> = ["tail"].into_iter().chain(args.iter().copied()).collect();
        let mut child = stand.sandbox.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        let mut tail = Self { child: Killed(child), err };
        tail.wait_for("Listening at ");
        tail
    }

    /// Reads stderr up to a line that begins so.
    fn wait_for(&mut self, beginning: &str) {
        let mut line = String::new();
        while !line.starts_with(beginning) {
            line.clear();
            assert!(self.err.read_line(&mut line).unwrap() > 0, "it ended before it said {beginning:?}");
        }
    }

    pub(crate) fn end(mut self) -> Said {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        Said { code: self.child.0.wait().unwrap().code(), out, err }
    }
}

impl Said {
    /// What it said with `--format json`, a document a line.
    pub(crate) fn json(&self) -> Vec<Json> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A span as an SDK sends it in OTLP's JSON.
fn request(service: &str, name: &str, status: u8) -> Json {
    json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
        "scopeSpans": [{ "spans": [{
            "traceId": TRACE, "spanId": "b7ad6b7169203331", "name": name, "kind": 2, "status": { "code": status },
            "startTimeUnixNano": "1795000000000000000", "endTimeUnixNano": "1795000000004000000",
            "attributes": [{ "key": "http.response.status_code", "value": { "intValue": "200" } }],
        }] }],
    }] })
}

async fn post(to: &str, content_type: &str, body: String) -> u16 {
    let request = client::loopback().unwrap().post(format!("{to}/v1/traces")).header("content-type", content_type);
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_what_is_rejected_with_the_reason() {
    let stand = Stand::new();
    let up = stand.up(EMBEDDED);
    let to = up["note"]["otlp_http"].as_str().unwrap().to_owned();
    let (json, text) = (Tail::start(&stand, &["-n", "3", "--format", "json"]), Tail::start(&stand, &["-n", "3"]));

    assert_eq!(post(&to, "application/json", request("shop-api", "POST /orders", 0).to_string()).await, 200);
    assert_eq!(post(&to, "application/x-protobuf", request("shop-api", "POST /orders", 0).to_string()).await, 400);
    let mut grpc = TraceServiceClient::connect(to.clone()).await.unwrap();
    grpc.export(ExportTraceServiceRequest::default()).await.unwrap_err();

    let said = json.end();
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines = said.json();
    assert_eq!([&lines[0]["kind"], &lines[1]["kind"], &lines[2]["kind"]], ["span", "problem", "problem"], "{lines:#?}");
    assert_eq!((&lines[0]["service"], &lines[0]["name"]), (&json!("shop-api"), &json!("POST /orders")));
    assert_eq!((&lines[0]["trace_id"], &lines[0]["duration_ns"]), (&json!(TRACE), &json!(4_000_000)));
    let words = |line: &Json| line["words"].as_str().unwrap().to_owned();
    assert!(words(&lines[1]).contains("JSON") && words(&lines[1]).contains("protobuf"), "{}", lines[1]);
    assert!(words(&lines[2]).contains("gRPC"), "{}", lines[2]);

    let said = text.end();
    let span = said.out.lines().next().unwrap();
    for part in ["shop-api", "POST /orders", "200", "4.0 ms", &TRACE[..4]] {
        assert!(span.contains(part), "{part} in {span}");
    }
    let squeezed = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeezed.contains(&words(&lines[1])), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_of_a_service_and_only_errors() {
    let stand = Stand::new();
    let up = stand.up(EMBEDDED);
    let to = up["note"]["otlp_http"].as_str().unwrap().to_owned();
    let tail = Tail::start(&stand, &["-n", "1", "--format", "json", "--service", "api", "--errors"]);
    for (service, name, status) in [("shop-web", "other", 2), ("shop-api", "fine", 0), ("shop-api", "wanted", 2)] {
        assert_eq!(post(&to, "application/json", request(service, name, status).to_string()).await, 200);
    }
    let said = tail.end();
    let line: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&line["name"], &line["error"]), (&json!("wanted"), &json!(true)));
}

#[test]
fn it_follows_a_stack_that_is_replaced_and_ends_with_one_that_goes() {
    let stand = Stand::new();
    stand.up(EMBEDDED);
    let (mut tail, counting) = (Tail::start(&stand, &[]), Tail::start(&stand, &["-n", "1000"]));
    stand.up(&["--runtime", "embedded", "--demo"]);
    tail.wait_for("The stack was replaced by the embedded stack.");
    tail.wait_for("Listening at ");
    assert_eq!(stand.down().code, 0);
    let said = tail.end();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.ends_with("The embedded stack went down.\n"), "{}", said.err);
    let said = counting.end();
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.err.contains("of 1000 lines"), "{}", said.err);
}

#[test]
fn ctrl_c_ends_it_and_without_a_stack_it_says_what_to_do() {
    let stand = Stand::new();
    let run = stand.run(&["tail"]);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("nothing is up") && run.err.contains("devstack up"), "{}", run.err);
    stand.up(EMBEDDED);
    let tail = Tail::start(&stand, &[]);
    let pid = tail.child.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(tail.end().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_found_in_the_stack_by_its_id_or_the_beginning_of_it() {
    let stand = Stand::new();
    let unknown = stand.run(&["trace", TRACE]);
    assert_eq!(unknown.code, 4, "{}", unknown.err);
    let up = stand.up(EMBEDDED);
    let to = up["note"]["otlp_http"].as_str().unwrap().to_owned();
    let unknown = stand.run(&["trace", TRACE]);
    assert_eq!(unknown.code, 4, "{}", unknown.err);
    assert!(unknown.err.contains("the embedded stack has no such trace either"), "{}", unknown.err);
    assert_eq!(post(&to, "application/json", request("shop-api", "POST /orders", 0).to_string()).await, 200);
    for id in [TRACE, &TRACE[..4], &TRACE.to_uppercase()[..7]] {
        let found = stand.run(&["trace", id]);
        assert_eq!(found.code, 0, "{id}: {}", found.err);
        assert!(found.out.starts_with(&TRACE[..8]) && found.out.contains("POST /orders"), "{}", found.out);
        assert!(found.out.lines().next().unwrap().contains("ledger of the embedded stack"), "{}", found.out);
    }
    let printed = stand.run(&["open", TRACE, "--print"]);
    assert_eq!((printed.code, printed.out.as_str()), (3, ""));
    assert!(printed.err.contains("nothing that draws traces") && printed.err.contains(&format!("devstack trace {TRACE}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_only_the_store_has_is_found_there() {
    if !containers::available(&[COLLECTOR, JAEGER, PROMETHEUS]) {
        return;
    }
    let stand = Stand::new();
    let up = stand.up(&["--stack", "jaeger", "--pull", "never"]);
    // Past devstack's receiver, so that its ledger has nothing of it.
    let collector = format!("http://127.0.0.1:{}", up["note"]["components"]["collector"]["otlp_http"]);
    assert_eq!(post(&collector, "application/json", request("shop-api", "POST /orders", 0).to_string()).await, 200);
    let found = until("Jaeger to have it", || Some(stand.run(&["trace", TRACE])).filter(|run| run.code == 0));
    assert!(found.out.lines().next().unwrap().contains("Jaeger of the stack jaeger"), "{}", found.out);
    assert_eq!(stand.run(&["trace", &TRACE[..8]]).code, 4, "the store finds whole ids only");
    let printed = stand.run(&["open", TRACE, "--print"]);
    let jaeger = &up["note"]["components"]["jaeger"]["api"];
    assert_eq!(printed.out, format!("http://127.0.0.1:{jaeger}/trace/{TRACE}\n"));
    let printed = stand.run(&["open", "--print"]);
    assert_eq!(printed.out, format!("http://127.0.0.1:{jaeger}/search\n"));
}
