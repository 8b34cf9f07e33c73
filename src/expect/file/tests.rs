//! Tests of the file side of expectations: text in, patterns out.

use std::time::Duration;

use proptest::prelude::*;

use super::{span_pattern, tables::SPAN, trace_expectation};
use crate::{
    expect::{Bounds, Literal, Predicate, SpanPattern, TraceExpectation},
    model::{SpanKind, StatusCode},
    support::{
        source::Problem,
        yaml::{check, read, shape::Shape},
    },
};

fn span(text: &str) -> (SpanPattern, Vec<Problem>) {
    let mut problems = Vec::new();
    let node = read(text, &mut problems).expect("valid YAML");
    check(&node, &Shape::Object(&SPAN), &mut problems);
    let pattern = span_pattern(&node, &mut problems);
    (pattern, problems)
}

fn right(text: &str) -> SpanPattern {
    let (pattern, problems) = span(text);
    assert_eq!(problems, [], "{text}");
    pattern
}

fn attribute(text: &str) -> Predicate {
    right(&format!("{{ server: x, attributes: {{ a: {text} }} }}")).attributes.pop().expect("one attribute").predicate
}

fn trace(text: &str) -> TraceExpectation {
    let mut problems = Vec::new();
    let node = read(text, &mut problems).expect("valid YAML");
    let trace = trace_expectation(&node, &mut problems);
    assert_eq!(problems, [], "{text}");
    trace
}

#[test]
fn each_key_is_its_kind() {
    for (key, kind) in [
        ("server", Some(SpanKind::Server)),
        ("client", Some(SpanKind::Client)),
        ("producer", Some(SpanKind::Producer)),
        ("consumer", Some(SpanKind::Consumer)),
        ("internal", Some(SpanKind::Internal)),
        ("span", None),
    ] {
        let pattern = right(&format!("service: api\n{key}: its name\n"));
        assert_eq!(pattern.kind, kind);
        assert_eq!(pattern.name.predicate.exact_text(), Some("its name"));
        assert_eq!((pattern.place.line, pattern.place.column, pattern.place.length), (2, 1, key.len()));
        assert_eq!((pattern.name.place.line, pattern.name.place.column), (2, key.len() + 3));
    }
}

#[test]
fn bare_values_are_equal_of_their_own_type() {
    let equals = |text: &str, literal: Literal| {
        let predicate = attribute(text);
        assert!(matches!(&predicate, Predicate::Equals(found) if *found == literal), "{text}: {predicate:?}");
    };
    equals("200", Literal::Int(200));
    equals("'200'", Literal::String("200".to_owned()));
    equals("1.0", Literal::Double(1.0));
    equals("true", Literal::Bool(true));
    equals("no", Literal::String("no".to_owned()));
    equals("[a, 1]", Literal::List(vec![Literal::String("a".to_owned()), Literal::Int(1)]));
    equals("[]", Literal::List(Vec::new()));
    equals("{ equals: 1 }", Literal::Int(1));
}

#[test]
fn every_predicate_has_its_word() {
    use Predicate as P;
    assert!(matches!(attribute("{ not: 1 }"), P::Not(inner) if matches!(*inner, P::Equals(Literal::Int(1)))));
    assert!(
        matches!(attribute("{ not: { starts_with: a } }"), P::Not(inner) if matches!(&*inner, P::StartsWith(text) if text == "a"))
    );
    assert!(matches!(attribute("{ in: [1, b] }"), P::In(all) if all.len() == 2));
    assert!(matches!(attribute("{ matches: '^a+$' }"), P::Matches(regex) if regex.is_match("aa") && !regex.is_match("ab")));
    assert!(matches!(attribute("{ contains: x }"), P::Contains(Literal::String(text)) if text == "x"));
    assert!(matches!(attribute("{ ends_with: x }"), P::EndsWith(text) if text == "x"));
    assert!(matches!(attribute("{ greater_than: 1 }"), P::GreaterThan(bound) if bound.to_bits() == 1.0_f64.to_bits()));
    assert!(matches!(attribute("{ at_least: 1.5 }"), P::AtLeast(bound) if bound.to_bits() == 1.5_f64.to_bits()));
    assert!(matches!(attribute("{ less_than: -1 }"), P::LessThan(bound) if bound.to_bits() == (-1.0_f64).to_bits()));
    assert!(matches!(attribute("{ at_most: 9 }"), P::AtMost(bound) if bound.to_bits() == 9.0_f64.to_bits()));
    assert!(matches!(attribute("{ type: double }"), P::Type("double")));
    assert!(matches!(attribute("{ exists: true }"), P::Present));
    assert!(matches!(attribute("{ exists: false }"), P::Absent));
    assert!(matches!(attribute("{ at_least: 1, at_most: 3 }"), P::All(all) if all.len() == 2));
}

#[test]
fn counts_durations_and_statuses_are_short_or_long() {
    let count = |text: &str| right(&format!("{{ server: x, count: {text} }}")).count.expect("a count").0;
    assert_eq!(count("2"), Bounds { at_least: 2, at_most: Some(2) });
    assert_eq!(count("0"), Bounds { at_least: 0, at_most: Some(0) });
    assert_eq!(count("{ at_most: 3 }"), Bounds { at_least: 0, at_most: Some(3) });
    assert_eq!(count("{ at_least: 1 }"), Bounds { at_least: 1, at_most: None });

    let duration = right("{ server: x, duration: { at_most: 200ms, at_least: 1ms } }").duration.expect("a duration").0;
    assert_eq!(duration.at_most, Some(Duration::from_millis(200)));
    assert_eq!(duration.at_least, Some(Duration::from_millis(1)));

    let status = |text: &str| right(&format!("{{ server: x, status: {text} }}")).status.expect("a status").0;
    assert_eq!(status("error").code, Some(StatusCode::Error));
    let long = status("{ code: error, message: { contains: limit } }");
    assert!(long.code == Some(StatusCode::Error) && matches!(long.message, Some(Predicate::Contains(_))));
    assert_eq!(status("{ message: x }").code, None);
}

