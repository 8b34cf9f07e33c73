//! Every kind of expectation on a trace that satisfies it, and on one that differs in exactly one respect and must be refused.

use super::{
    matcher::judge,
    miss::{Standing, What},
    sample::{Draft, pattern, span, text, trace},
    spec::{
        Edge, EventPattern, NamePattern, Place, Predicate, Selector, SequenceStep, SpanPattern, StatusPattern, TraceExpectation,
    },
};
use crate::model::{
    SpanKind::{Client, Consumer, Internal, Producer, Server},
    StatusCode,
};

fn one(pattern: SpanPattern, spans: impl IntoIterator<Item = Draft>) -> Standing {
    let expected = TraceExpectation { spans: vec![pattern], ..TraceExpectation::default() };
    judge(&expected, &trace(spans)).remove(0)
}

fn whole_trace() -> Vec<Draft> {
    vec![
        span(1).named("POST /hook").kind(Server),
        span(2).under(1).named("send").kind(Producer),
        span(3).under(2).named("task").kind(Consumer).of("worker").with("attempt", 1_i64).event("done"),
        span(4).under(3).named("hubspot POST").kind(Client).of("worker").with("http.status_code", 429_i64).failed(),
        span(5).under(3).named("hubspot POST").kind(Client).of("worker").with("http.status_code", 200_i64),
    ]
}

fn whole_pattern() -> SpanPattern {
    let task = pattern(Consumer, "task").child(pattern(Client, "hubspot POST").count(2, Some(2)));
    pattern(Server, "POST /hook").child(pattern(Producer, "send").child(task))
}

#[test]
fn a_tree_holds_and_existence_is_settled_only_without_upper_bounds() {
    let standing = one(whole_pattern(), whole_trace());
    assert!(standing.holds && !standing.settled, "an exact count can still be exceeded");
    let standing = one(pattern(Server, "POST /hook").below(pattern(Client, "hubspot POST")), whole_trace());
    assert!(standing.holds && standing.settled);
}

#[test]
fn a_wrong_parent_is_told_from_an_absent_span() {
    let mut spans = whole_trace();
    spans[2] = spans[2].clone().under(1);
    let standing = one(whole_pattern(), spans);
    let What::Absent { under: Some(_), elsewhere, .. } = &standing.misses[0].what else { panic!("{standing:?}") };
    assert_eq!(elsewhere.len(), 1);

    let standing = one(whole_pattern(), whole_trace().into_iter().take(2));
    let What::Absent { elsewhere, .. } = &standing.misses[0].what else { panic!("{standing:?}") };
    assert!(elsewhere.is_empty());
}

#[test]
fn name_kind_service_value_and_type_each_matter() {
    let good = || pattern(Consumer, "task").with("attempt", Predicate::Equals(super::Literal::Int(1)));
    assert!(one(good(), whole_trace()).holds);
    let spoilt: [fn(Draft) -> Draft; 5] = [
        |task| task.named("tusk"),
        |task| task.kind(Internal),
        |task| task.of("other"),
        |_| span(3).under(2).named("task").kind(Consumer).of("worker").with("attempt", 2_i64),
        |_| span(3).under(2).named("task").kind(Consumer).of("worker").with("attempt", "1"),
    ];
    let wanted = ["name", "kind", "service", "attempt", "attempt"];
    for (spoil, what) in spoilt.into_iter().zip(wanted) {
        let mut pattern = good();
        pattern.service = Some((text("worker"), Place::default()));
        let mut spans = whole_trace();
        spans[2] = spoil(spans[2].clone());
        let standing = one(pattern, spans);
        let What::Differs { differences, .. } = &standing.misses[0].what else { panic!("{what}: {standing:?}") };
        assert_eq!(differences[0].what, what);
    }
}

#[test]
fn events_and_status_are_asked_for_by_name() {
    let mut wanted = pattern(Consumer, "task");
    let name = NamePattern { predicate: text("done"), place: Place::default() };
    wanted.events.push(EventPattern { name, attributes: Vec::new(), place: Place::default() });
    assert!(one(wanted.clone(), whole_trace()).holds);
    let mut spans = whole_trace();
    spans[2] = span(3).under(2).named("task").kind(Consumer).of("worker");
    assert!(!one(wanted, spans).holds);

    let mut failed = pattern(Client, "hubspot POST");
    failed.status = Some((StatusPattern { code: Some(StatusCode::Error), message: None }, Place::default()));
    assert!(one(failed.clone().count(1, Some(1)), whole_trace()).holds);
    assert!(!one(failed, whole_trace().into_iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, span)| span)).holds);
}

