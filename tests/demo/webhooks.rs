//! Status codes, bodies, signatures, windows and limits of the API's routes, and what each sets in motion.

use devstack::{
    client::Asked,
    demo::{API, TRIGGER, WEB},
    model::SpanKind,
    support::clock,
    webhook::{
        Parts, Provider, Signature,
        secrets::{TRIGGER_SECRET_KEY, WHATSAPP_VERIFY_TOKEN},
    },
};
use reqwest::StatusCode;
use serde_json::json;

use super::harness::{Case, Lab, message, message_at, payment, person, whatsapp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_true_signature_is_taken_and_any_other_is_refused_without_a_producer() {
    let lab = Lab::start().await;
    for (provider, body) in [
        (&Provider::whatsapp(), message("hello")),
        (&Provider::stripe(), payment("payment_intent.succeeded")),
        (&Provider::pipedrive(), person().1),
    ] {
        for signature in [Signature::Forged, Signature::Missing] {
            let case = Case::new();
            let answer = lab.deliver_raw(&case, provider, body.to_string().into_bytes(), signature).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{provider} {signature:?}");
            assert_eq!(answer.json()["code"], "WEBHOOK_SIGNATURE_ERROR");
            assert_eq!(answer.json()["statusCode"], 401);
            let trace = lab.trace(&case).await;
            assert!(trace.0.spans().iter().all(|span| span.kind != SpanKind::Producer), "{}", trace.tree());
            let server = trace.one(SpanKind::Server, &format!("POST {}", provider.path()));
            assert!(!server.is_error(), "a refusal is no fault of the server");
        }
        let answer = lab.deliver(&Case::new(), provider, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{provider}: {}", answer.text);
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signature_is_over_the_bytes_as_they_came() {
    let lab = Lab::start().await;
    let spaced = format!("{} \n", serde_json::to_string_pretty(&message("hello")).unwrap());
    let answer = lab.deliver_raw(&Case::new(), &Provider::whatsapp(), spaced.into_bytes(), Signature::Valid).await;
    assert_eq!(answer.status, StatusCode::OK);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_the_right_shape_is_a_validation_error() {
    let lab = Lab::start().await;
    for (provider, body) in [
        (&Provider::whatsapp(), "{\"object\": \"whatsapp_".to_owned()),
        (&Provider::whatsapp(), json!({"object": "page", "entry": []}).to_string()),
        (&Provider::stripe(), payment("payout.paid").to_string()),
        (&Provider::pipedrive(), json!({"event": "updated.person"}).to_string()),
    ] {
        let answer = lab.deliver_raw(&Case::new(), provider, body.into_bytes(), Signature::Valid).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{provider}");
        assert_eq!(answer.json()["code"], "VALIDATION_ERROR");
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_of_another_type_or_nowhere_is_said_so() {
    let lab = Lab::start().await;
    let case = Case::new();
    let large = lab.deliver_raw(&case, &Provider::whatsapp(), vec![b' '; 5 << 20], Signature::Valid).await;
    assert_eq!((large.status, large.json()["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("PAYLOAD_TOO_LARGE")));
    let url = format!("{}/webhooks/stripe", lab.demo.url(API).unwrap());
    let xml = lab.send(&case, lab.http.post(url).header("content-type", "text/xml").body("<a/>")).await;
    assert_eq!(xml.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let nowhere = lab.get(&case, API, "/webhooks/fax").await;
    assert_eq!(nowhere.json(), json!({"code": "NOT_FOUND", "message": "Route not found", "statusCode": 404}));
    let health = lab.get(&case, API, "/health").await;
    assert_eq!(health.json()["status"], "ok");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_not_loopback_is_refused() {
    let lab = Lab::start().await;
    for service in [API, TRIGGER, WEB] {
        let url = format!("{}/health", lab.demo.url(service).unwrap());
        let status = lab.http.get(url).header("host", "evil.example").send().await.unwrap().status();
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{service}");
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_subscription_check_gives_the_challenge_to_who_knows_the_token() {
    let lab = Lab::start().await;
    let token = lab.secrets.get(WHATSAPP_VERIFY_TOKEN).unwrap();
    let ask = |token: &str| format!("/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4711");
    let case = Case::new();
    let right = lab.get(&case, API, &ask(token)).await;
    assert_eq!((right.status, right.text.as_str()), (StatusCode::OK, "4711"));
    let wrong = lab.get(&Case::new(), API, &ask("guess")).await;
    assert_eq!((wrong.status, wrong.json()), (StatusCode::FORBIDDEN, json!({"error": "Verification failed"})));
    let trace = lab.trace(&case).await;
    let server = trace.one(SpanKind::Server, "GET /webhooks/whatsapp");
    let shown = format!("{server:?}");
    assert!(!shown.contains(token), "the token is in the span");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_message_is_received_and_passed_over() {
    let lab = Lab::start().await;
    for age in [500, -120] {
        let case = Case::new();
        let answer = lab.deliver(&case, &Provider::whatsapp(), &message_at("hello", clock::unix_seconds() - age)).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"status": "received"})));
        let trace = lab.trace(&case).await;
        assert!(trace.0.spans().iter().all(|span| span.kind != SpanKind::Producer && span.service() == API), "{}", trace.tree());
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_and_statuses_of_one_webhook_have_a_producer_and_a_run_each() {
    let lab = Lab::start().await;
    let now = clock::unix_seconds().to_string();
    let message = |id: &str| json!({"id": id, "from": "40720000004", "timestamp": now, "type": "text", "text": {"body": "hi"}});
    let status = |word: &str| json!({"id": "wamid.S1", "status": word, "timestamp": now, "recipient_id": "40720000006"});
    let case = Case::new();
    let batch =
        json!({"messages": [message("wamid.M1"), message("wamid.M2")], "statuses": [status("delivered"), status("read")]});
    let answer = lab.deliver(&case, &Provider::whatsapp(), &whatsapp(batch)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let trace = lab.trace(&case).await;
    for task in ["whatsapp-message-handler", "whatsapp-status-handler"] {
        let producers = trace.all(SpanKind::Producer, &format!("trigger.dev.{task} send"));
        let consumers = trace.all(SpanKind::Consumer, &format!("trigger.task.{task}"));
        assert_eq!((producers.len(), consumers.len()), (2, 2), "{}", trace.tree());
        for consumer in consumers {
            assert_eq!(trace.parent(consumer).kind, SpanKind::Producer);
        }
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests_of_one_caller_are_refused_and_others_are_not() {
    let lab = Lab::start().await;
    let case = Case::new();
    let mut answers = Vec::new();
    for _ in 0..21 {
        answers.push(lab.deliver(&case, &Provider::stripe(), &payment("customer.created")).await);
    }
    let last = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!((last.status, last.json()["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("RATE_LIMIT_ERROR")));
    assert!(last.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(lab.deliver(&Case::new(), &Provider::stripe(), &payment("customer.created")).await.status, StatusCode::OK);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_person_can_be_read_on_a_page_through_the_api() {
    let lab = Lab::start().await;
    let (id, body) = person();
    let delivered = lab.deliver(&Case::new(), &Provider::pipedrive(), &body).await;
    assert_eq!((delivered.status, delivered.json()), (StatusCode::OK, json!({"status": "processed"})));
    let case = Case::new();
    let page = lab.get(&case, WEB, &format!("/leads/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Ioana &lt;Exemplu&gt;"), "{}", page.text);
    let trace = lab.trace(&case).await;
    let select = trace.one(SpanKind::Client, "db.SELECT");
    let api = trace.parent(select);
    let client = trace.parent(api);
    let web = trace.parent(client);
    let path: Vec<_> = [web, client, api].map(|span| (span.service(), span.name.as_str())).into();
    assert_eq!(path, [(WEB, "GET /leads/{id}"), (WEB, "medicalcor-api GET"), (API, "GET /leads/{id}")]);
    assert_eq!(lab.get(&Case::new(), WEB, "/leads/nobody").await.status, StatusCode::NOT_FOUND);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_written_and_the_answer_comes_after_it() {
    let lab = Lab::start().await;
    let deal = json!({"event": "updated.deal", "meta": {"object": "deal"},
                      "current": {"id": 9021, "person_id": 4711, "title": "Plan", "value": 24500.5, "currency": "RON", "status": "open"}});
    let case = Case::new();
    assert_eq!(lab.deliver(&case, &Provider::pipedrive(), &deal).await.status, StatusCode::OK);
    let trace = lab.trace(&case).await;
    let insert = trace.one(SpanKind::Client, "db.INSERT");
    assert_eq!(trace.parent(insert).name, "POST /webhooks/crm");
    assert!(insert.end_ns <= trace.parent(insert).end_ns);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_key_may_trigger_and_only_known_tasks() {
    let lab = Lab::start().await;
    let call = async |task: &str, key: &str| {
        let url = format!("{}/api/v1/tasks/{task}/trigger", lab.demo.url(TRIGGER).unwrap());
        let body = json!({"payload": "{\"json\":{}}", "options": {"payloadType": "application/super+json"}});
        lab.send(&Case::new(), lab.http.post(url).bearer_auth(key).json(&body)).await.status
    };
    let key = lab.secrets.get(TRIGGER_SECRET_KEY).unwrap();
    assert_eq!(call("refund-handler", "guess").await, StatusCode::UNAUTHORIZED);
    assert_eq!(call("fax-handler", key).await, StatusCode::NOT_FOUND);
    assert_eq!(call("refund-handler", key).await, StatusCode::OK);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_correlation_id_gets_one_and_is_found_by_it() {
    let lab = Lab::start().await;
    let body = message("hello").to_string();
    let signed = devstack::webhook::sign(
        &Provider::whatsapp(),
        &lab.secrets,
        &Parts { body: body.as_bytes(), unix_seconds: clock::unix_seconds(), ..Parts::default() },
        Signature::Valid,
    )
    .unwrap();
    let url = format!("{}/webhooks/whatsapp", lab.demo.url(API).unwrap());
    let answer = lab.http.post(url).headers(signed.into_iter().collect()).body(body).send().await.unwrap();
    let correlation = answer.headers()["x-correlation-id"].to_str().unwrap().to_owned();
    lab.drained(&Asked::Correlation(correlation.clone())).await;
    let traces = lab.ledger.correlated(&correlation).traces;
    assert_eq!(traces.len(), 1);
    let trace = lab.arrived(traces[0]);
    assert_eq!(trace.all(SpanKind::Consumer, "trigger.task.lead-scoring-workflow").len(), 1, "{}", trace.tree());
    lab.stop().await;
}
