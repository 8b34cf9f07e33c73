//! The telemetry library over the wire: what a receiver gets, what is lost, and what the work report says of both.

mod receiver;
mod servers;

use std::sync::mpsc;
use std::time::Duration;

use devstack::telemetry::{
    AnyValue, Carrier, Compression, Context, Outcome, Protocol, Settings, Severity, Telemetry, TelemetryError, TraceContextExt,
    TraceId, WorkQuery, end_span, histogram,
};
use receiver::{Manner, Receiver, text};

/// A bound on what must happen at some point; no test gets near it unless it fails.
const LONG: Duration = Duration::from_secs(20);

/// Settings under which nothing is exported unless asked for.
fn settings(service: &str, receiver: &Receiver) -> Settings {
    Settings::new(service)
        .with_endpoint(&receiver.endpoint)
        .with_schedule_delay(Duration::from_hours(1))
        .with_metric_interval(Duration::from_hours(1))
}

fn start(settings: &Settings) -> Telemetry {
    Telemetry::start(settings).expect("settings of these tests are good")
}

/// Starts and ends a root span; returns its trace id.
fn trace(telemetry: &Telemetry, name: &'static str) -> TraceId {
    let span = telemetry.tracer("test").internal(name).under(&Context::new()).start();
    end_span(&span, Outcome::Ok);
    span.trace_id()
}

#[tokio::test]
async fn every_protocol_carries_all_signals_of_services_that_share_a_process() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc] {
        for compression in [Compression::None, Compression::Gzip] {
            // tonic's server of these tests does not decompress.
            if (protocol, compression) != (Protocol::Grpc, Compression::Gzip) {
                carry_all_signals(protocol, compression).await;
            }
        }
    }
}

async fn carry_all_signals(protocol: Protocol, compression: Compression) {
    let receiver = Receiver::start(Manner::Answer).await;
    let services = ["medicalcor-api", "medicalcor-trigger"].map(|service| {
        let mut settings = settings(service, &receiver).with_protocol(protocol).with_work_endpoint("http://127.0.0.1:1");
        settings.destination.compression = compression;
        settings.destination.headers = vec![("x-tenant".to_owned(), "seven".to_owned())];
        start(&settings)
    });
    for telemetry in &services {
        let span = telemetry.tracer("test").internal("step").start();
        span.run(async { telemetry.log(Severity::Info, "scored", [("score", AnyValue::Int(4))]) }).await;
        histogram(&telemetry.meter("test"), "duration", "s", &[0.1, 1.0]).record(0.5, &[]);
        end_span(&span, Outcome::Ok);
        telemetry.shutdown(LONG).await.expect("the receiver answers");
    }

    let all = receiver.received();
    let named = |resource: &Option<opentelemetry_proto::tonic::resource::v1::Resource>, key: &str| {
        text(&resource.as_ref().expect("every signal has a resource").attributes, key)
    };
    for (at, telemetry) in services.iter().enumerate() {
        let spans = &all.traces[at].resource_spans[0];
        let metrics = &all.metrics[at].resource_metrics[0];
        let logs = &all.logs[at].resource_logs[0];
        for resource in [&spans.resource, &metrics.resource, &logs.resource] {
            assert_eq!(named(resource, "service.name").as_deref(), Some(telemetry.service()), "{protocol:?}");
            assert_eq!(named(resource, "service.instance.id").as_deref(), Some(telemetry.instance()));
            assert_eq!(named(resource, "service.namespace").as_deref(), Some("medicalcor"));
            assert_eq!(named(resource, "devstack.work.endpoint").as_deref(), Some("http://127.0.0.1:1"));
        }
        let span = &spans.scope_spans[0].spans[0];
        let log = &logs.scope_logs[0].log_records[0];
        assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.span_id), "a log names the active span");
        assert_eq!(metrics.scope_metrics[0].metrics[0].name, "duration");
    }
    assert!(all.headers.iter().all(|headers| headers["x-tenant"] == "seven"));
    assert_eq!(all.headers.len(), 6);
}

