//! Each deliberate fault is the bug it is named after, and nothing else.

use std::time::Duration;

use devstack::{client::Asked, demo::Fault, model::SpanKind, webhook::Provider};
use serde_json::json;

use super::harness::{Case, Lab, Seen, attribute, events, message};

const HANDLER: &str = "trigger.task.whatsapp-message-handler";
const PRODUCER: &str = "trigger.dev.whatsapp-message-handler send";

async fn lab_and_trace(fault: Fault) -> (Lab, Case, Seen) {
    let lab = Lab::with_faults([fault]).await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    let trace = lab.trace(&case).await;
    (lab, case, trace)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn context_lost_starts_a_trace_of_its_own() {
    let lab = Lab::with_faults([Fault::ContextLost]).await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    lab.drained(&Asked::Correlation(case.correlation.clone())).await;
    let trace = lab.arrived(case.trace);
    trace.one(SpanKind::Producer, PRODUCER);
    assert!(trace.all(SpanKind::Consumer, HANDLER).is_empty(), "{}", trace.tree());
    let traces = lab.ledger.correlated(&case.correlation).traces;
    assert_eq!(traces.len(), 3, "the webhook's, the handler's and the workflow's");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inject_early_puts_the_consumer_beside_its_producer() {
    let (lab, _, trace) = lab_and_trace(Fault::InjectEarly).await;
    let (producer, consumer) = (trace.one(SpanKind::Producer, PRODUCER), trace.one(SpanKind::Consumer, HANDLER));
    assert_eq!(producer.parent_id, consumer.parent_id);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producer_leak_leaves_an_open_span_that_the_work_report_shows() {
    let lab = Lab::with_faults([Fault::ProducerLeak]).await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    let leaked = async {
        loop {
            let reports = lab.reports(&Asked::Trace(case.trace)).await;
            let open: Vec<_> = reports.iter().flat_map(|report| &report.open).map(|span| span.name.clone()).collect();
            let at_rest = reports.iter().all(|report| report.at_rest() && report.unexported == 0);
            if at_rest && open.len() == 2 {
                return open;
            }
        }
    };
    let open = tokio::time::timeout(Duration::from_secs(30), leaked).await.expect("at rest with two open producers");
    assert_eq!(open, [PRODUCER, "trigger.dev.lead-scoring-workflow send"]);
    let trace = lab.arrived(case.trace);
    assert!(trace.all(SpanKind::Producer, PRODUCER).is_empty(), "{}", trace.tree());
    trace.one(SpanKind::Consumer, HANDLER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicate_span_records_each_hubspot_call_twice() {
    let (lab, case, trace) = lab_and_trace(Fault::DuplicateSpan).await;
    let spans = trace.0.spans().iter().filter(|span| span.name.starts_with("hubspot ")).count() as u64;
    assert_eq!(spans, 2 * lab.calls(&case, "hubspot").await);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_kind_and_wrong_name_are_just_that() {
    let (lab, _, trace) = lab_and_trace(Fault::WrongKind).await;
    let handler = trace.one(SpanKind::Internal, HANDLER);
    assert_eq!((attribute(handler, "trigger.task.attempt").as_str(), events(handler)), ("1", vec!["message_processed"]));
    lab.stop().await;
    let (lab, _, trace) = lab_and_trace(Fault::WrongName).await;
    let handler = trace.one(SpanKind::Consumer, "task.whatsapp-message-handler");
    assert_eq!(trace.parent(handler).name, PRODUCER);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_event_extra_span_and_wrong_type_are_just_that() {
    let (lab, _, trace) = lab_and_trace(Fault::MissingEvent).await;
    assert!(events(trace.one(SpanKind::Consumer, HANDLER)).is_empty());
    lab.stop().await;
    let (lab, _, trace) = lab_and_trace(Fault::ExtraSpan).await;
    assert_eq!(trace.parent(trace.one(SpanKind::Internal, "message.parse")).name, HANDLER);
    lab.stop().await;
    let (lab, _, trace) = lab_and_trace(Fault::WrongAttributeType).await;
    let handler = trace.one(SpanKind::Consumer, HANDLER);
    assert_eq!(handler.attributes.get("medicalcor.lead.score").unwrap().type_name(), "string");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_span_is_missing_at_first_and_the_work_report_waits_for_it() {
    let lab = Lab::with_faults([Fault::LateSpan]).await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    let handled = async {
        loop {
            let trace = lab.arrived(case.trace);
            if !trace.all(SpanKind::Consumer, HANDLER).is_empty() {
                return trace;
            }
            lab.ledger.wait_for_change(case.trace, lab.ledger.view(case.trace).version).await;
        }
    };
    let early = tokio::time::timeout(Duration::from_secs(30), handled).await.unwrap();
    assert!(early.all(SpanKind::Client, "whatsapp POST").is_empty(), "{}", early.tree());
    let whole = lab.trace(&case).await;
    let late = whole.one(SpanKind::Client, "whatsapp POST");
    assert!(late.end_ns <= whole.one(SpanKind::Consumer, HANDLER).end_ns, "its times are true");
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_services_work_and_nothing_arrives() {
    let lab = Lab::with_faults([Fault::Silent]).await;
    let case = Case::new();
    let answer = lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    assert_eq!(answer.status, 200);
    let ledger = lab.ledger.clone();
    lab.stop().await;
    assert!(ledger.view(case.trace).arrivals.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swallowed_error_says_nothing_of_what_it_caught() {
    let lab = Lab::with_faults([Fault::SwallowedError]).await;
    let case = Case::new();
    lab.script(&case, json!({"whatsapp": [{"status": 500}]})).await;
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    let trace = lab.trace(&case).await;
    assert!(trace.one(SpanKind::Client, "whatsapp POST").is_error());
    let handler = trace.one(SpanKind::Consumer, HANDLER);
    assert!(!handler.is_error());
    assert_eq!(events(handler), ["message_processed"]);
    lab.stop().await;
}