#[test]
fn an_exceeded_bound_is_settled_and_a_missing_one_is_not() {
    let more = one(pattern(Client, "hubspot POST").count(1, Some(1)), whole_trace());
    assert!(!more.holds && more.settled);
    let fewer = one(pattern(Client, "hubspot POST").count(3, Some(3)), whole_trace());
    assert!(!fewer.holds && !fewer.settled);
}

#[test]
fn a_count_that_allows_none_still_says_what_one_must_look_like() {
    let at_most_one = |child: &str| pattern(Consumer, "task").child(pattern(Client, child)).count(0, Some(1));
    assert!(one(at_most_one("hubspot POST"), whole_trace()).holds);
    assert!(!one(at_most_one("db.INSERT"), whole_trace()).holds);
    assert!(one(at_most_one("db.INSERT"), whole_trace().into_iter().take(2)).holds, "none is allowed");
}

#[test]
fn equal_siblings_each_need_a_span_of_their_own() {
    let twice = || pattern(Consumer, "task").child(pattern(Client, "hubspot POST")).child(pattern(Client, "hubspot POST"));
    assert!(one(twice(), whole_trace()).holds);
    assert!(!one(twice(), whole_trace().into_iter().take(4)).holds);
}

#[test]
fn a_sequence_is_in_order_of_start_and_leaves_nothing_out() {
    use StatusCode::{Error, Unset};

    let step = |code| SequenceStep {
        place: Place::default(),
        status: Some((StatusPattern { code: Some(code), message: None }, Place::default())),
        attributes: Vec::new(),
        events: Vec::new(),
    };
    let sequence = |codes: &[StatusCode]| {
        let mut wanted = pattern(Client, "hubspot POST");
        wanted.sequence = Some((codes.iter().map(|code| step(*code)).collect(), Place::default()));
        wanted
    };
    assert!(one(sequence(&[Error, Unset]), whole_trace()).holds);
    assert!(!one(sequence(&[Unset, Error]), whole_trace()).holds);
    assert!(!one(sequence(&[Error]), whole_trace()).holds);
    assert!(!one(sequence(&[Error, Unset, Unset]), whole_trace()).holds);
}

#[test]
fn exact_leaves_no_child_unnamed_at_any_depth() {
    let standing = one(whole_pattern().exact(), whole_trace());
    assert!(standing.holds, "{standing:?}");
    let mut spans = whole_trace();
    spans.push(span(6).under(3).named("db.SELECT").kind(Client).of("worker"));
    let standing = one(whole_pattern().exact(), spans.clone());
    assert!(matches!(standing.misses[0].what, What::Unexpected { .. }), "{standing:?}");
    assert!(one(whole_pattern(), spans).holds, "without `exact` more is fine");
}

#[test]
fn exact_of_the_fixture_names_the_topmost_spans_too() {
    let expected = TraceExpectation { spans: vec![whole_pattern()], exact: true, ..TraceExpectation::default() };
    assert!(judge(&expected, &trace(whole_trace())).iter().all(|standing| standing.holds));
    let mut spans = whole_trace();
    spans.push(span(9).named("GET /health").kind(Server));
    assert!(!judge(&expected, &trace(spans)).iter().all(|standing| standing.holds));
}

#[test]
fn none_and_nothing_are_settled_once_broken() {
    let producers = Selector {
        place: Place::default(),
        kind: Some(Producer),
        name: None,
        service: None,
        status: None,
        attributes: Vec::new(),
    };
    let expected = TraceExpectation { none: vec![producers], nothing: None, ..TraceExpectation::default() };
    let broken = judge(&expected, &trace(whole_trace())).remove(0);
    assert!(!broken.holds && broken.settled);
    let kept = judge(&expected, &trace([span(1).kind(Server)])).remove(0);
    assert!(kept.holds && !kept.settled);

    let nothing = TraceExpectation { nothing: Some(Place::default()), ..TraceExpectation::default() };
    assert!(judge(&nothing, &trace([span(1).of("devstack")])).remove(0).holds, "devstack's own spans do not count");
    assert!(!judge(&nothing, &trace([span(1)])).remove(0).holds);
}

