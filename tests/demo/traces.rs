//! The shapes of the traces: who is whose child, what spans carry, what a retry and a duplicate look like.

use devstack::{
    client::Asked,
    demo::{API, TRIGGER},
    expect::rules::{Pack, Subject},
    model::{Span, SpanKind, StatusCode},
    telemetry::attributes::REGISTRY,
    webhook::Provider,
};
use serde_json::json;

use super::harness::{Case, Lab, Seen, attribute, events, message, payment, person};

const HOT: &str = "Buna ziua! Vreau implanturi All-on-4, cat costa? E urgent, am dureri.";
const COLD: &str = "Salut, unde va aflati?";

async fn deliver_message(lab: &Lab, text: &str) -> (Case, Seen) {
    let case = Case::new();
    assert_eq!(lab.deliver(&case, &Provider::whatsapp(), &message(text)).await.status, 200);
    let trace = lab.trace(&case).await;
    (case, trace)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_becomes_one_trace_from_the_webhook_to_the_externals() {
    let lab = Lab::start().await;
    let (case, trace) = deliver_message(&lab, HOT).await;
    let server = trace.one(SpanKind::Server, "POST /webhooks/whatsapp");
    let producer = trace.one(SpanKind::Producer, "trigger.dev.whatsapp-message-handler send");
    let consumer = trace.one(SpanKind::Consumer, "trigger.task.whatsapp-message-handler");
    assert_eq!((server.service(), producer.service(), consumer.service()), (API, API, TRIGGER));
    assert_eq!(trace.parent(producer).span_id, server.span_id, "{}", trace.tree());
    assert_eq!(trace.parent(consumer).span_id, producer.span_id, "{}", trace.tree());
    assert_eq!(attribute(producer, "trigger.task.handle_id"), attribute(consumer, "trigger.task.run_id"));
    let call = trace.below(producer).into_iter().find(|span| span.name == "medicalcor-trigger POST").unwrap();
    let endpoint = trace.below(call)[0];
    assert_eq!((endpoint.name.as_str(), endpoint.service()), ("POST /api/v1/tasks/{id}/trigger", TRIGGER));
    let names: Vec<_> = trace.below(consumer).into_iter().map(|span| span.name.clone()).collect();
    for name in ["hubspot POST", "whatsapp POST", "db.INSERT", "redis.set", "trigger.dev.lead-scoring-workflow send"] {
        assert!(names.iter().any(|known| known == name), "{name} in\n{}", trace.tree());
    }
    assert_eq!(events(consumer), ["message_processed"]);
    assert!(server.end_ns <= consumer.end_ns, "the webhook is answered before the work is done");
    let roots = trace.0.tops();
    assert_eq!(roots.len(), 1, "one connected tree:\n{}", trace.tree());
    for span in trace.0.spans() {
        if matches!(span.kind, SpanKind::Server | SpanKind::Producer | SpanKind::Consumer) {
            assert_eq!(attribute(span, "medicalcor.correlation_id"), case.correlation, "{}", span.name);
        }
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workflow_runs_its_three_steps_in_order_and_scores_by_the_words() {
    let lab = Lab::start().await;
    for (text, classification, score) in [(HOT, "HOT", "5"), (COLD, "COLD", "1")] {
        let (_, trace) = deliver_message(&lab, text).await;
        let workflow = trace.one(SpanKind::Consumer, "trigger.task.lead-scoring-workflow");
        let steps: Vec<_> = trace.below(workflow).into_iter().filter(|span| span.kind == SpanKind::Internal).collect();
        let names: Vec<_> =
            steps.iter().map(|span| (span.name.as_str(), attribute(span, "trigger.workflow.step_index"))).collect();
        let expected =
            ["fetch-data", "calculate-score", "update-crm"].map(|step| format!("trigger.workflow.lead-scoring.{step}"));
        assert_eq!(names, [(&*expected[0], "0".into()), (&*expected[1], "1".into()), (&*expected[2], "2".into())]);
        let below: Vec<_> = steps.iter().map(|step| trace.below(step)[0].name.clone()).collect();
        assert_eq!(below, ["db.SELECT", "openai POST", "hubspot PATCH"]);
        assert_eq!(events(workflow), ["lead_scored"]);
        let handler = trace.one(SpanKind::Consumer, "trigger.task.whatsapp-message-handler");
        for span in [handler, workflow] {
            assert_eq!(attribute(span, "medicalcor.lead.classification"), classification);
            assert_eq!(attribute(span, "medicalcor.lead.score"), score);
            assert_eq!(span.attributes.get("medicalcor.lead.score").unwrap().type_name(), "int");
        }
        let asked = trace.all(SpanKind::Client, "openai POST");
        assert!(asked.iter().all(|span| attribute(span, "medicalcor.openai.model") == "gpt-4o"));
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_delivery_has_a_producer_and_no_run() {
    let lab = Lab::start().await;
    let (case, body) = (Case::new(), payment("payment_intent.succeeded"));
    for _ in 0..2 {
        assert_eq!(lab.deliver(&case, &Provider::stripe(), &body).await.status, 200);
        lab.drained(&Asked::Trace(case.trace)).await;
    }
    let trace = lab.trace(&case).await;
    let producers = trace.all(SpanKind::Producer, "trigger.dev.payment-succeeded-handler send");
    let consumer = trace.one(SpanKind::Consumer, "trigger.task.payment-succeeded-handler");
    assert_eq!(producers.len(), 2, "{}", trace.tree());
    let marks: Vec<_> = producers.iter().map(|span| attribute(span, "trigger.task.deduplicated")).collect();
    assert_eq!(marks, ["", "true"]);
    for producer in producers {
        assert_eq!(attribute(producer, "trigger.task.handle_id"), attribute(consumer, "trigger.task.run_id"));
    }
    assert_eq!(lab.calls(&case, "whatsapp").await, 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scripted_body_is_what_the_service_says() {
    let lab = Lab::start().await;
    let case = Case::new();
    let reply = json!({"role": "assistant", "content": r#"{"score": 5, "reasoning": "as scripted"}"#});
    let answer = json!({"body": {"model": "gpt-4o", "choices": [{"index": 0, "message": reply}]}});
    lab.script(&case, json!({"openai": [answer, answer]})).await;
    lab.deliver(&case, &Provider::whatsapp(), &message(COLD)).await;
    let trace = lab.trace(&case).await;
    let workflow = trace.one(SpanKind::Consumer, "trigger.task.lead-scoring-workflow");
    // Asked for a reply first, then for the score: it may correct the rules, which say 1, by one.
    assert_eq!(attribute(workflow, "medicalcor.lead.score"), "2");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_at_the_same_time_make_one_run() {
    let lab = Lab::start().await;
    let (case, body) = (Case::new(), payment("payment_intent.succeeded"));
    let stripe = Provider::stripe();
    let sent = futures_util::future::join_all((0..8).map(|_| lab.deliver(&case, &stripe, &body))).await;
    assert!(sent.iter().all(|answer| answer.status == 200));
    let trace = lab.trace(&case).await;
    assert_eq!(trace.all(SpanKind::Producer, "trigger.dev.payment-succeeded-handler send").len(), 8);
    trace.one(SpanKind::Consumer, "trigger.task.payment-succeeded-handler");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_call_is_tried_again_each_try_a_span() {
    let lab = Lab::start().await;
    let case = Case::new();
    lab.script(&case, json!({"hubspot": [{"status": 429, "retry_after_ms": 1000}, {"status": 503}, {"status": 200}]})).await;
    lab.deliver(&case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
    let trace = lab.trace(&case).await;
    let consumer = trace.one(SpanKind::Consumer, "trigger.task.payment-succeeded-handler");
    let tries = trace.all(SpanKind::Client, "hubspot POST");
    let shown: Vec<_> = tries
        .iter()
        .map(|span| (attribute(span, "http.status_code"), attribute(span, "error.type"), span.status.code == StatusCode::Error))
        .collect();
    let expected = [("429", "429", true), ("503", "503", true), ("201", "", false)];
    assert_eq!(shown, expected.map(|(status, class, error)| (status.to_owned(), class.to_owned(), error)), "{}", trace.tree());
    assert!(tries.iter().all(|span| span.parent_id == Some(consumer.span_id)));
    assert_eq!(attribute(consumer, "trigger.task.attempt"), "1");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_keeps_failing_costs_an_attempt_and_the_next_one_succeeds() {
    let lab = Lab::start().await;
    let case = Case::new();
    lab.script(&case, json!({"hubspot": [{"status": 429}, {"status": 429}, {"status": 429}, {"status": 429}]})).await;
    lab.deliver(&case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
    let trace = lab.trace(&case).await;
    let attempts = trace.all(SpanKind::Consumer, "trigger.task.payment-succeeded-handler");
    let shown: Vec<_> = attempts.iter().map(|span| (attribute(span, "trigger.task.attempt"), span.is_error())).collect();
    assert_eq!(shown, [("1".to_owned(), true), ("2".to_owned(), false)], "{}", trace.tree());
    assert_eq!(attribute(attempts[0], "error.type"), "RateLimitError");
    assert_eq!(events(attempts[0]), ["exception"]);
    let producer = trace.one(SpanKind::Producer, "trigger.dev.payment-succeeded-handler send");
    assert!(attempts.iter().all(|span| span.parent_id == Some(producer.span_id)));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_is_not_repeated() {
    let lab = Lab::start().await;
    let case = Case::new();
    lab.script(&case, json!({"hubspot": [{"status": 400}]})).await;
    lab.deliver(&case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
    let trace = lab.trace(&case).await;
    assert_eq!(trace.all(SpanKind::Client, "hubspot POST").len(), 1);
    assert!(trace.one(SpanKind::Consumer, "trigger.task.payment-succeeded-handler").is_error());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_and_a_silent_service_are_errors_of_their_own_kind() {
    let lab = Lab::start().await;
    for (step, class) in [(json!({"reset": true}), "ExternalServiceError"), (json!({"hang": true}), "TimeoutError")] {
        let case = Case::new();
        lab.script(&case, json!({"hubspot": [step]})).await;
        lab.deliver(&case, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
        let trace = lab.trace(&case).await;
        let tries = trace.all(SpanKind::Client, "hubspot POST");
        assert_eq!(
            (attribute(tries[0], "error.type"), attribute(tries[0], "http.status_code")),
            (class.to_owned(), String::new())
        );
        assert_eq!(trace.all(SpanKind::Consumer, "trigger.task.payment-succeeded-handler").len(), 2, "{}", trace.tree());
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_down_is_done_without_and_said_so() {
    let lab = Lab::start().await;
    let case = Case::new();
    let down = vec![json!({"status": 500}); 2];
    lab.script(&case, json!({"openai": down, "whatsapp": [{"status": 500}]})).await;
    lab.deliver(&case, &Provider::whatsapp(), &message(COLD)).await;
    let trace = lab.trace(&case).await;
    let handler = trace.one(SpanKind::Consumer, "trigger.task.whatsapp-message-handler");
    assert_eq!(events(handler), ["error_handled", "error_handled", "message_processed"]);
    assert!(!handler.is_error());
    let step = trace.one(SpanKind::Internal, "trigger.workflow.lead-scoring.calculate-score");
    assert_eq!(events(step), ["error_handled"]);
    let workflow = trace.one(SpanKind::Consumer, "trigger.task.lead-scoring-workflow");
    assert_eq!(attribute(workflow, "medicalcor.lead.classification"), "COLD");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_payment_event_has_its_task() {
    let lab = Lab::start().await;
    let charge = json!({"id": "ch_1", "object": "charge", "amount": 900, "amount_refunded": 400, "currency": "eur", "status": "succeeded",
                        "payment_intent": "pi_charge", "customer": null, "receipt_email": "c@example.com", "receipt_url": null,
                        "refunded": true, "created": 1, "metadata": {}});
    let mut refund = payment("charge.refunded");
    refund["data"]["object"] = charge;
    for (body, task, calls) in [
        (
            payment("payment_intent.succeeded"),
            "payment-succeeded-handler",
            vec!["hubspot POST", "hubspot PATCH", "whatsapp POST"],
        ),
        (payment("payment_intent.payment_failed"), "payment-failed-handler", vec!["hubspot POST", "hubspot POST"]),
        (refund, "refund-handler", vec!["hubspot POST", "hubspot PATCH"]),
    ] {
        let case = Case::new();
        assert_eq!(lab.deliver(&case, &Provider::stripe(), &body).await.json(), json!({"received": true}));
        let trace = lab.trace(&case).await;
        let consumer = trace.one(SpanKind::Consumer, &format!("trigger.task.{task}"));
        let below: Vec<_> = trace.below(consumer).into_iter().map(|span| span.name.as_str()).collect();
        assert_eq!(below, [vec!["db.INSERT"], calls].concat(), "{task}");
    }
    let ignored = Case::new();
    lab.deliver(&ignored, &Provider::stripe(), &payment("invoice.upcoming")).await;
    assert!(lab.trace(&ignored).await.0.services().into_iter().eq([API]));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rule_packs_find_nothing_in_normal_work_and_in_work_that_was_mended() {
    let lab = Lab::start().await;
    let [message_case, mended, crm] = [Case::new(), Case::new(), Case::new()];
    lab.deliver(&message_case, &Provider::whatsapp(), &message(HOT)).await;
    lab.script(&mended, json!({"hubspot": [{"status": 429}, {"status": 503}], "whatsapp": [{"status": 500}]})).await;
    lab.deliver(&mended, &Provider::stripe(), &payment("payment_intent.succeeded")).await;
    lab.deliver(&crm, &Provider::pipedrive(), &person().1).await;
    let secrets: Vec<_> = lab.secrets.values().map(|value| (value.to_owned(), "secret".to_owned())).collect();
    for case in [message_case, mended, crm] {
        let trace = lab.trace(&case).await;
        let whole = trace.rooted();
        let subject =
            Subject { trace: &whole, correlation_id: &case.correlation, secrets: &secrets, logged: &[], registry: REGISTRY };
        for rule in [Pack::Otel, Pack::Medicalcor].iter().flat_map(|pack| pack.rules()) {
            assert_eq!(rule.check(&subject), [], "{rule:?} in\n{}", trace.tree());
        }
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attribute_is_in_the_registry_and_nothing_personal_is_in_any() {
    let lab = Lab::start().await;
    let secret_words = "implant Zubereitung 4711-secret";
    let (case, trace) = deliver_message(&lab, secret_words).await;
    let crm = Case::new();
    lab.deliver(&crm, &Provider::pipedrive(), &person().1).await;
    let crm_trace = lab.trace(&crm).await;
    for span in trace.0.spans().iter().chain(crm_trace.0.spans()) {
        check_attributes(span);
        let shown = format!("{span:?}");
        for personal in [secret_words, "4711-secret", "Ioana", "+40", "40720", "@example.com"] {
            assert!(!shown.contains(personal), "`{personal}` in {shown}");
        }
    }
    let ledger = lab.ledger.clone();
    lab.stop().await;
    let logs = ledger.view(case.trace).logs;
    assert!(!logs.is_empty(), "the API logs that it triggered, in the trace");
    assert!(!format!("{logs:?}").contains("40720"));
}

fn check_attributes(span: &Span) {
    for (key, _) in span.attributes.iter() {
        assert!(REGISTRY.contains(&key) || key.starts_with("devstack."), "`{key}` of {} is in no table", span.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_of_the_dashboard_are_written_with_their_labels() {
    let lab = Lab::start().await;
    deliver_message(&lab, COLD).await;
    let Lab { demo, ledger, .. } = lab;
    demo.stop().await;
    for (name, labels) in [
        ("http_requests_total", vec![("method", "POST"), ("path", "/webhooks/whatsapp"), ("status", "200")]),
        ("http_request_duration_seconds", vec![("method", "POST"), ("path", "/api/v1/tasks/{id}/trigger")]),
        ("medicalcor_worker_tasks_total", vec![("task", "whatsapp-message-handler"), ("status", "success")]),
        ("medicalcor_worker_task_duration_seconds", vec![("task", "lead-scoring-workflow")]),
        (
            "medicalcor_external_service_requests_total",
            vec![("service", "hubspot"), ("operation", "sync"), ("status", "success")],
        ),
        ("medicalcor_external_service_duration_seconds", vec![("service", "openai"), ("operation", "score")]),
        ("medicalcor_query_duration_seconds", vec![("type", "INSERT")]),
        ("medicalcor_command_duration_seconds", vec![("type", "SET")]),
        ("medicalcor_circuit_breaker_state", vec![("service", "hubspot")]),
    ] {
        let series = ledger.metrics(Some(name)).series;
        let has = |point: &devstack::model::MetricPoint| {
            labels.iter().all(|(key, value)| point.series.attributes.text(key) == Some(value))
        };
        assert!(series.iter().any(|arrival| has(&arrival.point)), "{name} {labels:?} in {series:#?}");
    }
}
