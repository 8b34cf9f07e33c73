//! Every rule on facts made by hand: what is named, how sure, what comes first; and that nothing secret is repeated.

use super::{
    Asked, Destination, Examination, Exit, ExitHow, Facts, Language, Loading, Measured, Process, Propagation, Reach, Receiver,
    SpanSeen, Told, look, told,
};
use crate::{
    doctor::{Check, Level},
    model::arrival::{Seen, Sender},
    support::inspect::{NotTold, Variables},
};

const SECRET: &str = "s3cr3tT0k3nOfSomebody";
const URL: &str = "http://localhost:3000";

fn receiver() -> Receiver {
    let at = |port| format!("http://127.0.0.1:{port}");
    Receiver { otlp_http: at(4318), otlp_grpc: at(4317), ledger: at(3200) }
}

fn node(pairs: &[(&str, &str)], loading: Loading) -> Process {
    Process {
        pid: 812,
        name: "node".into(),
        since: Some("2 h ago".into()),
        runs: Some("dist/server.js".into()),
        is_container: false,
        started_by: Vec::new(),
        started: Vec::new(),
        language: Language::Node,
        loading,
        variables: Ok(pairs.iter().copied().collect()),
        connected: Vec::new(),
    }
}

fn to(variable: Option<&'static str>, endpoint: &str, grpc: Option<bool>, reach: Reach) -> Destination {
    let port = look::port_of(endpoint).unwrap();
    Destination { variable, endpoint: endpoint.into(), port, loopback: true, grpc, reach }
}

/// A service with these variables that listens where it should, beside a stack that is up.
fn facts(pairs: &[(&str, &str)], loading: Loading) -> Facts {
    Facts {
        url: URL.into(),
        port: 3000,
        here: true,
        reach: Reach::Open,
        process: Some(node(pairs, loading)),
        receiver: Some(receiver()),
        ..Facts::default()
    }
}

fn silent() -> Measured {
    Measured { asked: Asked::Answered(404), watched: true, waited_ms: 12_000, now_ns: 300_000_000_000, ..Measured::default() }
}

fn seen(after_ms: u64) -> SpanSeen {
    SpanSeen { service: "shop-api".into(), instance: "a".into(), pid: None, after_ms, server: true, continued: true }
}

fn arrived(after_ms: u64) -> Measured {
    Measured { span: Some(seen(after_ms)), ..silent() }
}

fn sender(instance: &str, first_s: u64, last_s: u64) -> Sender {
    let at = |seconds| seconds * 1_000_000_000;
    let spans = Seen { count: 3, first_ns: at(first_s), last_ns: at(last_s) };
    Sender { service: "shop-api".into(), instance: instance.into(), spans, ..Sender::default() }
}

fn find<'a>(examined: &'a Examination, code: &str) -> &'a Check {
    examined.checks().find(|check| check.code == code).unwrap_or_else(|| panic!("no {code} in {examined:#?}"))
}

#[track_caller]
fn finds(facts: Facts, code: &str, level: Level, words: &str) -> Examination {
    let examined = Examination::of(facts);
    let check = find(&examined, code);
    assert!(check.level == level && check.message.contains(words), "{level:?} {words:?}: {check:?}");
    assert!(level == Level::Ok || check.fix.is_some(), "{check:?} says what to do");
    examined
}

#[track_caller]
fn has_not(facts: Facts, code: &str) {
    let examined = Examination::of(facts);
    assert!(examined.checks().all(|check| check.code != code), "{code} in {examined:#?}");
}

#[test]
fn nothing_listens_or_elsewhere_than_the_url_leads() {
    let nobody = Facts { process: None, reach: Reach::Refused, ..facts(&[], Loading::Nothing) };
    let examined = finds(nobody, "target.listens", Level::Broken, "nothing listens at http://localhost:3000");
    assert_eq!(examined.sentences().lines.len(), 1);
    let other = Facts { reach: Reach::Refused, ..facts(&[], Loading::Nothing) };
    finds(other, "target.listens", Level::Broken, "node dist/server.js (pid 812) listens on port 3000, but not where");
    let hidden = Facts { process: None, ..facts(&[], Loading::Nothing) };
    finds(hidden, "target.process", Level::Attention, "a process that this user may not see");
    let far = Facts { process: None, here: false, ..facts(&[], Loading::Nothing) };
    finds(far, "target.process", Level::Attention, "on another machine");
}

