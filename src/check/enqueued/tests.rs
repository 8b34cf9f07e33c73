//! What follows from what was enqueued, one sort of payload after the other.

use super::*;
use crate::model::{
    RemoteSpan, SpanId,
    SpanKind::{Client, Consumer, Producer, Server},
    sample::{Draft, span, trace},
};

const TASK: &str = "send-mail";

fn sent() -> TraceId {
    TraceId::new([7; 16]).unwrap()
}

fn named(trace_id: TraceId, number: u64) -> PayloadContext {
    let span_id = SpanId::new(number.to_be_bytes()).unwrap();
    PayloadContext::Valid(RemoteSpan { trace_id, span_id, sampled: true })
}

fn run(payload: PayloadContext) -> Enqueued {
    Enqueued {
        task: TASK.to_owned(),
        run_id: "run_1".to_owned(),
        at_ns: 1,
        cached: false,
        idempotency_key: None,
        key_as_sdk: true,
        correlation_id: None,
        payload,
        request: None,
    }
}

fn correlated(payload: PayloadContext) -> Enqueued {
    Enqueued { correlation_id: Some("c-1".to_owned()), ..run(payload) }
}

fn seen(runs: Vec<Enqueued>) -> Seen {
    Seen { url: "http://127.0.0.1:1".to_owned(), runs, ..Seen::default() }
}

/// A server that sends the task off, over HTTP.
fn shop() -> Vec<Draft> {
    vec![
        span(1, 0, "shop", Server, 0, 30).named("POST /order"),
        span(2, 1, "shop", Producer, 5, 20).named("trigger.dev.send-mail send"),
        span(3, 2, "shop", Client, 6, 19).named("POST"),
    ]
}

fn proved_of(runs: Vec<Enqueued>, spans: Vec<Draft>, strays: &[Trace]) -> Vec<(String, String)> {
    let trace = trace(spans);
    let (causes, told) = proved(&seen(runs), &Reading { trace: &trace, strays, sent: sent(), correlation_id: "c-1" });
    assert_eq!(causes.len(), told.len());
    causes.into_iter().map(|cause| (cause.code, cause.headline)).collect()
}

fn suspected_of(seen: &Seen, spans: Vec<Draft>, failing: bool) -> Vec<(String, String)> {
    let trace = trace(spans);
    let reading = Reading { trace: &trace, strays: &[], sent: sent(), correlation_id: "c-1" };
    suspected(seen, &reading, failing).into_iter().map(|cause| (cause.code, cause.headline)).collect()
}

