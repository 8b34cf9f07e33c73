//! The readers of traces and metrics against the real ones: what was sent comes back, span for span, and what is not there is told from what
//! cannot be asked.

use std::{sync::Arc, time::Duration};

use devstack::{
    client::{
        ClientError, Counters, CountersClient, OtlpClient, PrometheusClient, StoreAddress, StoreClient, StoreKind, loopback,
    },
    model::{Attributes, Event, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Trace, TraceId, Value},
    runtime::canary,
    support::{address::Address, clock, poll::Poll},
};

use crate::{
    containers::{COLLECTOR, Container, JAEGER, PROMETHEUS, available},
    stage::Stage,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn id(number: u64) -> SpanId {
    SpanId::new(number.to_be_bytes()).unwrap()
}

fn attributes(of: &[(&str, Value)]) -> Attributes {
    of.iter().cloned().collect()
}

/// Every kind, every status, every type of value, events, links, spans without a length; names in the order in which Jaeger sorts them.
fn sent(trace_id: TraceId) -> Vec<Arc<Span>> {
    let now = clock::unix_nanos();
    let named = Arc::new(Resource { attributes: attributes(&[("host.cores", Value::Int(4)), ("service.name", "api".into())]) });
    let resources = [named, Arc::default(), Arc::new(Resource { attributes: attributes(&[("service.name", "".into())]) })];
    let scope =
        Arc::new(Scope { name: "tracer".into(), version: "1".into(), attributes: attributes(&[("scoped", true.into())]) });
    let kinds =
        [SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer, SpanKind::Internal, SpanKind::Unspecified];
    let statuses = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
    let values = attributes(&[
        ("a.map", Value::Map(attributes(&[("inner", Value::Int(5)), ("nothing", Value::Map(Attributes::default()))]))),
        ("array", Value::Array(vec!["x".into(), Value::Int(1), true.into()])),
        ("big", Value::Int(9_007_199_254_740_993)),
        ("bytes", Value::Bytes(vec![0, 1, 255])),
        ("empty", Value::Empty),
        ("false", false.into()),
        ("infinite", Value::Double(f64::NEG_INFINITY)),
        ("nan", Value::Double(f64::NAN)),
        ("none", Value::Array(vec![])),
        ("text", "".into()),
        ("whole", Value::Double(3.0)),
    ]);
    let span = |number: u64| Span {
        trace_id,
        span_id: id(number),
        parent_id: (number > 1).then(|| id(number / 2)),
        trace_state: if number == 1 { "devstack=1".into() } else { String::new() },
        flags: 0x101,
        name: format!("span {number}"),
        kind: kinds[number as usize % kinds.len()],
        start_ns: now + number,
        // One ends when it begins, one before that.
        end_ns: now + number + [0, 1_000, 2_000_000_123][number as usize % 3] - u64::from(number == 6),
        attributes: if number % 2 == 1 { values.clone() } else { Attributes::default() },
        events: vec![Event { time_ns: now + 7, name: "retry".into(), attributes: attributes(&[("n", Value::Int(2))]) }],
        links: vec![Link { trace_id: TraceId::random(), span_id: id(99), attributes: attributes(&[("l", "v".into())]) }],
        status: Status {
            code: statuses[number as usize % 3],
            message: if number % 3 == 2 { "boom".into() } else { String::new() },
        },
        resource: Arc::clone(&resources[number as usize % 3]),
        scope: Arc::clone(&scope),
    };
    (1..=12).map(|number| Arc::new(span(number))).collect()
}

async fn stored(store: &StoreClient, id: TraceId, count: usize) -> Trace {
    let mut poll = Poll::until(PATIENCE);
    loop {
        let trace = store.trace(id).await.unwrap().unwrap_or_default();
        if trace.spans().len() == count {
            return trace;
        }
        assert!(poll.again().await, "{} of {count} spans are there", trace.spans().len());
    }
}

fn same(sent: &[Arc<Span>], back: &Trace) {
    for span in sent {
        assert_eq!(back.get(span.span_id).unwrap(), span);
    }
}

#[tokio::test]
async fn jaeger_gives_every_span_back_as_it_was_sent() {
    if !available(&[JAEGER]) {
        return;
    }
    let jaeger =
        Container::run(JAEGER, &["--publish=127.0.0.1::16686", "--publish=127.0.0.1::4318", "--publish=127.0.0.1::8888"], &[]);
    jaeger.answers(16686, "/").await;
    let address = StoreAddress { kind: StoreKind::Jaeger, at: Address::plain(jaeger.port(16686)) };
    let store = StoreClient::new(&address).unwrap();
    let back = canary::trace(&jaeger.port(4318), &address, PATIENCE).await.unwrap();
    assert!(back.after > Duration::ZERO);

    let trace_id = TraceId::random();
    assert!(store.trace(trace_id).await.unwrap().is_none());
    let spans = sent(trace_id);
    OtlpClient::new(loopback().unwrap(), jaeger.port(4318)).export(&spans).await.unwrap();
    same(&spans, &stored(&store, trace_id, spans.len()).await);
    // Someone looks at it in Jaeger's own pages, which leaves warnings in its store.
    let page = format!("{}/api/v3/traces/{trace_id}", jaeger.port(16686));
    let looked = reqwest_text(&page).await;
    assert!(looked.contains("@jaeger@warnings"), "Jaeger adds nothing any more: {looked}");
    same(&spans, &stored(&store, trace_id, spans.len()).await);

    // Its own counters are read like a collector's; it counts spans of its own as well.
    let counters = CountersClient::new(&Address::plain(format!("{}/metrics", jaeger.port(8888)))).unwrap();
    let counted: Counters = counters.read().await.unwrap();
    assert!(counted.sum("otelcol_receiver_accepted_spans", &[("transport", "http")]) >= 13);
    assert!(counted.sum("otelcol_exporter_sent_spans", &[("exporter", "jaeger_storage_exporter")]) >= 13);

    // A path that is not Jaeger's is no absent trace.
    let elsewhere = StoreAddress { kind: StoreKind::Jaeger, at: Address::plain(jaeger.port(8888)) };
    let error = StoreClient::new(&elsewhere).unwrap().trace(trace_id).await.unwrap_err();
    assert!(matches!(error, ClientError::Status { status: 404, .. }), "{error}");
}

async fn reqwest_text(url: &str) -> String {
    loopback().unwrap().get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn prometheus_gives_the_canary_back_and_says_what_it_does_not_understand() {
    if !available(&[PROMETHEUS, COLLECTOR]) {
        return;
    }
    let prometheus = Container::run(
        PROMETHEUS,
        &["--publish=127.0.0.1::9090"],
        &["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", "--web.enable-otlp-receiver"],
    );
    prometheus.answers(9090, "/-/ready").await;
    let config = format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: 0.0.0.0:4318}}}}}}}}\nextensions: {{health_check: {{endpoint: 0.0.0.0:13133}}}}\nexporters: {{otlp_http/prometheus: {{endpoint: 'http://{}:9090/api/v1/otlp'}}}}\nservice: {{extensions: [health_check], pipelines: {{metrics: {{receivers: [otlp], exporters: [otlp_http/prometheus]}}}}}}\n",
        prometheus.ip()
    );
    let collector = Container::run(
        COLLECTOR,
        &["--publish=127.0.0.1::4318", "--publish=127.0.0.1::13133", "--env", &format!("OTELCOL_CONFIG={config}")],
        &["--config=env:OTELCOL_CONFIG"],
    );
    collector.answers(13133, "/").await;
    let address = Address::plain(prometheus.port(9090));
    canary::metric(&collector.port(4318), &address, PATIENCE).await.unwrap();

    let client = PrometheusClient::new(&address).unwrap();
    client.ready().await.unwrap();
    let samples = client.query("devstack_canary * 2", None).await.unwrap();
    assert_eq!((samples.len(), samples[0].value.to_string()), (1, "2".to_owned()));
    assert_eq!(samples[0].labels["job"], "devstack");
    let series = client.series(&["devstack_canary"]).await.unwrap();
    assert_eq!(series[0]["canary"], samples[0].labels["canary"]);
    let long_ago = client.query("devstack_canary", Some(1.0)).await.unwrap();
    assert_eq!(long_ago, []);
    assert!(client.query("scalar(vector(0)) / 0", None).await.unwrap()[0].value.is_nan());

    let error = client.query("sum(", None).await.unwrap_err();
    assert!(matches!(&error, ClientError::Refused { words, .. } if words.starts_with("bad_data: ")), "{error}");
    assert!(error.to_string().contains("unclosed left parenthesis"), "{error}");

    // A collector that takes traces, too, has no pipeline for them; the canary says what it saw at its first hop.
    let store = StoreAddress { kind: StoreKind::Tempo, at: address };
    let error = canary::trace(&collector.port(4318), &store, Duration::from_millis(300)).await.unwrap_err();
    assert!(error.last_sent.starts_with("the receiver answered 404"), "{error}");
}