#[test]
fn what_switches_telemetry_off_is_broken_unless_spans_come() {
    for (name, value, code) in [
        ("OTEL_SDK_DISABLED", "true", "otel.disabled"),
        ("OTEL_ENABLED", "false", "otel.disabled"),
        ("OTEL_TRACES_EXPORTER", "none", "otel.exporter"),
        ("OTEL_TRACES_SAMPLER", "always_off", "otel.sampler"),
    ] {
        let told = facts(&[(name, value)], Loading::ByVariable);
        let examined = finds(told.clone(), code, Level::Broken, name);
        assert!(examined.sentences().lines[0].contains(name), "{:?}", examined.sentences());
        let disproved = Facts { measured: Some(arrived(20)), ..told };
        finds(disproved, code, Level::Attention, "; spans arrive nevertheless");
    }
    // What is certain is not joined by what is only possible.
    let disabled = Facts { measured: Some(silent()), ..facts(&[("OTEL_SDK_DISABLED", "true")], Loading::OwnModule) };
    has_not(disabled, "target.instrumentation");
    let enabled = Facts { measured: Some(silent()), ..facts(&[], Loading::OwnModule) };
    finds(enabled, "target.instrumentation", Level::Attention, "a module of its own");
    // A sampler that obeys its parent takes what a replay sends.
    let parent = facts(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], Loading::ByVariable);
    finds(parent, "otel.sampler", Level::Attention, "every trace that begins here");
    let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    finds(facts(&ratio, Loading::ByVariable), "otel.sampler", Level::Broken, "every trace");
}