#[test]
fn parts_of_a_span_keep_their_order_and_places() {
    let text = "server: x\nevents: [first, { name: { matches: '^s' }, attributes: { a: 1 } }]\nresource: { service.version: '1' }\n\
                sequence: [{ status: error }, { attributes: { a: 1 }, events: [e] }, {}]\nexact: true\n\
                children: [{ client: c }]\nbelow: [{ span: d }]\n";
    let pattern = right(text);
    assert_eq!(pattern.events.len(), 2);
    assert_eq!(&text[pattern.events[0].place.range()], "first");
    assert_eq!(pattern.events[1].attributes[0].key, "a");
    assert_eq!(pattern.resource[0].key, "service.version");
    let (steps, _) = pattern.sequence.expect("a sequence");
    assert_eq!(steps.len(), 3);
    assert_eq!(
        steps[0].status.as_ref().map(|(status, place)| (status.code, &text[place.range()])),
        Some((Some(StatusCode::Error), "error"))
    );
    assert_eq!(steps[1].events.len(), 1);
    assert!(pattern.exact && pattern.children.len() == 1 && pattern.below.len() == 1);
}

#[test]
fn a_place_is_the_value_on_its_line_and_the_key_of_what_follows() {
    let text = "server: x\nattributes:\n  a: 1\n  b:\n    at_least: 2\nstatus:\n  code: error\n";
    let pattern = right(text);
    assert_eq!(&text[pattern.attributes[0].place.range()], "1");
    assert_eq!(&text[pattern.attributes[1].place.range()], "b");
    assert_eq!(&text[pattern.status.expect("a status").1.range()], "status");
}

#[test]
fn selectors_name_by_kind_or_by_name() {
    let trace = trace(
        "none:\n  - producer: a\n  - { kind: consumer, name: { starts_with: b } }\n  - { service: c, status: error }\n  - { span: d }\n",
    );
    assert_eq!(
        trace.none.iter().map(|selector| selector.kind).collect::<Vec<_>>(),
        [Some(SpanKind::Producer), Some(SpanKind::Consumer), None, None]
    );
    assert_eq!(trace.none[0].name.as_ref().and_then(Predicate::exact_text), Some("a"));
    assert!(matches!(trace.none[1].name, Some(Predicate::StartsWith(_))));
    assert!(trace.none[2].name.is_none() && trace.none[2].service.is_some() && trace.none[2].status.is_some());
    assert_eq!(trace.none[3].name.as_ref().and_then(Predicate::exact_text), Some("d"));
    assert_eq!((trace.none[1].place.line, trace.none[1].place.column), (3, 5));
}

#[test]
fn traces_are_none_or_spans_and_edges_have_sides() {
    let nothing = trace("trace: none\n");
    assert_eq!(nothing.nothing.map(|place| (place.line, place.column, place.length)), Some((1, 8, 4)));
    assert!(nothing.spans.is_empty());
    let some = trace("trace: [{ server: a }]\nexact: true\nedges: [a->b, c -> d]\n");
    assert!(some.nothing.is_none() && some.exact && some.spans.len() == 1);
    let edges: Vec<(&str, &str)> = some.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str())).collect();
    assert_eq!(edges, [("a", "b"), ("c", "d")]);
}

#[test]
fn what_can_never_hold_is_refused() {
    for (text, message) in [
        ("count: { at_least: 3, at_most: 1 }", "`at_most` is below `at_least`"),
        ("duration: { at_least: 2s, at_most: 1s }", "`at_most` is below `at_least`"),
        ("attributes: { a: { exists: false, type: int } }", "`type` cannot hold of what must not exist"),
        ("attributes: { a: { at_least: 2, less_than: 2 } }", "no number is `at_least: 2` and `less_than: 2`"),
        ("events: [{ name: { exists: false } }]", "every span and event has a name"),
    ] {
        let (_, problems) = span(&format!("server: x\n{text}\n"));
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [message], "{text}");
    }
    right("server: x\nattributes: { a: { at_least: 2, at_most: 2 } }\n");
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let mut problems = Vec::new();
        if let Some(node) = read(&text, &mut problems) {
            check(&node, &Shape::Object(&SPAN), &mut problems);
            span_pattern(&node, &mut problems);
            trace_expectation(&node, &mut problems);
        }
        for problem in &problems {
            let place = problem.place.unwrap_or_default();
            prop_assert!(text.get(place.range()).is_some(), "{problem:?}");
        }
    }

    #[test]
    fn yaml_of_any_sort_is_read_without_panic(text in "[-a-c:{}\\[\\],'\"&*!|>#%@?0-9.~<$ \n\t\r\u{feff}é]{0,80}") {
        let mut problems = Vec::new();
        if let Some(node) = read(&text, &mut problems) {
            check(&node, &Shape::Object(&SPAN), &mut problems);
            span_pattern(&node, &mut problems);
        }
        for problem in &problems {
            let place = problem.place.unwrap_or_default();
            prop_assert!(text.get(place.range()).is_some(), "{problem:?}");
        }
    }
}
