//! The ledger through its edge: what it keeps, what it throws out, whom it wakes; in process and over HTTP.

use std::{collections::HashSet, sync::Arc, time::Duration};

use devstack::{
    backend::{Backend, Batch, Capacity, Config, Ledger},
    client::{LedgerClient, loopback},
    model::{
        Attributes, LogRecord, MetricKind, MetricPoint, MetricValue, Resource, Scope, Series, Span, SpanId, SpanKind, Status,
        TraceId, Value,
        arrival::{CORRELATION_ATTRIBUTE, LONGEST_WAIT_MS},
    },
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; only a lost wake-up reaches it.
const GUARD: Duration = Duration::from_mins(1);

fn resource(service: &str) -> Arc<Resource> {
    Arc::new(Resource { attributes: Attributes::from_iter([("service.name", service)]) })
}

fn span(trace: TraceId) -> Span {
    Span {
        trace_id: trace,
        span_id: SpanId::random(),
        parent_id: None,
        trace_state: String::new(),
        flags: 1,
        name: "POST /webhooks/whatsapp".to_owned(),
        kind: SpanKind::Server,
        start_ns: 1,
        end_ns: 2,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: resource("api"),
        scope: Arc::new(Scope::default()),
    }
}

fn correlated(trace: TraceId, correlation: &str) -> Span {
    Span { attributes: Attributes::from_iter([(CORRELATION_ATTRIBUTE, correlation)]), ..span(trace) }
}

fn log(trace: Option<TraceId>, body: &str) -> LogRecord {
    LogRecord {
        trace_id: trace,
        span_id: None,
        flags: 0,
        time_ns: 1,
        observed_ns: 1,
        severity: 9,
        severity_text: "INFO".to_owned(),
        event_name: String::new(),
        body: body.into(),
        attributes: Attributes::default(),
        resource: resource("api"),
        scope: Arc::new(Scope::default()),
    }
}

fn point(name: &str, label: i64, time_ns: u64, value: i64) -> MetricPoint {
    let series = Series {
        name: name.to_owned(),
        kind: MetricKind::Gauge,
        unit: String::new(),
        attributes: Attributes::from_iter([("n", label)]),
        resource: resource("api"),
        scope: Arc::new(Scope::default()),
    };
    MetricPoint { series: Arc::new(series), start_ns: 0, time_ns, value: MetricValue::Int(value) }
}

fn bounded(bytes: usize) -> Ledger {
    Ledger::new(Capacity { spans: bytes, logs: bytes, metrics: bytes })
}

#[test]
fn a_view_has_the_spans_and_logs_of_its_trace_in_order_of_arrival() {
    let ledger = Ledger::new(Capacity::default());
    let (trace, other) = (TraceId::random(), TraceId::random());
    assert_eq!((ledger.view(trace).version, ledger.view(trace).last_request_ns), (0, None));
    let spans = [span(trace), span(trace), span(other)];
    ledger.insert(Batch::Spans(spans[..1].to_vec()));
    let first = ledger.view(trace);
    ledger.insert(Batch::Spans(spans[1..].to_vec()));
    ledger.insert(Batch::Logs(vec![log(Some(trace), "one"), log(None, "nobody's"), log(Some(other), "another's")]));
    let view = ledger.view(trace);
    assert!(view.version > first.version && first.version > 0);
    assert_eq!(view.arrivals.iter().map(|arrival| &*arrival.span).collect::<Vec<_>>(), [&spans[0], &spans[1]]);
    assert!(view.arrivals[0].at_ns <= view.arrivals[1].at_ns && view.arrivals[1].at_ns <= view.now_ns);
    assert_eq!(view.logs.iter().map(|arrival| arrival.record.body.clone()).collect::<Vec<_>>(), ["one".into()]);
    assert_eq!(view.last_request_ns, Some(view.logs[0].at_ns));
    assert_eq!((view.evicted, view.evicted_logs), (0, 0));
}

#[test]
fn the_same_span_again_is_a_resend_and_other_content_is_a_conflict() {
    let ledger = Ledger::new(Capacity::default());
    let trace = TraceId::random();
    let mut original = span(trace);
    original.attributes.push("ratio", Value::Double(f64::NAN));
    // A retry of the exporter brings its own copy of everything, the resource too.
    let again = Span { resource: resource("api"), ..original.clone() };
    ledger.insert(Batch::Spans(vec![original.clone()]));
    ledger.insert(Batch::Spans(vec![again.clone(), again]));
    let view = ledger.view(trace);
    assert_eq!(view.arrivals.iter().map(|arrival| arrival.resent).collect::<Vec<_>>(), [2]);

    let conflicts = [
        Span { name: "another name".to_owned(), ..original.clone() },
        Span { resource: resource("trigger"), ..original.clone() },
        Span { kind: SpanKind::Client, ..original.clone() },
    ];
    ledger.insert(Batch::Spans(conflicts.to_vec()));
    ledger.insert(Batch::Spans(conflicts[1..2].to_vec()));
    let view = ledger.view(trace);
    assert_eq!(view.arrivals.iter().map(|arrival| arrival.resent).collect::<Vec<_>>(), [2, 0, 1, 0]);
    assert_eq!(ledger.usage().spans.items, 4);
}

#[test]
fn the_oldest_traces_leave_whole_and_are_counted() {
    let ledger = bounded(64 * 1024);
    let traces: Vec<_> = (0..100).map(|_| TraceId::random()).collect();
    for (number, trace) in traces.iter().enumerate() {
        let spans = (0..10).map(|_| correlated(*trace, &format!("case-{number}"))).collect();
        ledger.insert(Batch::Spans(spans));
        assert!(ledger.usage().spans.bytes <= 64 * 1024);
    }
    let views: Vec<_> = traces.iter().map(|trace| ledger.view(*trace)).collect();
    let first_kept = views.iter().position(|view| !view.arrivals.is_empty()).unwrap();
    assert!(first_kept > 10 && first_kept < 99, "{first_kept}");
    for (number, view) in views.iter().enumerate() {
        let (held, lost, found) = if number < first_kept { (0, 10, 0) } else { (10, 0, 1) };
        assert_eq!((view.arrivals.len(), view.evicted), (held, lost), "trace {number}");
        assert_eq!(ledger.correlated(&format!("case-{number}")).traces.len(), found, "trace {number}");
        assert!(view.version > 0, "trace {number}");
    }
    assert_eq!(ledger.usage().spans.evicted, 10 * first_kept as u64);
    assert_eq!(ledger.usage().spans.items, 10 * (100 - first_kept) as u64);
}

#[test]
fn a_version_grows_even_when_the_trace_was_thrown_out_in_between() {
    let ledger = bounded(16 * 1024);
    let trace = TraceId::random();
    ledger.insert(Batch::Spans((0..5).map(|_| span(trace)).collect()));
    let before = ledger.view(trace);
    while ledger.view(trace).evicted == 0 {
        ledger.insert(Batch::Spans(vec![span(TraceId::random())]));
    }
    let gone = ledger.view(trace);
    ledger.insert(Batch::Spans(vec![span(trace)]));
    let back = ledger.view(trace);
    assert!(before.version < gone.version && gone.version < back.version);
    assert_eq!((gone.arrivals.len(), gone.evicted), (0, 5));
    assert_eq!((back.arrivals.len(), back.evicted), (1, 5));
}

#[test]
fn one_trace_larger_than_everything_stays_within_the_bound() {
    let ledger = bounded(32 * 1024);
    let trace = TraceId::random();
    for _ in 0..1000 {
        ledger.insert(Batch::Spans(vec![span(trace)]));
        assert!(ledger.usage().spans.bytes <= 32 * 1024);
    }
    let view = ledger.view(trace);
    assert_eq!(view.arrivals.len() as u64 + view.evicted, 1000);
    assert!(!view.arrivals.is_empty());
}

#[test]
fn what_could_never_fit_costs_nobody_else() {
    let ledger = bounded(32 * 1024);
    let (trace, giant) = (TraceId::random(), TraceId::random());
    ledger.insert(Batch::Spans(vec![span(trace)]));
    ledger.insert(Batch::Logs(vec![log(Some(trace), "small")]));
    ledger.insert(Batch::Metrics(vec![point("small", 1, 1, 1)]));
    let large = "x".repeat(64 * 1024);
    ledger.insert(Batch::Spans(vec![Span { name: large.clone(), ..span(giant) }]));
    ledger.insert(Batch::Logs(vec![log(Some(giant), &large)]));
    ledger.insert(Batch::Metrics(vec![point(&large, 1, 1, 1)]));
    let (view, refused) = (ledger.view(trace), ledger.view(giant));
    assert_eq!((view.arrivals.len(), view.logs.len(), ledger.metrics(None).series.len()), (1, 1, 1));
    assert_eq!((refused.evicted, refused.evicted_logs, ledger.metrics(None).evicted), (1, 1, 1));
}

#[test]
fn many_resources_stay_within_the_bound_too() {
    let ledger = bounded(256 * 1024);
    for number in 0..5000 {
        let strange = resource(&format!("service-{number}-{}", "x".repeat(200)));
        ledger.insert(Batch::Spans(vec![Span { resource: Arc::clone(&strange), ..span(TraceId::random()) }]));
        ledger.insert(Batch::Logs(vec![LogRecord { resource: strange, ..log(None, "x") }]));
        let usage = ledger.usage();
        assert!(usage.spans.bytes <= 256 * 1024 && usage.logs.bytes <= 256 * 1024, "{usage:?}");
    }
    assert!(ledger.usage().spans.items > 50 && ledger.usage().logs.items > 50);
}

#[test]
fn the_oldest_logs_leave_first() {
    let ledger = bounded(32 * 1024);
    let trace = TraceId::random();
    for number in 0..1000 {
        ledger.insert(Batch::Logs(vec![log(Some(trace), &number.to_string()), log(None, "noise")]));
        assert!(ledger.usage().logs.bytes <= 32 * 1024);
    }
    let view = ledger.view(trace);
    assert_eq!(view.logs.len() as u64 + view.evicted_logs, 1000);
    assert!(view.evicted_logs > 100);
    assert_eq!(view.logs.last().unwrap().record.body, "999".into());
    assert_eq!(view.logs[0].record.body, view.evicted_logs.to_string().as_str().into());
}

#[test]
fn a_series_keeps_its_last_point_and_the_longest_untouched_leaves_first() {
    let ledger = bounded(32 * 1024);
    ledger.insert(Batch::Metrics(vec![point("leads", 1, 10, 1), point("leads", 2, 10, 2), point("errors", 1, 10, 3)]));
    // The second overtook the first on the way.
    ledger.insert(Batch::Metrics(vec![point("leads", 1, 30, 5), point("leads", 1, 20, 4)]));
    let values =
        |name| -> Vec<_> { ledger.metrics(name).series.into_iter().filter_map(|arrival| arrival.point.value.number()).collect() };
    assert_eq!(values(None), [2.0, 3.0, 5.0]);
    assert_eq!(values(Some("leads")), [2.0, 5.0]);
    assert_eq!(values(Some("nobody")), [0.0; 0]);
    for label in 0..1000 {
        ledger.insert(Batch::Metrics(vec![point("leads", 1, 40 + label, 6), point("many", label as i64, 1, 7)]));
        assert!(ledger.usage().metrics.bytes <= 32 * 1024);
    }
    assert_eq!(values(Some("leads")), [6.0]);
    assert_eq!(values(Some("errors")), [0.0; 0]);
    let usage = ledger.usage().metrics;
    assert_eq!(usage.items + usage.evicted, 1003);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_among_many_writers_and_waiters() {
    const WRITERS: usize = 8;
    const TRACES: usize = 40;
    const EACH: usize = 25;
    let ledger = Ledger::new(Capacity::default());
    let traces: Arc<[TraceId]> = (0..TRACES).map(|_| TraceId::random()).collect();
    let waiters: Vec<_> = (0..TRACES * 3)
        .map(|number| {
            let (ledger, trace) = (ledger.clone(), traces[number % TRACES]);
            tokio::spawn(async move {
                let (mut after, mut wakes) = (0, 0);
                loop {
                    let view = ledger.wait_for_change(trace, after).await;
                    assert!(view.version > after);
                    (after, wakes) = (view.version, wakes + 1);
                    if view.arrivals.len() == WRITERS * EACH {
                        return wakes;
                    }
                }
            })
        })
        .collect();
    for _ in 0..WRITERS {
        let (ledger, traces) = (ledger.clone(), Arc::clone(&traces));
        tokio::spawn(async move {
            for _ in 0..EACH {
                for trace in traces.iter() {
                    ledger.insert(Batch::Spans(vec![span(*trace)]));
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for waiter in waiters {
        let wakes = tokio::time::timeout(GUARD, waiter).await.expect("every change wakes").unwrap();
        assert!(wakes >= 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_for_a_correlation_id_is_told_of_each_trace() {
    let ledger = Ledger::new(Capacity::default());
    let waiting = {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 50 {
                seen = ledger.wait_for_correlated("lead-7", seen.len()).await.traces;
            }
            seen
        })
    };
    let traces: Vec<_> = (0..50).map(|_| TraceId::random()).collect();
    for trace in &traces {
        ledger.insert(Batch::Spans(vec![
            correlated(*trace, "lead-7"),
            correlated(*trace, "lead-7"),
            correlated(*trace, "other"),
        ]));
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::time::timeout(GUARD, waiting).await.unwrap().unwrap(), traces);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_the_answer_is_held_until_the_trace_changes() {
    let backend = Backend::bind(Config::default()).await.unwrap();
    let (ledger, shutdown) = (backend.ledger(), CancellationToken::new());
    let client = LedgerClient::new(loopback().unwrap(), format!("http://{}", backend.api()));
    let running = tokio::spawn(backend.run(shutdown.clone()));
    let traces: Vec<_> = (0..20).map(|_| TraceId::random()).collect();
    let waiting: Vec<_> = traces
        .iter()
        .map(|trace| {
            let (client, trace) = (client.clone(), *trace);
            tokio::spawn(async move {
                let mut view = client.view(trace).await.unwrap();
                while view.arrivals.len() < 5 {
                    view = client.wait_for_change(trace, view.version, GUARD).await.unwrap();
                }
                view
            })
        })
        .collect();
    for round in 0..5 {
        for trace in &traces {
            ledger.insert(Batch::Spans(vec![correlated(*trace, &format!("round {round} & more"))]));
        }
        tokio::task::yield_now().await;
    }
    for (waiter, trace) in waiting.into_iter().zip(&traces) {
        let view = tokio::time::timeout(GUARD, waiter).await.unwrap().unwrap();
        assert_eq!(view.arrivals, ledger.view(*trace).arrivals);
    }
    let found = client.correlated("round 3 & more", 19, GUARD).await.unwrap();
    assert_eq!(found.traces.iter().collect::<HashSet<_>>(), traces.iter().collect());
    ledger.insert(Batch::Metrics(vec![point("leads", 1, 1, 9), point("errors", 1, 1, 9)]));
    assert_eq!(client.metrics(Some("leads")).await.unwrap().series, ledger.metrics(Some("leads")).series);
    assert_eq!(client.metrics(None).await.unwrap().series.len(), 2);
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn who_sends_is_told_by_service_and_instance_with_what_came_when_and_how_late() {
    let backend = Backend::bind(Config::default()).await.unwrap();
    let (ledger, api) = (backend.ledger(), format!("http://{}", backend.api()));
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(backend.run(shutdown.clone()));
    let client = LedgerClient::new(loopback().unwrap(), api);
    assert_eq!(client.senders().await.unwrap().senders, []);
    let of = |pairs: &[(&str, &str)], end_ns: u64| {
        let resource = Resource { attributes: pairs.iter().copied().collect() };
        Span { resource: Arc::new(resource), end_ns, ..span(TraceId::random()) }
    };
    let now = devstack::support::clock::unix_nanos();
    let one = of(&[("service.name", "api"), ("service.instance.id", "a")], now - 4_000_000_000);
    // Dated back: no delay of an exporter.
    let old = of(&[("service.name", "api"), ("service.instance.id", "b")], 1);
    let ids = [one.trace_id, old.trace_id];
    ledger.insert(Batch::Spans(vec![one, old]));
    ledger.insert(Batch::Logs(vec![log(None, "hello")]));
    ledger.insert(Batch::Metrics(vec![point("leads", 1, 1, 1), point("leads", 2, 1, 1)]));
    let list = client.senders().await.unwrap();
    let counts: Vec<_> = list
        .senders
        .iter()
        .map(|it| (it.service.as_str(), it.instance.as_str(), it.spans.count, it.logs.count, it.series.count))
        .collect();
    assert_eq!(counts, [("api", "", 0, 1, 2), ("api", "a", 1, 0, 0), ("api", "b", 1, 0, 0)]);
    let lag = list.senders[1].longest_lag_ns;
    assert!((3_900_000_000..60_000_000_000).contains(&lag) && list.senders[2].longest_lag_ns == 0, "{list:?}");
    assert!(list.senders.iter().all(|it| it.bounds().0 <= it.bounds().1 && it.bounds().1 <= list.now_ns), "{list:?}");
    assert_eq!(client.recent(10).await.unwrap().traces, ids);
    assert_eq!(client.recent(1).await.unwrap().traces, ids[1..]);
    shutdown.cancel();
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_answers_end_with_the_backend() {
    let backend = Backend::bind(Config { drain: GUARD, ..Config::default() }).await.unwrap();
    let (ledger, shutdown) = (backend.ledger(), CancellationToken::new());
    let client = LedgerClient::new(loopback().unwrap(), format!("http://{}", backend.api()));
    let running = tokio::spawn(backend.run(shutdown.clone()));
    let wait = Duration::from_millis(LONGEST_WAIT_MS);
    let held = {
        let client = client.clone();
        tokio::spawn(async move { client.wait_for_change(TraceId::random(), 0, wait).await })
    };
    let also_held = tokio::spawn(async move { client.correlated("nobody", 0, wait).await });
    waits(&ledger, 2).await;
    shutdown.cancel();
    // Well below the wait: only its end by shutdown gets here in time.
    tokio::time::timeout(wait / 2, running).await.expect("nothing holds the backend").unwrap();
    assert_eq!(held.await.unwrap().unwrap().version, 0);
    assert_eq!(also_held.await.unwrap().unwrap().traces, []);
    waits(&ledger, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_given_up_leaves_nothing_behind() {
    let ledger = Ledger::new(Capacity::default());
    let waiting = {
        let ledger = ledger.clone();
        tokio::spawn(
            async move { tokio::join!(ledger.wait_for_change(TraceId::random(), 0), ledger.wait_for_correlated("x", 0)) },
        )
    };
    waits(&ledger, 2).await;
    waiting.abort();
    waits(&ledger, 0).await;
}

/// Returns once so many waits are open.
async fn waits(ledger: &Ledger, count: usize) {
    let reached = async {
        while ledger.usage().waiting != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, reached).await.expect("the waits are counted");
}
