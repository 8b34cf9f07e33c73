//! A run against a service whose worker is only stood in for: what holds, what does not, and what the report says of it.

use std::time::Duration;

use axum::{Extension, Router, routing::get};
use devstack::{
    check::{Evidence, RunReport, ServiceAddress, Verdict},
    client::loopback,
    report::{Sources, terminal},
    standin::{Trigger, TriggerConfig},
    support::random,
    telemetry::{
        Outcome, RequestTrace, Settings, Telemetry, create_webhook_trace_context, end_span, trace_requests, work_routes,
    },
    term::Look,
    webhook::{Secrets, secrets::TRIGGER_SECRET_KEY},
};
use serde_json::{Map, json};
use tokio_util::sync::CancellationToken;

use super::stand::{KEY, WORKER};
use crate::stage::{Stage, serve};

const REQUEST: &str = "name: x\nrequest: { path: /order, service: shop }\nresponse: 200\n";

/// Runs one fixture against a shop that hands its orders to a worker, for which the stand-in answers.
async fn judged(fixture: &str) -> RunReport {
    let (stage, shutdown) = (Stage::open().await, CancellationToken::new());
    let settings = |service: &str| Settings::new(service).with_endpoint(&stage.otlp);
    let config = TriggerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        secrets: Secrets::default().with(TRIGGER_SECRET_KEY, KEY),
        spans: Some(settings(WORKER)),
    };
    let trigger = Trigger::bind(config).await.unwrap();
    let url = format!("http://{}/api/v1/tasks/send-mail/trigger", trigger.address());
    let standing_in = tokio::spawn(trigger.run(shutdown.clone()));
    // The judge is told of the shop alone, and must not take its word for the whole before the stand-in's span is there.
    let telemetry = Telemetry::start(&Settings { instance: random::uuid(), ..settings("shop") }).unwrap();
    let (shop, serving) = serve(shop(&telemetry, url), shutdown.clone()).await;
    let otlp = stage.otlp.clone();
    let services = vec![ServiceAddress { name: "shop".into(), url: shop }];
    let report = stage.judged(fixture, &otlp, |grounds| grounds.services = services).await;
    shutdown.cancel();
    serving.await.unwrap();
    standing_in.await.unwrap();
    telemetry.shutdown(Duration::ZERO).await.unwrap_or_default();
    report
}

/// `GET /order` of the shop: a producer, and its context in the payload of the call.
fn shop(telemetry: &Telemetry, url: String) -> Router {
    let tracer = telemetry.tracer("shop");
    let order = async move |Extension(request): Extension<RequestTrace>| {
        let send = tracer.producer("trigger.dev", "send-mail", None).under(request.context()).start();
        let mut payload = Map::new();
        create_webhook_trace_context(send.context(), &request.correlation_id).inject_into(&mut payload);
        let call = loopback().unwrap().post(url.as_str()).bearer_auth(KEY).json(&json!({"payload": payload}));
        let status = call.send().await.unwrap().status();
        end_span(&send, Outcome::Ok);
        status
    };
    let router = Router::new().route("/order", get(order));
    Router::new().merge(work_routes(telemetry)).fallback_service(trace_requests(telemetry, router))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expectation_of_the_worker_fails_and_says_that_only_a_stand_in_answered() {
    for expected in ["trace: [{ consumer: trigger.task.send-mail, service: acme-worker }]\n", "edges: [shop -> acme-worker]\n"] {
        let report = judged(&format!("{REQUEST}{expected}")).await;
        let case = &report.cases[0];
        assert_eq!((case.verdict, case.evidence), (Verdict::Failed, Evidence::Drained), "{:#?}", case.findings);
        assert_eq!(case.findings.len(), 1, "{:#?}", case.findings);
        assert_eq!(case.findings[0].headline, "Only a stand-in of `acme-worker` answered; `stand_in: ok` accepts that.");
        let text = terminal::render(&report, &Sources::default(), &Look::plain());
        assert!(text.contains("acme-worker (stand-in)"), "{text}");
        assert!(text.ends_with("\nyour acme-worker was not tested (stand-in)\n"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_stand_in_ok_it_holds_and_the_report_still_says_what_was_not_tested() {
    let expected = "stand_in: ok\nedges: [shop -> acme-worker]\ntrace:\n  - producer: trigger.dev.send-mail send\n    children:\n      - consumer: trigger.task.send-mail\n        service: acme-worker\n        count: 1\n";
    let report = judged(&format!("{REQUEST}{expected}")).await;
    let case = &report.cases[0];
    assert_eq!((case.verdict, case.evidence), (Verdict::Held, Evidence::Drained), "{:#?}", case.findings);
    assert_eq!(case.stand_ins, [WORKER]);
    let text = terminal::render(&report, &Sources::default(), &Look::plain());
    assert!(text.ends_with("\nyour acme-worker was not tested (stand-in)\n"), "{text}");
}