#[tokio::test]
async fn the_last_batch_is_handed_over_even_from_a_full_queue() {
    let receiver = Receiver::start(Manner::Answer).await;
    let mut settings = settings("medicalcor-api", &receiver);
    settings.batching.max_queue = 10;
    settings.batching.max_batch = 10;
    let telemetry = start(&settings);
    for _ in 0..10 {
        trace(&telemetry, "step");
        telemetry.log(Severity::Info, "step", []);
    }
    telemetry.shutdown(LONG).await.expect("the receiver answers");
    assert_eq!(receiver.span_names().len(), 10);
    let logs = receiver.received().logs;
    assert_eq!(logs.iter().map(|request| request.resource_logs[0].scope_logs[0].log_records.len()).sum::<usize>(), 10);
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_lost_and_counted_and_flushing_still_works() {
    let receiver = Receiver::start(Manner::Silent).await;
    let mut settings = settings("medicalcor-api", &receiver);
    settings.batching.max_queue = 4;
    settings.batching.max_batch = 2;
    let telemetry = start(&settings);
    let traces: Vec<TraceId> = (0..6).map(|_| trace(&telemetry, "step")).collect();
    let report = |trace: TraceId| telemetry.work().report(&WorkQuery::Trace(trace));
    assert_eq!(traces.iter().map(|trace| report(*trace).unexported).collect::<Vec<_>>(), [1, 1, 1, 1, 0, 0]);
    assert_eq!(traces.iter().map(|trace| report(*trace).lost).sum::<u64>(), 2);
    receiver.behave(Manner::Answer);
    telemetry.flush(LONG).await.expect("the receiver answers");
    assert_eq!(traces.iter().map(|trace| report(*trace).exported).sum::<u64>(), 4);
    assert_eq!(receiver.span_names().len(), 4);
}

#[test]
fn a_silent_receiver_holds_neither_shutdown_nor_the_runtimes_end() {
    let (done, waiting) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let result = runtime.block_on(async {
            let receiver = Receiver::start(Manner::Silent).await;
            let mut settings = settings("medicalcor-api", &receiver);
            settings.destination.timeout = Duration::from_hours(1);
            settings.batching.timeout = Duration::from_hours(1);
            let telemetry = start(&settings);
            trace(&telemetry, "step");
            telemetry.shutdown(Duration::from_millis(50)).await
        });
        drop(runtime);
        done.send(result).expect("the test waits");
    });
    let result = waiting.recv_timeout(LONG).expect("shutdown and the runtime's end are bounded");
    assert!(matches!(result, Err(TelemetryError::Late { .. })), "{result:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_task_of_a_single_threaded_runtime_can_flush() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let flushed = tokio::spawn(async move {
        trace(&telemetry, "first");
        telemetry.flush(LONG).await.expect("the receiver answers");
        trace(&telemetry, "second");
        telemetry.flush(LONG).await.expect("the receiver answers");
    });
    flushed.await.expect("the task flushes");
    assert_eq!(receiver.span_names(), ["first", "second"]);
}

#[tokio::test(flavor = "current_thread")]
async fn dropping_telemetry_in_a_task_does_not_block_and_hands_over() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    trace(&telemetry, "step");
    drop(telemetry);
    tokio::time::timeout(LONG, receiver.arrivals(1)).await.expect("the span arrives");
}