fn one(found: Vec<(String, String)>) -> (String, String) {
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn the_producer_and_what_is_below_it_are_right_and_told() {
    for number in [2, 3] {
        assert_eq!(proved_of(vec![run(named(sent(), number))], shop(), &[]), []);
    }
    let trace = trace(shop());
    let reading = Reading { trace: &trace, strays: &[], sent: sent(), correlation_id: "c-1" };
    let told = seen(vec![run(named(sent(), 2)), run(named(TraceId::random(), 2))]).told(&reading);
    assert_eq!(told.len(), 1, "a run of another trace is another case's");
    let EnqueuedContext::Span { name, kind, service, .. } = &told[0].context else { panic!("{told:?}") };
    assert_eq!((name.as_str(), *kind, service.as_str()), ("trigger.dev.send-mail send", Producer, "shop"));
}

#[test]
fn a_payload_without_a_traceparent_or_with_one_that_is_none_is_proved() {
    let (code, said) = one(proved_of(vec![correlated(PayloadContext::Absent)], shop(), &[]));
    assert_eq!(code, "cause.enqueued-without-context");
    assert_eq!(said, "shop enqueued `send-mail` without a `traceparent`: the worker cannot go on with this trace.");
    let (code, said) = one(proved_of(vec![correlated(PayloadContext::Invalid)], shop(), &[]));
    assert_eq!(code, "cause.enqueued-invalid-context");
    assert_eq!(
        said,
        "shop enqueued `send-mail` with a `traceparent` that is not valid: the worker cannot go on with this trace."
    );
}

#[test]
fn a_run_is_the_cases_by_its_request_and_by_the_handle_of_its_producer_too() {
    let PayloadContext::Valid(request) = named(sent(), 3) else { unreachable!() };
    let by_request = Enqueued { request: Some(request), ..run(PayloadContext::Absent) };
    assert_eq!(one(proved_of(vec![by_request], shop(), &[])).0, "cause.enqueued-without-context");
    let mut spans = shop();
    spans[1] = spans[1].clone().with("trigger.task.handle_id", "run_1");
    assert_eq!(one(proved_of(vec![run(PayloadContext::Absent)], spans, &[])).0, "cause.enqueued-without-context");
    assert_eq!(proved_of(vec![run(PayloadContext::Absent)], shop(), &[]), [], "whose it is, nobody says");
}

#[test]
fn a_stand_in_that_went_on_says_for_whom() {
    let began = span(9, 0, "acme-worker", Consumer, 8, 9).stand_in().with("trigger.task.run_id", "run_1");
    let mut stray = began.0;
    stray.trace_id = TraceId::random();
    let strays = [Trace::new([std::sync::Arc::new(stray)])];
    let (_, said) = one(proved_of(vec![correlated(PayloadContext::Absent)], shop(), &strays));
    assert!(said.ends_with("acme-worker cannot go on with this trace."), "{said}");
}

#[test]
fn another_span_than_the_producer_is_named_with_its_kind() {
    let (code, said) = one(proved_of(vec![run(named(sent(), 1))], shop(), &[]));
    assert_eq!(code, "cause.injected-early");
    let expected = "shop enqueued `send-mail` with the `traceparent` of `POST /order` (server), not of its producer `trigger.dev.send-mail send`.";
    assert_eq!(said, expected);
    let without_producer = shop().into_iter().take(1).collect();
    assert_eq!(proved_of(vec![run(named(sent(), 1))], without_producer, &[]), [], "there is nothing else to name");
}

#[test]
fn another_trace_is_told_unless_the_case_went_on_in_it() {
    let other = TraceId::random();
    let (code, said) = one(proved_of(vec![correlated(named(other, 1))], shop(), &[]));
    assert_eq!(code, "cause.enqueued-other-trace");
    assert!(said.starts_with("shop enqueued `send-mail` with the `traceparent` of another trace"), "{said}");
    let mut stray = span(8, 0, "shop", Server, 0, 9).0;
    stray.trace_id = other;
    assert_eq!(proved_of(vec![correlated(named(other, 1))], shop(), &[Trace::new([std::sync::Arc::new(stray)])]), []);
}

#[test]
fn a_producer_without_a_call_is_suspected_and_nothing_follows_from_what_was_forgotten() {
    let nothing = seen(Vec::new());
    let (code, said) = one(suspected_of(&nothing, shop(), false));
    assert_eq!(code, "cause.never-enqueued");
    let expected = "`trigger.dev.send-mail send` of shop says that it sent `send-mail`, and the stand-in for the Trigger.dev API was not asked for it.";
    assert_eq!(said, expected);
    assert_eq!(suspected_of(&Seen { forgotten: true, ..nothing.clone() }, shop(), true), []);
    assert_eq!(suspected_of(&Seen { unread: Some("gone".to_owned()), ..nothing.clone() }, shop(), true), []);
    assert_eq!(suspected_of(&seen(vec![run(named(sent(), 2))]), shop(), true), []);
    let mut failed = shop();
    failed[1] = failed[1].clone().failed();
    assert_eq!(suspected_of(&nothing, failed, true), [], "it says itself that it did not");
    let mut other = shop();
    other[1] = other[1].clone().named("orders publish");
    assert_eq!(suspected_of(&nothing, other, true), [], "sent to another broker");
}

#[test]
fn runs_that_are_nobodys_are_counted_and_claimed_for_no_case() {
    let two = seen(vec![run(PayloadContext::Absent), Enqueued { run_id: "run_2".to_owned(), ..run(PayloadContext::Absent) }]);
    let (code, said) = one(suspected_of(&two, shop(), true));
    assert_eq!(code, "cause.enqueued-without-context");
    assert_eq!(said, "2 runs of `send-mail` were enqueued without a `traceparent` while this case ran.");
    let without_producer = || shop().into_iter().take(1).collect::<Vec<_>>();
    assert_eq!(one(suspected_of(&two, without_producer(), true)).1, said);
    assert_eq!(suspected_of(&two, without_producer(), false), [], "no case fails by it");
    let others = Enqueued { correlation_id: Some("c-2".to_owned()), ..run(PayloadContext::Absent) };
    assert_eq!(suspected_of(&seen(vec![others]), without_producer(), true), [], "another case's");
}

#[test]
fn refused_calls_are_told_where_a_case_fails_and_has_no_run() {
    let refused = Seen { refused: 2, ..seen(Vec::new()) };
    let bare = || shop().into_iter().take(1).collect::<Vec<_>>();
    let (code, said) = one(suspected_of(&refused, bare(), true));
    assert_eq!(code, "cause.enqueued-refused");
    assert_eq!(said, "The stand-in for the Trigger.dev API refused 2 calls while this case ran: they did not bring its key.");
    assert_eq!(suspected_of(&refused, bare(), false), []);
}