#[test]
fn ports_are_held_against_the_stack_and_the_language() {
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let swapped = facts(&[(ENDPOINT, "http://localhost:4317")], Loading::ByVariable);
    finds(swapped, "otel.port", Level::Broken, "speaks HTTP to the gRPC port");
    // The stack may be on other ports.
    let mut other =
        facts(&[(ENDPOINT, "http://localhost:5317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], Loading::ByVariable);
    other.receiver =
        Some(Receiver { otlp_http: "http://127.0.0.1:5318".into(), otlp_grpc: "http://127.0.0.1:5317".into(), ..receiver() });
    let examined = finds(other, "otel.port", Level::Broken, "speaks HTTP to the gRPC port");
    assert!(find(&examined, "otel.port").fix.as_deref().unwrap().ends_with("http://localhost:5318"));
    // Python speaks gRPC where nothing says otherwise; of a program of its own nobody knows.
    let mut python = facts(&[(ENDPOINT, "http://localhost:4317")], Loading::ByVariable);
    python.process.as_mut().unwrap().language = Language::Python;
    has_not(python.clone(), "otel.port");
    python.process.as_mut().unwrap().variables = Ok([(ENDPOINT, "http://localhost:4318")].into_iter().collect());
    finds(python.clone(), "otel.port", Level::Broken, "speaks gRPC to the HTTP port");
    python.process.as_mut().unwrap().language = Language::Binary;
    has_not(python, "otel.port");
    let doubled = facts(&[(ENDPOINT, "http://localhost:4318/v1/traces")], Loading::ByVariable);
    finds(doubled, "otel.path", Level::Broken, "must be the base");
    let unknown = facts(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuff")], Loading::ByVariable);
    finds(unknown, "otel.protocol", Level::Attention, "is not a protocol; did you mean http/protobuf?");
}

#[test]
fn an_endpoint_that_refuses_or_is_not_this_stacks() {
    let variable = Some("OTEL_EXPORTER_OTLP_ENDPOINT");
    let with = |to| Facts { traces_to: Some(to), ..facts(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "x")], Loading::ByVariable) };
    let refused = with(to(variable, "http://127.0.0.1:4319", Some(false), Reach::Refused));
    let examined = finds(refused, "target.endpoint", Level::Broken, "=http://127.0.0.1:4319, where nobody listens");
    assert_eq!(
        find(&examined, "target.endpoint").fix.as_deref(),
        Some("export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318")
    );
    let other = with(to(variable, "http://127.0.0.1:9999", Some(false), Reach::Open));
    let examined = finds(other, "target.endpoint", Level::Broken, "which is not the receiver of the stack that is up");
    assert_eq!(examined.lists[0].lines[1].told, Told::No);
    let right = with(to(variable, "http://127.0.0.1:4318", Some(false), Reach::Open));
    assert_eq!(Examination::of(right.clone()).lists[0].lines[1].told, Told::Yes);
    has_not(right, "target.endpoint");
    // The default counts where OpenTelemetry is certainly loaded; else the code may name another.
    let default = || to(None, "http://localhost:4318", Some(false), Reach::Refused);
    finds(with(default()), "target.endpoint", Level::Broken, "no endpoint is set, so that it exports to http://localhost:4318");
    let mut code = with(default());
    code.process.as_mut().unwrap().loading = Loading::OnlyPackages;
    has_not(code.clone(), "target.endpoint");
    code.measured = Some(silent());
    finds(code, "target.endpoint", Level::Attention, "unless its code names one");
}

#[test]
fn no_instrumentation_is_certain_only_when_nothing_came() {
    let code = "target.instrumentation";
    let with = |loading, measured| Facts { measured, ..facts(&[], loading) };
    finds(with(Loading::Nothing, None), code, Level::Attention, "seems");
    let examined = finds(with(Loading::Nothing, Some(silent())), code, Level::Broken, "no instrumentation is loaded");
    assert!(examined.sentences().hint.unwrap().contains("auto-instrumentations-node/register"));
    let mut wrong = with(Loading::Nothing, Some(silent()));
    wrong.process.as_mut().unwrap().variables =
        Ok([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")].into_iter().collect());
    let examined = finds(wrong, "otel.port", Level::Broken, "speaks HTTP to the gRPC port");
    assert!(examined.sentences().lines[0].starts_with("no instrumentation is loaded"), "{:?}", examined.sentences());
    finds(with(Loading::OnlyPackages, Some(silent())), code, Level::Attention, "the code may");
    finds(with(Loading::OwnModule, Some(silent())), code, Level::Attention, "may set OpenTelemetry up");
    finds(with(Loading::ByVariable, Some(silent())), code, Level::Ok, "loads OpenTelemetry");
    has_not(with(Loading::Nothing, Some(arrived(3))), code);
    let mut connected = with(Loading::InCode, Some(silent()));
    finds(connected.clone(), code, Level::Attention, "may set up no instrumentation");
    connected.process.as_mut().unwrap().connected = vec![4318];
    has_not(connected, code);
}

#[test]
fn a_long_delay_is_told_by_variables_and_by_measurement() {
    let code = "target.delay";
    let slow = [("OTEL_BSP_SCHEDULE_DELAY", "5000")];
    finds(facts(&slow, Loading::ByVariable), code, Level::Attention, "OTEL_BSP_SCHEDULE_DELAY is a second or more");
    finds(facts(&[], Loading::ByVariable), code, Level::Attention, "is not set: spans may come 5 s late");
    has_not(facts(&[], Loading::Nothing), code);
    has_not(facts(&[("OTEL_BSP_SCHEDULE_DELAY", "50")], Loading::ByVariable), code);
    has_not(facts(&[("OTEL_DEBUG", "true"), slow[0]], Loading::ByVariable), code);
    let late = Facts { measured: Some(arrived(4900)), ..facts(&[], Loading::ByVariable) };
    finds(late.clone(), code, Level::Attention, "its spans come up to 4.9 s after their end; OTEL_BSP_SCHEDULE_DELAY is not set");
    assert_eq!(Examination::of(late).checks().filter(|check| check.code == code).count(), 1);
    // One quick span may have been lucky, five were not.
    let quick = |count| {
        let mut measured = arrived(20);
        measured.senders = vec![Sender { spans: Seen { count, ..Seen::default() }, ..sender("a", 1, 2) }];
        Facts { measured: Some(measured), ..facts(&[], Loading::ByVariable) }
    };
    finds(quick(1), code, Level::Attention, "may come 5 s late");
    has_not(quick(5), code);
}

#[test]
fn silence_says_what_else_came() {
    let code = "target.spans";
    let with = |change: fn(&mut Measured)| {
        let mut measured = silent();
        change(&mut measured);
        Facts { measured: Some(measured), ..facts(&[], Loading::InCode) }
    };
    finds(with(|_| {}), code, Level::Broken, "no span of a control request (answered 404) came within 12.0 s");
    let metrics = with(|measured| measured.others_came = true);
    let examined = finds(metrics, code, Level::Broken, "while its metrics or logs do: no span is sampled");
    assert!(examined.sentences().lines[0].contains("no span is sampled"));
    finds(with(|measured| measured.senders = vec![sender("a", 1, 2)]), code, Level::Attention, "3 spans of shop-api came before");
    let rejected = with(|measured| measured.rejected = vec!["gRPC came to the HTTP port".into(); 3]);
    let examined = finds(rejected, "target.rejected", Level::Broken, "gRPC came to the HTTP port");
    assert!(examined.sentences().lines[0].contains("gRPC came"), "{:?}", examined.sentences());
    let told = examined.checks().filter(|check| check.code == "target.rejected").count();
    assert_eq!(told, 1, "the same reason is told once");
    let signals = with(|measured| {
        measured.rejected = ["metrics", "traces"].map(|of| format!("POST /v1/{of} came over HTTP: this port speaks gRPC")).into();
    });
    let examined = finds(signals, "target.rejected", Level::Broken, "POST /v1/traces came over HTTP");
    let told = examined.checks().filter(|check| check.code == "target.rejected").count();
    assert_eq!(told, 1, "and for traces, not for every signal");
}

#[test]
fn names_instances_context_and_clocks() {
    let with = |change: fn(&mut Measured)| {
        let mut measured = arrived(20);
        change(&mut measured);
        Facts { measured: Some(measured), ..facts(&[], Loading::InCode) }
    };
    finds(
        with(|it| it.span.as_mut().unwrap().service = "unknown_service:node".into()),
        "target.name",
        Level::Attention,
        "no name",
    );
    let both = with(|it| it.senders = vec![sender("a", 200, 299), sender("b", 250, 300)]);
    finds(both, "target.instances", Level::Attention, "2 processes send as shop-api at the same time: instance a, instance b");
    has_not(with(|it| it.senders = vec![sender("a", 200, 240), sender("b", 250, 300)]), "target.instances");
    has_not(with(|it| it.senders = vec![sender("a", 10, 90), sender("b", 50, 60)]), "target.instances");
    let context = with(|it| it.span.as_mut().unwrap().continued = false);
    let examined = finds(context, "target.context", Level::Broken, "began a trace of its own");
    assert!(examined.sentences().hint.unwrap().contains("OTEL_PROPAGATORS"));
    finds(with(|it| it.clock_ahead = Some(-90)), "target.clock", Level::Attention, "90 s behind");
    finds(
        with(|it| it.asked = Asked::NotHttp("garbage".into())),
        "target.http",
        Level::Broken,
        "does not answer over HTTP: garbage",
    );
}

#[test]
fn a_process_that_was_killed_is_the_first_cause_after_a_rejection() {
    let exit = |how| Exit { name: "api".into(), pid: 7, how };
    let mut all = facts(&[("OTEL_SDK_DISABLED", "true")], Loading::ByVariable);
    all.known_exits = vec![exit(ExitHow::Signal(9))];
    let examined = finds(all.clone(), "target.exit", Level::Broken, "api (pid 7) was killed (SIGKILL)");
    assert!(examined.sentences().lines[0].starts_with("api (pid 7) was killed"), "{:?}", examined.sentences());
    all.known_exits = vec![exit(ExitHow::Code(1))];
    finds(all, "target.exit", Level::Attention, "exit code 1");
}

#[test]
fn without_a_stack_it_says_that_nothing_was_measured() {
    let alone = Facts { receiver: None, ..facts(&[], Loading::ByVariable) };
    let examined = finds(alone, "target.stack", Level::Attention, "no stack is up: not measured");
    assert!(examined.lists[1].lines.iter().all(|line| line.told == Told::Unknown && line.because == "not measured"));
    let mut hidden = facts(&[], Loading::NothingSeen);
    hidden.process.as_mut().unwrap().variables = Err(NotTold::System);
    finds(hidden, "target.variables", Level::Attention, "shows the variables of a process to nobody");
}

#[test]
fn no_cause_is_said_to_be_none() {
    let said =
        Examination::of(Facts { measured: Some(arrived(5)), ..facts(&[("OTEL_BSP_SCHEDULE_DELAY", "50")], Loading::InCode) });
    let said = said.sentences();
    assert_eq!(said.lines, ["no cause was found in the process behind http://localhost:3000"]);
}

#[test]
fn the_second_list_is_answered_by_the_traces() {
    let with = |propagation| {
        let measured = Measured { propagation, ..arrived(20) };
        let examined = Examination::of(Facts { measured: Some(measured), ..facts(&[], Loading::InCode) });
        examined.lists[1].lines.iter().map(|line| line.told).collect::<Vec<_>>()
    };
    let whole = Propagation { traces: 2, sent: 3, produced: 1, continued: 3, consumed: 1, ..Propagation::default() };
    assert_eq!(with(whole), [Told::Yes, Told::Yes, Told::Yes]);
    let lost = super::Lost { from: "send".into(), service: "worker".into(), root: "run".into() };
    let lost = Propagation { traces: 2, sent: 1, produced: 1, lost: vec![lost], ..Propagation::default() };
    assert_eq!(with(lost), [Told::No, Told::No, Told::No]);
    let alone = Propagation { traces: 1, consumed: 2, consumed_alone: 1, ..Propagation::default() };
    assert_eq!(with(alone), [Told::Unknown, Told::No, Told::Yes]);
    assert_eq!(with(Propagation::default()), [Told::Unknown; 3]);
}

#[test]
fn no_value_but_an_endpoint_is_repeated() {
    let endpoint = format!("http://me:{SECRET}@127.0.0.1:4317/");
    let header = format!("authorization=Bearer {SECRET}");
    let options = format!("--require ./{SECRET}.js");
    let pairs = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", &header),
        ("OTEL_SERVICE_NAME", SECRET),
        ("OTEL_TRACES_SAMPLER", SECRET),
        ("NODE_OPTIONS", &options),
    ];
    for measured in [None, Some(silent())] {
        let examined = Examination::of(Facts { measured, ..facts(&pairs, Loading::OwnModule) });
        assert!(find(&examined, "target.variables").message.contains("OTEL_SERVICE_NAME"));
        let all = format!("{examined:?} {} {:?}", examined.to_json(), examined.sentences());
        assert!(!all.contains(SECRET), "{all}");
    }
    assert!(look::is_wanted("OTEL_X") && !look::is_wanted("AWS_SECRET_ACCESS_KEY"));
}

#[test]
fn the_delay_is_the_standards_before_the_guides() {
    let of = |pairs: &[(&str, &str)]| told::delay_of(&pairs.iter().copied().collect::<Variables>());
    assert_eq!(of(&[]), told::Delay::Unset);
    assert_eq!(of(&[("OTEL_BSP_SCHEDULE_DELAY_MILLIS", "7")]), told::Delay::Set(7, "OTEL_BSP_SCHEDULE_DELAY_MILLIS"));
    assert_eq!(of(&[("OTEL_DEBUG", "TRUE")]), told::Delay::Immediate);
}