#[tokio::test]
async fn the_report_follows_a_trace_from_queue_to_export() {
    let receiver = Receiver::start(Manner::Silent).await;
    let telemetry = start(&settings("medicalcor-trigger", &receiver));
    let work = telemetry.work();
    let run = telemetry.tracer("test").internal("run").start();
    let query = WorkQuery::Trace(run.trace_id());

    let queued = work.queued(run.trace_id(), Some("c-1"));
    let report = work.report(&query);
    assert_eq!((report.queued, report.active, report.open.len()), (1, 0, 1));
    assert_eq!((report.open[0].name.as_str(), report.open[0].kind.as_str()), ("run", "internal"));
    assert_eq!(report.open[0].span_id, run.span_id().to_string());
    assert_eq!(report.traces, [run.trace_id().to_string()]);
    assert_eq!(report, work.report(&WorkQuery::Correlation("c-1".to_owned())));

    let active = queued.start();
    assert_eq!((work.report(&query).queued, work.report(&query).active), (0, 1));
    let queued = active.requeue();
    assert_eq!((work.report(&query).queued, work.report(&query).active), (1, 0));
    let active = queued.start();

    end_span(&run, Outcome::Ok);
    let report = work.report(&query);
    assert_eq!((report.open.len(), report.unexported, report.exported), (0, 1, 0));
    drop(active);
    let report = work.report(&query);
    assert!(report.at_rest() && !report.idle());

    receiver.behave(Manner::Answer);
    // The next regular export is an hour away.
    let report = work.wait_idle(&query, LONG).await;
    assert!(report.idle(), "{report:?}");
    assert_eq!((report.exported, report.lost, report.unexported), (1, 0, 0));
    assert!(report.activity >= 7, "{report:?}");
    assert_eq!(receiver.span_names(), ["run"]);
}

#[tokio::test]
async fn waiting_ends_with_the_time_given_and_knows_nothing_of_strangers() {
    let receiver = Receiver::start(Manner::Silent).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let trace_id = trace(&telemetry, "step");
    let report = telemetry.work().wait_idle(&WorkQuery::Trace(trace_id), Duration::from_millis(20)).await;
    assert_eq!((report.unexported, report.exported), (1, 0));
    let stranger = telemetry.work().wait_idle(&WorkQuery::Trace(TraceId::from(7)), LONG).await;
    assert!(stranger.traces.is_empty() && stranger.idle());
}

#[tokio::test]
async fn a_waiter_is_woken_by_the_end_of_the_work() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let span = telemetry.tracer("test").internal("step").start();
    let query = WorkQuery::Trace(span.trace_id());
    let guard = telemetry.work().begin(span.trace_id(), None);
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let (telemetry, query) = (telemetry.clone(), query.clone());
            tokio::spawn(async move { telemetry.work().wait_idle(&query, LONG).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(span);
    drop(guard);
    for waiter in waiters {
        let report = waiter.await.expect("no waiter panics");
        assert!(report.idle() && report.exported == 1, "{report:?}");
    }
    assert_eq!(receiver.span_names(), ["step"]);
}

#[tokio::test]
async fn spans_that_cannot_be_exported_are_lost_and_say_why() {
    let gone = Receiver::start(Manner::Answer).await;
    // Port 9 (discard) of this machine: nothing listens.
    let telemetry = start(&settings("medicalcor-api", &gone).with_endpoint("http://127.0.0.1:9"));
    let query = WorkQuery::Trace(trace(&telemetry, "step"));
    let report = telemetry.work().wait_idle(&query, LONG).await;
    assert_eq!((report.lost, report.exported, report.unexported), (1, 0, 0));
    assert!(report.export_error.as_deref().is_some_and(|error| error.contains("http://127.0.0.1:9")), "{report:?}");
}

#[tokio::test]
async fn refused_spans_are_lost_and_the_next_success_clears_the_error() {
    let receiver = Receiver::start(Manner::Refuse).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let query = WorkQuery::Trace(trace(&telemetry, "step"));
    let report = telemetry.work().wait_idle(&query, LONG).await;
    assert_eq!((report.lost, report.exported), (1, 0));
    assert!(report.export_error.is_some());
    receiver.behave(Manner::Answer);
    let query = WorkQuery::Trace(trace(&telemetry, "step"));
    let report = telemetry.work().wait_idle(&query, LONG).await;
    assert_eq!((report.lost, report.exported, report.export_error), (0, 1, None));
}

#[tokio::test]
async fn an_export_without_an_answer_in_time_is_lost_not_exported() {
    let receiver = Receiver::start(Manner::Silent).await;
    let mut settings = settings("medicalcor-api", &receiver);
    settings.batching.timeout = Duration::from_millis(50);
    let telemetry = start(&settings);
    let query = WorkQuery::Trace(trace(&telemetry, "step"));
    let report = telemetry.work().wait_idle(&query, LONG).await;
    assert_eq!((report.lost, report.exported, report.unexported), (1, 0, 0));
    assert!(report.export_error.as_deref().is_some_and(|error| error.contains("no answer in time")), "{report:?}");
}

#[tokio::test]
async fn an_unsampled_trace_is_accounted_for_without_spans() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let parent =
        Carrier { traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".to_owned()), ..Carrier::default() };
    let span = telemetry.tracer("test").internal("step").under(&parent.context()).start();
    assert_eq!(span.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert!(!span.is_sampled() && Carrier::of(span.context()).traceparent.is_some_and(|text| text.ends_with("-00")));
    let query = WorkQuery::Trace(span.trace_id());
    let guard = telemetry.work().begin(span.trace_id(), Some("c-9"));
    drop(span);
    let report = telemetry.work().report(&query);
    assert_eq!((report.active, report.open.len(), report.unexported), (1, 0, 0));
    assert!(!report.idle());
    drop(guard);
    assert!(telemetry.work().wait_idle(&query, LONG).await.idle());
    assert!(receiver.span_names().is_empty());
}

#[tokio::test]
async fn debug_exports_each_span_at_once() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&Settings { immediate: true, ..settings("medicalcor-api", &receiver) });
    trace(&telemetry, "step");
    tokio::time::timeout(LONG, receiver.arrivals(1)).await.expect("the span arrives without a flush");
}

