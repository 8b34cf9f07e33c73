//! What was answered is done before a service ends: no run is lost, no span stays behind.

use devstack::{demo::API, model::SpanKind, webhook::Provider};
use serde_json::json;

use super::harness::{Case, DEADLINE, Lab, Seen, message};
use devstack::model::Trace;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_right_after_the_answers_loses_nothing() {
    let lab = Lab::start().await;
    let cases: Vec<_> = (0..20).map(|_| Case::new()).collect();
    for case in &cases {
        lab.script(case, json!({"hubspot": [{"status": 429}, {"status": 200, "delay_ms": 2000}]})).await;
    }
    let deliveries = cases.iter().map(async |case| lab.deliver(case, &Provider::whatsapp(), &message("hello")).await.status);
    let answers = futures_util::future::join_all(deliveries).await;
    assert!(answers.iter().all(|status| *status == 200));
    let ledger = lab.ledger.clone();
    lab.stop().await;
    for case in &cases {
        let trace = Seen(Trace::new(ledger.view(case.trace).arrivals.into_iter().map(|arrival| arrival.span)));
        trace.one(SpanKind::Consumer, "trigger.task.whatsapp-message-handler");
        trace.one(SpanKind::Consumer, "trigger.task.lead-scoring-workflow");
        assert_eq!(trace.0.tops().len(), 1, "{}", trace.tree());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_service_gives_its_port_back() {
    let lab = Lab::start().await;
    let address = lab.demo.addresses()[API];
    lab.stop().await;
    let again = tokio::time::timeout(DEADLINE, tokio::net::TcpListener::bind(address)).await.unwrap();
    assert!(again.is_ok(), "{again:?}");
}