#[test]
fn an_edge_goes_by_parent_and_names_its_ends_in_order() {
    let edge = |from: &str, to: &str| {
        let edge = Edge { from: from.into(), to: to.into(), place: Place::default() };
        judge(&TraceExpectation { edges: vec![edge], ..TraceExpectation::default() }, &trace(whole_trace())).remove(0).holds
    };
    assert!(edge("api", "worker"));
    assert!(!edge("worker", "api"));
    assert!(!edge("api", "web"));
}

fn with_stand_in() -> Vec<Draft> {
    let mut spans = whole_trace();
    spans.truncate(3);
    spans[2] = spans[2].clone().stand_in();
    spans
}

#[test]
fn a_stand_in_does_not_do_for_its_service_unless_it_may() {
    let is_stand_in = |standing: &Standing| matches!(standing.misses[..], [super::Miss { what: What::StandIn { span: 2 }, .. }]);
    let wanted = || pattern(Consumer, "task").of("worker");
    let refused: [(&str, SpanPattern); 5] = [
        ("itself", wanted()),
        // What it lacks besides is not the point.
        ("of which more is said", wanted().with("lead", text("HOT"))),
        ("below its producer", pattern(Producer, "send").child(wanted())),
        ("at any depth", pattern(Server, "POST /hook").below(wanted())),
        ("counted", wanted().count(1, Some(1))),
    ];
    for (which, pattern) in refused {
        let standing = one(pattern, with_stand_in());
        assert!(is_stand_in(&standing) && !standing.settled, "{which}: {standing:?}");
    }
    assert!(one(pattern(Consumer, "task"), with_stand_in()).holds, "no service is named");
    assert!(one(wanted(), whole_trace()).holds, "the service itself does");
    let accepted = TraceExpectation { spans: vec![wanted()], stand_ins: true, ..TraceExpectation::default() };
    assert!(judge(&accepted, &trace(with_stand_in())).remove(0).holds);
}

#[test]
fn a_stand_in_beside_its_service_takes_nothing_away() {
    let wanted = || pattern(Consumer, "task").of("worker");
    let mut spans = whole_trace();
    spans.push(span(6).under(2).named("task").kind(Consumer).of("worker").stand_in());
    assert!(one(wanted(), spans.clone()).holds);
    // Something came once more than it may, whoever it was.
    let standing = one(wanted().count(1, Some(1)), spans);
    assert!(standing.settled && matches!(standing.misses[0].what, What::Count { .. }), "{standing:?}");
    let standing = one(wanted().count(0, Some(0)), with_stand_in());
    assert!(!standing.holds, "a stand-in that ran is not silence: {standing:?}");
}

#[test]
fn a_stand_in_is_no_end_of_an_edge_unless_it_may_and_is_forbidden_as_its_service_is() {
    let edge = |from: &str, to: &str| Edge { from: from.into(), to: to.into(), place: Place::default() };
    let judged = |edge: Edge, stand_ins, spans: Vec<Draft>| {
        judge(&TraceExpectation { edges: vec![edge], stand_ins, ..TraceExpectation::default() }, &trace(spans)).remove(0)
    };
    let standing = judged(edge("api", "worker"), false, with_stand_in());
    assert!(matches!(standing.misses[0].what, What::StandIn { span: 2 }), "{standing:?}");
    assert!(judged(edge("api", "worker"), true, with_stand_in()).holds);
    assert!(judged(edge("api", "worker"), false, whole_trace()).holds);
    // The calling end.
    let mut spans = with_stand_in();
    spans.push(span(4).under(3).named("GET /").kind(Server).of("crm"));
    let standing = judged(edge("worker", "crm"), false, spans);
    assert!(matches!(standing.misses[0].what, What::StandIn { span: 2 }), "{standing:?}");
    // No edge at all is told as before.
    let standing = judged(edge("worker", "api"), false, with_stand_in());
    assert!(matches!(standing.misses[0].what, What::NoEdge { seen: (true, true), .. }), "{standing:?}");

    let worker = Selector { kind: None, name: None, service: Some(text("worker")), ..selector_of_nothing() };
    let expected = TraceExpectation { none: vec![worker], ..TraceExpectation::default() };
    assert!(!judge(&expected, &trace(with_stand_in())).remove(0).holds);
}

fn selector_of_nothing() -> Selector {
    Selector { place: Place::default(), kind: None, name: None, service: None, status: None, attributes: Vec::new() }
}
