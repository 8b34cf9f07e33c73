//! Each rule on a trace that keeps it and on one that breaks it in one respect.

use super::{Breach, Pack, Subject};
use crate::{
    expect::sample::{Draft, span, trace},
    model::SpanKind::{Client, Consumer, Internal, Producer, Server},
};

fn breaches(code: &str, spans: Vec<Draft>) -> Vec<Breach> {
    let trace = trace(spans);
    let secrets = [("phone number".to_owned(), "+40721000001".to_owned())];
    let subject = Subject { trace: &trace, correlation_id: "c-1", secrets: &secrets, logged: &[], registry: REGISTRY };
    let rule = [Pack::Otel, Pack::Medicalcor].into_iter().flat_map(Pack::rules).find(|rule| rule.code == code);
    rule.expect("a rule of that name").check(&subject)
}

const CORRELATION: &str = "medicalcor.correlation_id";

const REGISTRY: &[&str] =
    &["medicalcor.lead.id", CORRELATION, "trigger.task.handle_id", "trigger.task.run_id", "trigger.task.deduplicated"];

fn good() -> Vec<Draft> {
    vec![
        span(1).of("devstack").named("case"),
        span(2).under(1).of("devstack").named("POST").kind(Client),
        span(3).under(2).named("POST /hook").kind(Server).with(CORRELATION, "c-1"),
        span(4)
            .under(3)
            .named("trigger.dev.t send")
            .kind(Producer)
            .with(CORRELATION, "c-1")
            .with("trigger.task.handle_id", "run_1"),
        span(5)
            .under(4)
            .named("trigger.task.t")
            .kind(Consumer)
            .of("worker")
            .with(CORRELATION, "c-1")
            .with("trigger.task.run_id", "run_1"),
        span(6).under(5).named("db.INSERT").kind(Client).of("worker"),
    ]
}

#[test]
fn a_good_trace_keeps_every_rule() {
    for rule in [Pack::Otel, Pack::Medicalcor].into_iter().flat_map(Pack::rules) {
        assert_eq!(breaches(rule.code, good()), [], "{}", rule.code);
    }
}

#[test]
fn each_rule_notices_its_own_breach() {
    type Spoil = fn(&mut Vec<Draft>);
    let broken: Vec<(&str, Spoil)> = vec![
        ("otel.one-root", |spans| spans.push(span(9).named("stray"))),
        ("otel.orphan", |spans| spans.push(span(9).under(77))),
        ("otel.consumed", |spans| spans.truncate(4)),
        ("otel.kinds", |spans| spans[2] = span(3).under(1).named("POST /hook").kind(Server)),
        ("otel.kinds", |spans| spans[4] = span(5).under(3).named("trigger.task.t").kind(Consumer)),
        ("otel.error-type", |spans| spans[5] = spans[5].clone().failed()),
        ("otel.exception", |spans| spans[5] = spans[5].clone().failed().with("error.type", "TimeoutError")),
        ("otel.unhandled-error", |spans| spans[5] = spans[5].clone().failed().with("error.type", "500")),
        ("otel.leak", |spans| spans[5] = spans[5].clone().with("note", "call +40721000001 back")),
        ("medicalcor.correlation-id", |spans| spans[4] = span(5).under(4).kind(Consumer).of("worker")),
        ("medicalcor.correlation-id", |spans| spans[4] = span(5).under(4).kind(Consumer).with(CORRELATION, "c-2")),
        ("medicalcor.attribute-names", |spans| spans[5] = spans[5].clone().with("lead.id", "x")),
        ("medicalcor.kinds", |spans| spans[4] = spans[4].clone().kind(Internal)),
        ("medicalcor.run-once", |spans| spans.push(span(9).under(4).kind(Consumer).with("trigger.task.run_id", "run_1"))),
    ];
    for (code, spoil) in broken {
        let mut spans = good();
        spoil(&mut spans);
        assert!(!breaches(code, spans).is_empty(), "{code}");
    }
}

#[test]
fn an_error_is_handled_by_a_later_attempt_an_error_above_or_an_event() {
    let failed =
        |number: u64| span(number).under(5).named("hubspot POST").kind(Client).of("worker").failed().with("error.type", "429");
    let mut retried = good();
    retried.push(failed(7));
    retried.push(span(8).under(5).named("hubspot POST").kind(Client).of("worker"));
    assert_eq!(breaches("otel.unhandled-error", retried), []);

    let mut seen = good();
    seen[4] = seen[4].clone().failed();
    seen.push(failed(7));
    assert!(breaches("otel.unhandled-error", seen).iter().all(|breach| !breach.headline.contains("hubspot")));

    let mut said = good();
    said[4] = said[4].clone().event("error_handled");
    said.push(failed(7));
    assert_eq!(breaches("otel.unhandled-error", said), []);

    let mut earlier = good();
    earlier.push(span(7).under(5).named("hubspot POST").kind(Client).of("worker"));
    earlier.push(failed(8));
    assert_eq!(breaches("otel.unhandled-error", earlier).len(), 1, "a success before the error mends nothing");
}

#[test]
fn a_deduplicated_producer_is_consumed_by_the_first_run() {
    let mut spans = good();
    spans.push(
        span(7)
            .under(3)
            .named("trigger.dev.t send")
            .kind(Producer)
            .with("trigger.task.handle_id", "run_1")
            .with("trigger.task.deduplicated", true),
    );
    assert_eq!(breaches("otel.consumed", spans), []);
}
