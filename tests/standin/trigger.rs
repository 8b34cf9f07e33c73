//! The stand-in for the Trigger.dev API, called by hand.

use std::error::Error as _;

use devstack::{
    client::{Asked, WorkAnswer, WorkClient},
    model::{PayloadContext, SpanId, SpanKind, TraceId},
    standin::{StandInError, Trigger, TriggerConfig},
    support::clock,
    webhook::Secrets,
};
use serde_json::{Value, json};

use super::stand::{KEY, Stand, WORKER, spans};

const TRIGGER: &str = "/api/v1/tasks/send-mail/trigger";

fn traceparent(trace: TraceId, span: SpanId) -> String {
    format!("00-{trace}-{span}-01")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_below_the_span_that_its_payload_names() {
    let stand = Stand::start().await;
    let (trace, parent) = (TraceId::random(), SpanId::random());
    let body = json!({"payload": {"traceparent": traceparent(trace, parent), "correlationId": "c-1"}});
    let (status, answer) = stand.post(TRIGGER, &body).await;
    assert_eq!((status, &answer["isCached"]), (200, &json!(false)));
    let told = stand.enqueued.of_trace(trace).await.unwrap();
    assert_eq!(told.runs.len(), 1);
    let run = &told.runs[0];
    assert_eq!((run.task.as_str(), run.correlation_id.as_deref()), ("send-mail", Some("c-1")));
    assert_eq!(run.parent().map(|span| span.span_id), Some(parent));

    let spans = spans(&stand.end().await, trace);
    assert_eq!(spans.len(), 1);
    let span = &spans[0];
    assert_eq!((span.name.as_str(), span.kind, span.parent_id), ("trigger.task.send-mail", SpanKind::Consumer, Some(parent)));
    assert_eq!(span.service(), WORKER);
    assert_eq!(span.resource.attributes.text("devstack.stand_in"), Some("true"));
    assert_eq!(span.attributes.text("trigger.task.run_id"), answer["id"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_payload_names_no_valid_span_begins_a_trace_of_its_own() {
    let stand = Stand::start().await;
    let lost = TraceId::random();
    for (correlation, invalid) in [("c-zero", json!(format!("00-{lost}-0000000000000000-01"))), ("c-none", Value::Null)] {
        let body = json!({"payload": {"traceparent": invalid, "correlationId": correlation}});
        let call = stand.http.post(format!("{}{TRIGGER}", stand.url)).bearer_auth(KEY).json(&body);
        // The request's own trace is the caller's client span, which no worker goes on with.
        let response = call.header("traceparent", traceparent(lost, SpanId::random())).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
    // Found by the request, so that whoever misses the run learns why.
    let told = stand.enqueued.of_trace(lost).await.unwrap();
    let states: Vec<_> = told.runs.iter().map(|run| run.payload).collect();
    assert_eq!(states, [PayloadContext::Invalid, PayloadContext::Absent]);

    let ledger = stand.end().await;
    assert!(spans(&ledger, lost).is_empty());
    for correlation in ["c-zero", "c-none"] {
        let traces = ledger.correlated(correlation).traces;
        assert_eq!(traces.len(), 1, "{correlation}");
        let spans = spans(&ledger, traces[0]);
        assert_eq!((spans.len(), spans[0].parent_id), (1, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_runs_once_and_is_one_span() {
    let stand = Stand::start().await;
    let (trace, key) = (TraceId::random(), "ab".repeat(32));
    let body = json!({"payload": {"traceparent": traceparent(trace, SpanId::random())}, "options": {"idempotencyKey": key}});
    let before = clock::unix_nanos();
    let first = stand.post(TRIGGER, &body).await.1;
    let second = stand.post(TRIGGER, &body).await.1;
    assert_eq!((&first["id"], &second["isCached"]), (&second["id"], &json!(true)));
    let told = stand.enqueued.since(before).await.unwrap();
    assert_eq!(told.runs.iter().map(|run| run.cached).collect::<Vec<_>>(), [false, true]);
    assert!(told.runs.iter().all(|run| run.idempotency_key.as_deref() == Some(&key) && run.key_as_sdk));
    // The same key for another task is another run.
    let other = stand.post("/api/v1/tasks/other/trigger", &body).await.1;
    assert_eq!(other["isCached"], json!(false));
    let spans = spans(&stand.end().await, trace);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["trigger.task.send-mail", "trigger.task.other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_answered_as_each_version_of_the_sdk_wants_them() {
    let stand = Stand::start().await;
    let items = json!([{"task": "a", "payload": {}}, {"task": "b", "payload": {}}]);
    let (status, answer) = stand.post("/api/v1/tasks/batch", &json!({"items": items})).await;
    assert_eq!((status, &answer["runs"][1]["taskIdentifier"], &answer["isCached"]), (200, &json!("b"), &json!(false)));
    let (status, answer) = stand.post("/api/v2/tasks/batch", &json!({"items": items})).await;
    assert_eq!((status, &answer["runCount"]), (202, &json!(2)));
    let (status, answer) = stand.post("/api/v1/tasks/c/batch", &json!({"items": [{"payload": {}}]})).await;
    assert_eq!((status, answer["runs"][0].as_str().is_some_and(|id| id.starts_with("run_"))), (200, true));
    let (status, _) = stand.post("/api/v1/tasks/batch", &json!({"items": []})).await;
    assert_eq!(status, 400);
    let (status, _) = stand.post("/api/v1/tasks/batch", &json!({"items": [{"payload": {}}]})).await;
    assert_eq!(status, 400, "an item of no task");
    let told = stand.enqueued.since(0).await.unwrap();
    assert_eq!(told.runs.iter().map(|run| run.task.as_str()).collect::<Vec<_>>(), ["a", "b", "a", "b", "c"]);
    assert_eq!(told.unreadable, 2);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_counted_and_never_repeated() {
    let stand = Stand::start().await;
    let secret = "0721 000 000";
    let response =
        stand.http.post(format!("{}{TRIGGER}", stand.url)).bearer_auth("tr_dev_other").body(secret).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.json::<Value>().await.unwrap()),
        (401, json!({"error": "Invalid or Missing API key"}))
    );
    let wrong = json!({"payload": secret, "options": {"payloadType": "application/super+json"}});
    let (status, answer) = stand.post(TRIGGER, &wrong).await;
    assert!(status == 400 && !answer.to_string().contains(secret), "{answer}");
    let (status, answer) = stand.post("/api/v3/runs/run_1", &json!({})).await;
    assert!(status == 404 && answer["error"].as_str().unwrap().contains("`/api/v3/runs/run_1`"), "{answer}");
    let told = stand.enqueued.since(0).await.unwrap();
    assert_eq!((told.runs.len(), told.unauthorized, told.unreadable, told.forgotten), (0, 1, 1, 0));
    let status = stand.http.get(format!("{}/_devstack/enqueued?trace=7", stand.url)).send().await.unwrap().status();
    assert_eq!(status, 400);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_spans_it_answers_for_its_work_and_without_it_sends_nothing() {
    let (trace, with) = (TraceId::random(), Stand::start().await);
    let body = json!({"payload": {"traceparent": traceparent(trace, SpanId::random())}});
    with.post(TRIGGER, &body).await;
    let asked = WorkClient::new(with.http.clone());
    let answer = asked.ask(&with.url, &Asked::Trace(trace), std::time::Duration::from_secs(10)).await.unwrap();
    let WorkAnswer::Report(report) = answer else { panic!("it reports no work") };
    assert!(report.idle() && report.exported == 1, "{report:?}");
    with.end().await;

    let without = Stand::with(|config| config.spans = None).await;
    without.post(TRIGGER, &body).await;
    assert_eq!(without.enqueued.of_trace(trace).await.unwrap().runs.len(), 1);
    let answer = asked.ask(&without.url, &Asked::Trace(trace), std::time::Duration::ZERO).await.unwrap();
    assert_eq!(answer, WorkAnswer::Unsupported);
    assert!(spans(&without.end().await, trace).is_empty());
}

#[tokio::test]
async fn without_a_key_or_a_port_it_does_not_start() {
    let config = TriggerConfig { listen: "127.0.0.1:0".parse().unwrap(), secrets: Secrets::default(), spans: None };
    let error = Trigger::bind(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("`TRIGGER_SECRET_KEY`"), "{error}");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap();
    let error =
        Trigger::bind(TriggerConfig { listen, secrets: Secrets::generated(["TRIGGER_SECRET_KEY"]), ..config }).await.unwrap_err();
    assert!(matches!(error, StandInError::Listen { .. }) && error.source().is_some(), "{error}");
    assert!(error.to_string().contains(&listen.to_string()));
}
