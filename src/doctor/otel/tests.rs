//! Every mistake in `OTEL_*` that is known, the right way beside it, and that no secret is ever repeated.

use proptest::prelude::*;

use super::{summed_up, variables};
use crate::support::env::Map;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// Code, sentence and fix of every finding in an environment.
fn found(pairs: &[(&str, &str)]) -> Vec<(&'static str, String, String)> {
    let checks = variables(&pairs.iter().copied().collect::<Map>());
    checks.into_iter().map(|check| (check.code, check.message, check.fix.expect("every finding has a fix"))).collect()
}

/// The one finding.
#[track_caller]
fn only(pairs: &[(&str, &str)]) -> (&'static str, String, String) {
    let found = found(pairs);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

#[track_caller]
fn finds(pairs: &[(&str, &str)], code: &str, words: &str, fix: &str) {
    let (found, message, fixed) = only(pairs);
    assert_eq!((found, message.as_str(), fixed.as_str()), (code, words, fix));
}

#[track_caller]
fn finds_nothing(pairs: &[(&str, &str)]) {
    assert_eq!(found(pairs), []);
}

#[test]
fn the_port_of_the_other_protocol() {
    let fix = format!("export {ENDPOINT}=http://localhost:4318");
    let words = format!("{ENDPOINT}=http://localhost:4317 speaks HTTP to the gRPC port");
    finds(&[(ENDPOINT, "http://localhost:4317")], "otel.port", &words, &fix);
    finds(&[(ENDPOINT, "http://localhost:4317"), (PROTOCOL, "http/json")], "otel.port", &words, &fix);
    finds(
        &[(ENDPOINT, "http://localhost:4318"), (PROTOCOL, "grpc")],
        "otel.port",
        &format!("{ENDPOINT}=http://localhost:4318 speaks gRPC to the HTTP port"),
        &format!("export {ENDPOINT}=http://localhost:4317"),
    );
    finds(
        &[(TRACES, "http://localhost:4317"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"), (ENDPOINT, "http://localhost:4317")],
        "otel.port",
        &words,
        &fix,
    );
    finds_nothing(&[(ENDPOINT, "http://localhost:4318")]);
    finds_nothing(&[(ENDPOINT, "http://localhost:4317"), (PROTOCOL, "grpc")]);
    let of_traces = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    finds(
        &[(ENDPOINT, "http://localhost:4318"), (PROTOCOL, "http/protobuf"), (of_traces, "grpc")],
        "otel.port",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL makes it speak gRPC to the HTTP port, OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318",
        "unset OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    );
    finds_nothing(&[(ENDPOINT, "http://localhost:4317"), (PROTOCOL, "grpc"), (of_traces, "grpc")]);
    finds_nothing(&[(ENDPOINT, "https://collector.example")]);
}

#[test]
fn paths_that_do_not_belong_to_a_base() {
    let fix = format!("export {ENDPOINT}=http://localhost:4318");
    finds(
        &[(ENDPOINT, "http://localhost:4318/")],
        "otel.path",
        &format!("{ENDPOINT}=http://localhost:4318/ ends in a slash, which some exporters double to //v1/traces"),
        &fix,
    );
    for path in ["/v1/traces", "/v1/metrics/", "/v1/logs"] {
        let (code, _, fixed) = only(&[(ENDPOINT, &format!("http://localhost:4318{path}"))]);
        assert_eq!((code, fixed.as_str()), ("otel.path", fix.as_str()));
    }
    let (_, _, fixed) = only(&[(ENDPOINT, "https://collector.example/otlp/v1/traces")]);
    assert_eq!(fixed, format!("export {ENDPOINT}=https://collector.example/otlp"));
    finds_nothing(&[(ENDPOINT, "https://collector.example/otlp")]);
    finds_nothing(&[(TRACES, "http://localhost:4318/v1/traces")]);
    finds(
        &[(TRACES, "http://localhost:4318")],
        "otel.path",
        &format!("{TRACES}=http://localhost:4318 lacks /v1/traces: the endpoint of one signal is used as it is"),
        &format!("export {TRACES}=http://localhost:4318/v1/traces"),
    );
}

#[test]
fn two_mistakes_are_two_findings_with_the_one_value_that_has_neither() {
    let found = found(&[(ENDPOINT, "https://127.0.0.1:4317/v1/traces")]);
    let codes: Vec<_> = found.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["otel.port", "otel.scheme", "otel.path"]);
    assert!(found.iter().all(|(.., fix)| *fix == format!("export {ENDPOINT}=http://127.0.0.1:4318")), "{found:?}");
}

#[test]
fn schemes() {
    finds(
        &[(ENDPOINT, "localhost:4318")],
        "otel.scheme",
        &format!("{ENDPOINT}=localhost:4318 has no scheme"),
        &format!("export {ENDPOINT}=http://localhost:4318"),
    );
    let (code, words, _) = only(&[(ENDPOINT, "the usual place, password hunter2")]);
    assert_eq!((code, words), ("otel.scheme", format!("{ENDPOINT} is not a URL with http:// or https://")));
    let (code, ..) = only(&[(ENDPOINT, "https://localhost:4318")]);
    assert_eq!(code, "otel.scheme");
}

#[test]
fn headers_are_pairs() {
    let fix = format!("export {HEADERS}='name=value,other-name=value'");
    finds(
        &[(HEADERS, r#"{"authorization":"x"}"#)],
        "otel.headers",
        &format!("{HEADERS} is JSON; exporters drop it or refuse to start"),
        &fix,
    );
    let (_, words, _) = only(&[(HEADERS, "authorization: Bearer x")]);
    assert_eq!(words, format!("{HEADERS} has an entry that is not `key=value`; exporters drop it or refuse to start"));
    assert_eq!(only(&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "\"a=b\"")]).0, "otel.headers");
    finds_nothing(&[(HEADERS, "authorization=Bearer%20x, x-tenant=1,")]);
}

#[test]
fn protocols_that_are_none() {
    let meant = |text| only(&[(PROTOCOL, text)]).2.rsplit_once('=').unwrap().1.to_owned();
    assert_eq!(["http", "protobuf", "http/protobufs", "htp"].map(meant), ["http/protobuf"; 4]);
    assert_eq!(["GRPC", "grcp", "rpc"].map(meant), ["grpc"; 3]);
    assert_eq!(meant("http/jsn"), "http/json");
    let (code, words, _) = only(&[(PROTOCOL, "grcp")]);
    assert_eq!((code, words), ("otel.protocol", format!("{PROTOCOL} is not a protocol; did you mean grpc?")));
    let (_, words, _) = only(&[(PROTOCOL, "xyzzy")]);
    assert_eq!(words, format!("{PROTOCOL} is not a protocol"));
    for right in ["grpc", "http/protobuf", "http/json"] {
        finds_nothing(&[(PROTOCOL, right)]);
    }
}

#[test]
fn samplers_that_drop_everything() {
    let (sampler, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let fix = "unset OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG";
    finds(&[(sampler, "always_off")], "otel.sampler", "OTEL_TRACES_SAMPLER=always_off drops every trace", fix);
    let words = "OTEL_TRACES_SAMPLER=parentbased_always_off drops every trace that begins here";
    finds(&[(sampler, "parentbased_always_off")], "otel.sampler", words, fix);
    let words = "OTEL_TRACES_SAMPLER=traceidratio with OTEL_TRACES_SAMPLER_ARG=0 drops every trace that begins here";
    finds(&[(sampler, "traceidratio"), (arg, "0.0")], "otel.sampler", words, fix);
    finds(
        &[(sampler, "traceidratio"), (arg, "half")],
        "otel.sampler",
        "OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1",
        fix,
    );
    let (_, words, fix) = only(&[(sampler, "allways_on")]);
    assert_eq!(words, "OTEL_TRACES_SAMPLER is not a sampler; did you mean always_on?");
    assert_eq!(fix, "export OTEL_TRACES_SAMPLER=always_on");
    finds_nothing(&[(sampler, "parentbased_traceidratio"), (arg, "0.5")]);
    finds_nothing(&[(sampler, "traceidratio")]);
}

#[test]
fn switches_that_turn_it_off() {
    finds(
        &[("OTEL_SDK_DISABLED", "TRUE")],
        "otel.disabled",
        "OTEL_SDK_DISABLED=true turns telemetry off",
        "unset OTEL_SDK_DISABLED",
    );
    finds(&[("OTEL_ENABLED", "false")], "otel.disabled", "OTEL_ENABLED=false turns telemetry off", "unset OTEL_ENABLED");
    finds_nothing(&[("OTEL_SDK_DISABLED", "false"), ("OTEL_ENABLED", "true")]);
}

#[test]
fn exporters_and_propagators() {
    let exporter = "OTEL_TRACES_EXPORTER";
    finds(
        &[(exporter, "none")],
        "otel.exporter",
        "OTEL_TRACES_EXPORTER=none: no trace is exported",
        "unset OTEL_TRACES_EXPORTER",
    );
    let words = "OTEL_TRACES_EXPORTER does not name otlp: traces go elsewhere";
    finds(&[(exporter, "console")], "otel.exporter", words, "unset OTEL_TRACES_EXPORTER");
    assert_eq!(only(&[(exporter, "oltp")]).2, "export OTEL_TRACES_EXPORTER=otlp");
    finds_nothing(&[(exporter, "console, otlp")]);
    let words = "OTEL_PROPAGATORS does not name tracecontext: traces end at this service";
    finds(&[("OTEL_PROPAGATORS", "b3")], "otel.propagators", words, "export OTEL_PROPAGATORS=tracecontext,baggage");
    finds_nothing(&[("OTEL_PROPAGATORS", "b3, tracecontext")]);
}

#[test]
fn proxies_without_an_exception_for_loopback() {
    let words = "HTTP_PROXY is set without NO_PROXY for loopback: some exporters send telemetry there";
    let fix = r#"export NO_PROXY="localhost,127.0.0.1,::1" && export no_proxy="$NO_PROXY""#;
    finds(&[("HTTP_PROXY", "http://proxy:3128")], "otel.proxy", words, fix);
    let (_, words, fix) = only(&[("http_proxy", "http://proxy:3128"), ("no_proxy", ".example,localhost")]);
    assert_eq!(words, "http_proxy is set, and no_proxy does not except 127.0.0.1: some exporters send telemetry there");
    assert_eq!(fix, r#"export NO_PROXY="$no_proxy,localhost,127.0.0.1,::1" && export no_proxy="$NO_PROXY""#);
    for exceptions in ["*", "localhost,127.0.0.1", "localhost, 127.0.0.0/8"] {
        finds_nothing(&[("ALL_PROXY", "http://proxy:3128"), ("NO_PROXY", exceptions)]);
    }
    finds_nothing(&[("HTTPS_PROXY", "http://proxy:3128")]);
}

#[test]
fn without_a_finding_there_is_one_line() {
    let line = |pairs: &[(&str, &str)]| {
        let env: Map = pairs.iter().copied().collect();
        summed_up(&env, variables(&env), Vec::new()).into_iter().map(|check| check.message).collect::<Vec<_>>()
    };
    assert_eq!(line(&[]), ["no OTEL_* variable is set"]);
    assert_eq!(line(&[(ENDPOINT, "http://localhost:4318")]), ["the OTEL_* variable that is set has no known mistake"]);
    assert_eq!(line(&[(PROTOCOL, "grpc"), (HEADERS, "a=b")]), ["the 2 OTEL_* variables that are set have no known mistake"]);
    assert_eq!(line(&[("OTEL_ENABLED", "false")]), ["OTEL_ENABLED=false turns telemetry off"]);
}

proptest! {
    /// Whatever is written around a secret, right or wrong, it is in no sentence, fix or detail.
    #[test]
    fn no_secret_is_repeated(
        secret in "[a-zA-Z0-9]{14}",
        before in r#"[a-zA-Z{}":=, \[%-]{0,12}"#,
        after in r#"[a-zA-Z{}":=, \]%@/#?]{0,12}"#,
        password in r"[a-z/@:]{0,3}",
    ) {
        let value = format!("{before}{secret}{after}");
        let inside = format!("http://user:{password}{secret}{password}@collector:4317/v1/traces?key={secret}");
        let names = [
            "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
            "OTEL_TRACES_EXPORTER", "OTEL_PROPAGATORS", "HTTP_PROXY", "NO_PROXY",
        ];
        let pairs = names.iter().map(|name| (*name, value.as_str()));
        let env: Map = pairs.chain([(ENDPOINT, inside.as_str()), (TRACES, inside.as_str())]).collect();
        let checks = summed_up(&env, variables(&env), Vec::new());
        let text = serde_json::to_string(&checks).unwrap();
        prop_assert!(!text.contains(&secret), "{text}");
    }
}
