//! Property tests: whatever a span holds, it is the same after OTLP, after Tempo's encodings and after the ledger's JSON.

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::{collection::vec, option, prelude::*, sample::select};
use prost::Message;

use super::{
    Arrival, Attributes, Event, LedgerView, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId, Value,
    otlp::{spans_of, traces_data},
    tempo::TraceById,
};

/// How deep values nest, how many nodes a value has, how wide one node is.
const NESTING: (u32, u32, u32) = (3, 12, 4);

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        ".{0,12}".prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::ANY.prop_map(Value::Double),
        vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        Just(Value::Empty),
    ];
    leaf.prop_recursive(NESTING.0, NESTING.1, NESTING.2, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((".{0,6}", inner), 0..4).prop_map(|pairs| Value::Map(Attributes::from_iter(pairs))),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec((".{0,8}", value()), 0..4).prop_map(Attributes::from_iter)
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    any::<[u8; 16]>().prop_filter_map("zero is no id", TraceId::new)
}

fn span_id() -> impl Strategy<Value = SpanId> {
    any::<[u8; 8]>().prop_filter_map("zero is no id", SpanId::new)
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), ".{0,8}", attributes()).prop_map(|(time_ns, name, attributes)| Event { time_ns, name, attributes })
}

fn link() -> impl Strategy<Value = Link> {
    (trace_id(), span_id(), attributes()).prop_map(|(trace_id, span_id, attributes)| Link { trace_id, span_id, attributes })
}

fn status() -> impl Strategy<Value = Status> {
    let code = select(vec![StatusCode::Unset, StatusCode::Ok, StatusCode::Error]);
    (code, ".{0,8}").prop_map(|(code, message)| Status { code, message })
}

fn kind() -> impl Strategy<Value = SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server, Unspecified};
    select(vec![Unspecified, Internal, Server, Client, Producer, Consumer])
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), option::of(span_id()), ".{0,8}", any::<u32>());
    let what = (".{0,12}", kind(), any::<u64>(), any::<u64>(), attributes());
    let more = (vec(event(), 0..3), vec(link(), 0..3), status());
    // Few resources and scopes, so that some spans share theirs.
    let service = select(vec!["api", "trigger"]);
    let scope = (select(vec!["http", "db"]), option::of(attributes()));
    (ids, what, more, service, scope).prop_map(|(ids, what, (events, links, status), service, (scope, more))| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_id: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: what.0,
        kind: what.1,
        start_ns: what.2,
        end_ns: what.3,
        attributes: what.4,
        events,
        links,
        status,
        resource: Arc::new(Resource { attributes: Attributes::from_iter([("service.name", service)]) }),
        scope: Arc::new(Scope { name: scope.to_owned(), version: "1".to_owned(), attributes: more.unwrap_or_default() }),
    })
}

/// Grouping by resource and scope changes the order, nothing else.
fn same_spans(mut left: Vec<Span>, right: &[Span]) -> bool {
    left.len() == right.len()
        && right.iter().all(|span| {
            let found = left.iter().position(|other| other == span);
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn otlp_brings_every_span_back(spans in vec(span(), 0..6)) {
        let bytes = traces_data(&spans).encode_to_vec();
        let (back, bad) = spans_of(TracesData::decode(bytes.as_slice()).unwrap().resource_spans);
        prop_assert_eq!(bad, vec![]);
        prop_assert!(same_spans(back, &spans));
    }

    #[test]
    fn tempos_json_brings_every_span_back(spans in vec(span(), 0..6)) {
        let text = TraceById::new(&spans).to_json().to_string();
        let answer = TraceById::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert!(same_spans(spans_of(answer.trace.unwrap().resource_spans).0, &spans));
    }

    #[test]
    fn the_ledgers_json_brings_every_span_back(spans in vec(span(), 0..6)) {
        let arrivals: Vec<_> = spans.into_iter().map(|span| Arrival { span: Arc::new(span), at_ns: u64::MAX, resent: 0 }).collect();
        let view = LedgerView { version: 1, arrivals, ..LedgerView::default() };
        prop_assert_eq!(serde_json::from_str::<LedgerView>(&serde_json::to_string(&view).unwrap()).unwrap(), view);
    }
}