#[tokio::test]
async fn disabled_telemetry_exports_nothing_and_still_accounts_for_work() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&Settings { enabled: false, ..settings("medicalcor-api", &receiver) });
    let span = telemetry.tracer("test").internal("step").under(&Context::new()).start();
    assert!(!span.context().has_active_span());
    let query = WorkQuery::Correlation("c-1".to_owned());
    let guard = telemetry.work().begin(span.trace_id(), Some("c-1"));
    telemetry.log(Severity::Warn, "nobody hears this", []);
    assert_eq!(telemetry.work().report(&query).active, 1);
    drop(guard);
    assert!(telemetry.work().report(&query).idle());
    telemetry.shutdown(LONG).await.expect("there is nothing to hand over");
    assert!(receiver.received().headers.is_empty());
}

#[tokio::test]
async fn shutdown_waits_for_background_work() {
    let receiver = Receiver::start(Manner::Answer).await;
    let telemetry = start(&settings("medicalcor-api", &receiver));
    let request = telemetry.tracer("test").internal("request").start();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let tracer = telemetry.tracer("test");
    let task = telemetry.spawn(request.context(), async move {
        gone.await.expect("the test sends");
        drop(tracer.internal("background").start());
    });
    assert_eq!(telemetry.work().report(&WorkQuery::Trace(request.trace_id())).active, 1);
    let request_id = request.span_id();
    end_span(&request, Outcome::Ok);
    go.send(()).expect("the task waits");
    telemetry.shutdown(LONG).await.expect("the receiver answers");
    assert!(task.is_finished());
    let all = receiver.received();
    let spans = &all.traces[0].resource_spans[0].scope_spans[0].spans;
    let background = spans.iter().find(|span| span.name == "background").expect("it was exported");
    assert_eq!(background.parent_span_id, request_id.to_bytes());
}

#[test]
fn starting_outside_a_runtime_is_an_error_with_a_name() {
    let error = Telemetry::start(&Settings::new("medicalcor-api")).expect_err("there is no runtime");
    assert_eq!(error.to_string(), "cannot start telemetry of `medicalcor-api` outside a Tokio runtime");
}
