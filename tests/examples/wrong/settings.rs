//! Settings that keep every span away: of the worker alone, and of both services.

use serde_json::json;

use super::scene::{Scene, Settings, Shop, says_once};

/// Long enough for spans that come, and no longer than it takes to see that none do.
const DEADLINE: &str = "3s";

#[tokio::test(flavor = "multi_thread")]
async fn with_right_settings_replay_holds_and_doctor_has_nothing_to_say() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop(&[], &[]);
    let replayed = scene.replay(&shop, DEADLINE, &[]);
    assert_eq!(replayed.run.code, 0, "{}", replayed.run.out);
    let case = replayed.case();
    assert_eq!((&case["verdict"], &case["services"]), (&json!("held"), &json!(["api", "worker"])), "{case:#}");
    for service in [&shop.api, &shop.worker] {
        let run = scene.doctor(&service.url());
        assert_eq!(run.code, 0, "{}", run.out);
        says_once(&run, "4 checks, nothing to do");
    }
}

/// What both commands say of `wrong`, and the hint.
fn is_named(scene: &Scene, wrong: Settings<'_>, says: &str, fix: &str) {
    one_is_named(scene, &scene.shop(&[], wrong), says, fix);
    both_are_named(scene, &scene.shop(wrong, wrong), says, fix);
}

/// Of the worker, while the API is as it should be.
fn one_is_named(scene: &Scene, shop: &Shop, says: &str, fix: &str) {
    let replayed = scene.replay(shop, DEADLINE, &[]);
    assert_eq!(replayed.run.code, 1, "{}", replayed.run.out);
    let (case, worker) = (replayed.case(), shop.worker.url());
    let first = &case["findings"][0];
    assert_eq!((&case["verdict"], &case["services"]), (&json!("failed"), &json!(["api"])), "{case:#}");
    assert_eq!(first["headline"], format!("No span of worker came: {says}."), "{case:#}");
    assert_eq!(first["hint"], format!("{fix} (devstack doctor --target {worker} says more)"));
    replayed.says_once(says);
    doctor_names(scene, &worker, says, fix);
    let other = scene.doctor(&shop.api.url());
    assert!(other.code == 0 && !other.out.contains(fix), "{}", other.out);
}

/// Of both services, so that nothing comes at all.
fn both_are_named(scene: &Scene, shop: &Shop, says: &str, fix: &str) {
    let replayed = scene.replay(shop, DEADLINE, &[]);
    assert_eq!(replayed.run.code, 5, "{}", replayed.run.out);
    let (case, api) = (replayed.case(), shop.api.url());
    let only = &case["findings"][0];
    assert_eq!((&case["verdict"], case["findings"].as_array().unwrap().len()), (&json!("unobserved"), 1), "{case:#}");
    assert_eq!(only["details"], json!([format!("api and worker: {says}.")]), "{case:#}");
    assert_eq!(only["hint"], format!("{fix} (devstack doctor --target {api} says more)"));
    replayed.says_once(says);
}

fn doctor_names(scene: &Scene, url: &str, says: &str, fix: &str) {
    let run = scene.doctor(url);
    assert_eq!(run.code, 3, "{}", run.out);
    says_once(&run, &format!("✗ {says}\nfix: {fix}"));
    says_once(&run, "✗ no span of a control request (answered 404) came within");
    assert!(!run.out.contains("npm install"), "there is one thing to do: {}", run.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses() {
    let Some(scene) = Scene::open().await else { return };
    let fix = format!("export OTEL_EXPORTER_OTLP_ENDPOINT={}", scene.endpoint("http/protobuf"));
    let wrong = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
    is_named(&scene, &wrong, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9, where nobody listens", &fix);
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_that_are_swapped() {
    let Some(scene) = Scene::open().await else { return };
    let (http, grpc) = (scene.endpoint("http/protobuf"), scene.endpoint("grpc"));
    let to = |endpoint: &str| format!("export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}");
    let says = format!("OTEL_EXPORTER_OTLP_ENDPOINT={grpc} speaks HTTP to the gRPC port");
    is_named(&scene, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &grpc)], &says, &to(&http));
    let says = format!("OTEL_EXPORTER_OTLP_ENDPOINT={http} speaks gRPC to the HTTP port");
    is_named(&scene, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &says, &to(&grpc));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_that_is_wrong() {
    let Some(scene) = Scene::open().await else { return };
    let of_traces = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    let to = format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", scene.endpoint("http/protobuf"));
    let says = format!("{of_traces} makes it speak gRPC to the HTTP port, {to}");
    is_named(&scene, &[(of_traces, "grpc")], &says, &format!("unset {of_traces}"));

    // The SDK takes a protocol that there is not for HTTP: spans come, and it is worth a word.
    let shop = scene.shop(&[], &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http")]);
    let replayed = scene.replay(&shop, DEADLINE, &[]);
    assert_eq!(replayed.run.code, 0, "{}", replayed.run.out);
    let run = scene.doctor(&shop.worker.url());
    assert_eq!(run.code, 0, "{}", run.out);
    let fix = "fix: export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf";
    says_once(&run, &format!("! OTEL_EXPORTER_OTLP_PROTOCOL is not a protocol; did you mean http/protobuf?\n{fix}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_that_is_disabled() {
    let Some(scene) = Scene::open().await else { return };
    let says = "OTEL_SDK_DISABLED=true turns telemetry off";
    is_named(&scene, &[("OTEL_SDK_DISABLED", "true")], says, "unset OTEL_SDK_DISABLED");
    let says = "OTEL_TRACES_EXPORTER=none: no trace is exported";
    is_named(&scene, &[("OTEL_TRACES_EXPORTER", "none")], says, "unset OTEL_TRACES_EXPORTER");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampler_that_is_off() {
    let Some(scene) = Scene::open().await else { return };
    let says = "OTEL_TRACES_SAMPLER=always_off drops every trace";
    let fix = "unset OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG";
    is_named(&scene, &[("OTEL_TRACES_SAMPLER", "always_off")], says, fix);
}

/// Its packages are there, so that it may load them in its code: likely, and not certain.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_loads_no_instrumentation() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop_of(scene.bare_worker().start(), &[]);
    let replayed = scene.replay(&shop, DEADLINE, &[]);
    assert_eq!(replayed.run.code, 1, "{}", replayed.run.out);
    let says = "neither its command line nor NODE_OPTIONS loads OpenTelemetry; its packages are there, so that the code may";
    let case = replayed.case();
    assert_eq!(case["findings"][0]["headline"], "Nothing leads from api to worker.", "{case:#}");
    assert_eq!(case["findings"][1]["headline"], format!("No span of worker came: {says}."), "{case:#}");
    assert!(case["findings"][1]["hint"].as_str().unwrap().contains("auto-instrumentations-node/register"), "{case:#}");
    replayed.says_once(says);
    let run = scene.doctor(&shop.worker.url());
    assert_eq!(run.code, 3, "{}", run.out);
    says_once(&run, &format!("! {says}, and no span of the control request came"));
}
