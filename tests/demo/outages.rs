//! What happens when something the services need is broken: a store, an external service, the Trigger endpoint.

use std::time::Duration;

use devstack::{
    demo::{API, Api, ApiConfig, RedisServer, ServiceConfig, Stores},
    model::SpanKind,
    support::{clock, clock::TimerClock, random},
    telemetry::Settings,
    webhook::{Parts, Provider, Secrets, Signature, secrets::OF_DEMO, sign},
};
use reqwest::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::harness::{Case, Lab, attribute, events, message, payment, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_error_under_a_crm_webhook_is_a_500_and_an_error_span() {
    let file = std::env::temp_dir().join(format!("devstack-{}.db", random::uuid()));
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let lab = Lab::with(|config| config.stores.database_url = Some(url.clone())).await;
    sqlx::any::install_default_drivers();
    let database = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query("DROP TABLE medicalcor_api_leads").execute(&database).await.unwrap();
    let case = Case::new();
    let answer = lab.deliver(&case, &Provider::pipedrive(), &person().1).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::INTERNAL_SERVER_ERROR, Some("INTERNAL_ERROR")));
    let trace = lab.trace(&case).await;
    for span in [trace.one(SpanKind::Client, "db.INSERT"), trace.one(SpanKind::Server, "POST /webhooks/crm")] {
        assert!(span.is_error(), "{}", trace.tree());
        assert_eq!((attribute(span, "error.type").as_str(), events(span)), ("DatabaseError", vec!["exception"]), "{}", span.name);
    }
    lab.stop().await;
    database.close().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_webhook_is_let_through_and_its_run_is_refused() {
    let server = RedisServer::start().await.unwrap();
    let lab = Lab::with(|config| config.stores.redis_url = Some(server.url())).await;
    drop(server);
    let case = Case::new();
    let answer = lab.deliver(&case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let trace = lab.trace(&case).await;
    assert_eq!(events(trace.one(SpanKind::Server, "POST /webhooks/stripe")), ["error_handled"]);
    let producer = trace.one(SpanKind::Producer, "trigger.dev.payment-succeeded-handler send");
    assert!(producer.is_error(), "{}", trace.tree());
    assert_eq!(attribute(producer, "error.type"), "TriggerRefused");
    let tries: Vec<_> = trace.all(SpanKind::Client, "medicalcor-trigger POST");
    assert_eq!(tries.len(), 3, "{}", trace.tree());
    assert!(trace.all(SpanKind::Consumer, "trigger.task.payment-succeeded-handler").is_empty());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_opens_after_five_failed_calls_and_spares_the_service() {
    // A clock on which the breaker stays open for longer than the rest of the test takes.
    let lab = Lab::with(|config| config.clock = TimerClock::scaled(0.1)).await;
    let fail = json!({"hubspot": vec![json!({"status": 500}); 6]});
    let cases = [Case::new(), Case::new()];
    for case in &cases {
        lab.script(case, fail.clone()).await;
        lab.deliver(case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
        lab.trace(case).await;
    }
    let trace = lab.trace(&cases[1]).await;
    let attempts = trace.all(SpanKind::Consumer, "trigger.task.payment-succeeded-handler");
    let classes: Vec<_> = attempts.iter().map(|span| attribute(span, "error.type")).collect();
    assert_eq!(classes, ["ExternalServiceError", "ExternalServiceError", "CircuitBreakerError"], "{}", trace.tree());
    assert_eq!(trace.all(SpanKind::Client, "hubspot POST").len(), 2, "an open breaker sends nothing");
    assert_eq!(lab.calls(&cases[1], "hubspot").await, 2);
    let ledger = lab.ledger.clone();
    lab.stop().await;
    let states = ledger.metrics(Some("medicalcor_circuit_breaker_state")).series;
    let hubspot = states.iter().find(|arrival| arrival.point.series.attributes.text("service") == Some("hubspot")).unwrap();
    assert_eq!(hubspot.point.value.number(), Some(1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_trigger_endpoint_the_api_answers_and_the_producer_says_so() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let trigger_url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let lab = Lab::start().await;
    let settings = Settings::new("alone").with_endpoint(&lab.otlp).with_schedule_delay(Duration::from_millis(50));
    let service = ServiceConfig::new(settings);
    let secrets = Secrets::generated(OF_DEMO);
    let api = Api::bind(ApiConfig { service, trigger_url, secrets: secrets.clone(), stores: Stores::default() }).await.unwrap();
    let (address, shutdown) = (api.address(), CancellationToken::new());
    let run = tokio::spawn(api.run(shutdown.clone()));
    let (case, body) = (Case::new(), message("hello").to_string());
    let signed = sign(
        &Provider::whatsapp(),
        &secrets,
        &Parts { body: body.as_bytes(), unix_seconds: clock::unix_seconds(), ..Parts::default() },
        Signature::Valid,
    )
    .unwrap();
    let request = lab.http.post(format!("http://{address}/webhooks/whatsapp")).headers(signed.into_iter().collect());
    assert_eq!(lab.send(&case, request.body(body)).await.status, StatusCode::OK);
    shutdown.cancel();
    run.await.unwrap();
    let trace = lab.arrived(case.trace);
    let producer = trace.one(SpanKind::Producer, "trigger.dev.whatsapp-message-handler send");
    assert_eq!((producer.service(), attribute(producer, "error.type").as_str()), (API, "TriggerUnreachable"), "{}", trace.tree());
    assert_eq!(events(producer), ["exception"]);
    lab.stop().await;
}