#[tokio::test]
async fn a_canary_that_does_not_come_back_says_what_was_seen_at_both_ends() {
    let (taker, other) = (Stage::open().await, Stage::open().await);
    let back = canary::trace(&taker.otlp, &taker.store(), PATIENCE).await.unwrap();
    assert!(back.after < PATIENCE);
    let error = canary::trace(&taker.otlp, &other.store(), Duration::from_millis(200)).await.unwrap_err();
    assert_eq!((error.signal, error.last_sent.as_str()), ("trace", "the receiver answered 200"));
    assert!(error.last_read.starts_with("Tempo has no such trace after 0."), "{error}");

    let nobody = "http://127.0.0.1:1";
    let error = canary::trace(nobody, &other.store(), Duration::from_millis(100)).await.unwrap_err();
    assert!(error.last_sent.contains("refused") && error.last_read == "nothing was read back", "{error}");
    let error = canary::metric(&taker.otlp, &Address::plain(nobody), Duration::from_millis(100)).await.unwrap_err();
    assert_eq!((error.signal, error.last_sent.as_str()), ("metric", "the receiver answered 200"));
    assert!(error.last_read.contains("refused"), "{error}");
}

#[tokio::test]
async fn devstacks_own_store_gives_every_span_back() {
    let stage = Stage::open().await;
    let store = StoreClient::new(&stage.store()).unwrap();
    let trace_id = TraceId::random();
    assert!(store.trace(trace_id).await.unwrap().is_none());
    let spans = sent(trace_id);
    OtlpClient::new(loopback().unwrap(), stage.otlp.as_str()).export(&spans).await.unwrap();
    same(&spans, &stored(&store, trace_id, spans.len()).await);
}
