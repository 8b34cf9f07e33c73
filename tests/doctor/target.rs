//! `doctor --target` as a program beside a stack that is up, at services that are real processes: right ones, misconfigured ones, and
//! what is no service at all.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

use serde_json::Value as Json;

use crate::{
    sandbox::Run,
    up::stand::{Killed, Stand, until},
};

const SECRET: &str = "s3cr3tT0k3nOfSomebody";

/// Names and values.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// A stack that is up on free ports.
struct Scene {
    stand: Stand,
    http: String,
    grpc: String,
}

/// A demo service in a process of its own.
struct Service {
    child: Killed,
    url: String,
}

impl Scene {
    fn up() -> Self {
        let stand = Stand::new();
        let up = stand.up(&["--runtime", "embedded"]);
        let address = |name: &str| up["note"][name].as_str().unwrap().to_owned();
        Self { http: address("otlp_http"), grpc: address("otlp_grpc"), stand }
    }

    /// `medicalcor-trigger` with these variables, and a delay that makes spans come at once.
    fn service(&self, variables: &[(&str, &str)]) -> Service {
        let mut command = self.stand.sandbox.command(&["demo", "medicalcor-trigger", "--externals-url", "http://127.0.0.1:9"]);
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().nth(1).unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
        Service { child: Killed(child), url }
    }

    fn examined(&self, url: &str) -> (Run, Json) {
        examined(&self.stand, url, &[])
    }

    /// As [`Scene::examined`], where nothing will come.
    fn silent(&self, url: &str) -> (Run, Json) {
        examined(&self.stand, url, &["--wait", "1"])
    }
}

fn examined(stand: &Stand, url: &str, more: &[&str]) -> (Run, Json) {
    let all: Vec<&str> = ["doctor", "--target", url, "--format", "json"].into_iter().chain(more.iter().copied()).collect();
    let run = stand.run(&all);
    let json = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    (run, json)
}

fn find<'a>(json: &'a Json, code: &str) -> &'a Json {
    let checks = json["checks"].as_array().unwrap();
    checks.iter().find(|check| check["code"] == code).unwrap_or_else(|| panic!("no {code} in {json:#}"))
}

#[track_caller]
fn says(json: &Json, code: &str, level: &str, words: &str) {
    let check = find(json, code);
    assert!(check["level"] == level && check["message"].as_str().unwrap().contains(words), "{level} {words:?}: {check:#}");
}

#[test]
fn a_service_whose_spans_come_has_nothing_broken() {
    let scene = Scene::up();
    let service = scene.service(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &scene.http)]);
    let (run, json) = scene.examined(&service.url);
    assert_eq!(run.code, 0, "{json:#}");
    says(&json, "target.spans", "ok", "its SERVER span of a control request came from medicalcor-trigger");
    assert_eq!(json["process"]["pid"], service.child.0.id());
    assert_eq!((&json["broken"], &json["measured"]["span"]["continued"]), (&0.into(), &true.into()));
    let answers: Vec<_> =
        json["lists"][0]["lines"].as_array().unwrap().iter().map(|line| line["told"].as_str().unwrap()).collect();
    assert_eq!(answers, ["yes", "yes", "yes", "yes"], "{json:#}");

    // A second one under the same name at the same time.
    let other = scene.service(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &scene.http)]);
    scene.examined(&other.url);
    until("both to have sent since the other began", || {
        scene.examined(&service.url);
        scene.examined(&other.url).1["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["code"] == "target.instances")
            .cloned()
    });
}

#[test]
fn each_wrong_setting_is_named() {
    let scene = Scene::up();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = format!("http://{nobody}");
    let doubled = format!("{}/v1/traces", scene.http);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", scene.http.as_str());
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let json = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    let cases: [(Variables<'_>, &str, &str); 7] = [
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", &refused)], "target.endpoint", "where nobody listens"),
        (&[endpoint, grpc], "otel.port", "speaks gRPC to the HTTP port"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", &scene.grpc), json], "otel.port", "speaks HTTP to the gRPC port"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", &doubled)], "otel.path", "must be the base"),
        (&[endpoint, ("OTEL_SDK_DISABLED", "true")], "otel.disabled", "OTEL_SDK_DISABLED=true"),
        (&[endpoint, ("OTEL_ENABLED", "false")], "otel.disabled", "OTEL_ENABLED=false"),
        (&[endpoint, ("OTEL_TRACES_SAMPLER", "always_off")], "otel.sampler", "drops every trace"),
    ];
    for (variables, code, words) in cases {
        let service = scene.service(variables);
        let (run, json) = scene.silent(&service.url);
        assert_eq!(run.code, 3, "{json:#}");
        if cfg!(target_os = "linux") {
            says(&json, code, "broken", words);
        }
        let check = find(&json, "target.spans");
        assert_eq!(check["level"], "broken", "{json:#}");
    }
}

#[test]
fn what_the_receiver_rejects_meanwhile_is_told_without_any_variable() {
    let scene = Scene::up();
    // The protocol is left to the program, so that only measuring shows it.
    let service = scene.service(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &scene.grpc)]);
    let (_, json) = scene.silent(&service.url);
    says(&json, "target.rejected", "broken", "came over HTTP to the gRPC port");
}

#[test]
fn a_sampler_that_drops_shows_by_metrics_without_spans() {
    let scene = Scene::up();
    let service = scene.service(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &scene.http),
        ("OTEL_SERVICE_NAME", "medicalcor-trigger"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ]);
    let told = until("metrics of it to come", || {
        let (_, json) = scene.silent(&service.url);
        (json["measured"]["others_came"] == true).then_some(json)
    });
    says(&told, "target.spans", "broken", "while its metrics or logs do");
}

#[test]
fn no_service_no_http_and_no_instrumentation() {
    let scene = Scene::up();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (run, json) = scene.examined(&format!("http://{free}"));
    assert_eq!(run.code, 3);
    says(&json, "target.listens", "broken", "nothing listens at http://127.0.0.1:");

    // One that reads and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut &stream, &mut [0; 64]);
            let _ = std::io::Write::write_all(&mut &stream, b"220 mail.example.com ESMTP\r\n");
        }
    });
    let (run, json) = scene.examined(&format!("http://{at}"));
    assert_eq!(run.code, 3);
    says(&json, "target.http", "broken", "does not answer over HTTP");

    let Some((python, url)) = http_server() else { return };
    let (run, json) = scene.silent(&url);
    assert_eq!(run.code, 3, "{json:#}");
    assert_eq!((&json["process"]["language"], &json["process"]["pid"]), (&"python".into(), &python.0.id().into()));
    assert_eq!(json["process"]["runs"], "-m http.server");
    says(&json, "target.instrumentation", "attention", "only its code could, and no span of the control request came");
    says(&json, "target.spans", "broken", "no span of a control request (answered 404)");
}

/// Python's own server, which knows nothing of tracing.
fn http_server() -> Option<(Killed, String)> {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "CI has python3");
        return None;
    };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // Serving HTTP on 127.0.0.1 port 35719 (http://127.0.0.1:35719/) ...
    let url = line.split(['(', ')']).nth(1).unwrap_or_else(|| panic!("no address in `{line}`")).trim_end_matches('/').to_owned();
    Some((Killed(child), url))
}

#[test]
fn without_a_stack_only_the_process_is_told_and_no_secret_is() {
    let stand = Stand::new();
    let scene = Scene { stand, http: String::new(), grpc: String::new() };
    let endpoint = format!("http://me:{SECRET}@127.0.0.1:1/v1/traces");
    let header = format!("authorization=Bearer {SECRET}");
    let service = scene.service(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", &header),
        ("OTEL_RESOURCE_ATTRIBUTES", &format!("team={SECRET}")),
        ("SOME_PASSWORD", SECRET),
    ]);
    let (run, json) = scene.examined(&service.url);
    assert!(!run.out.contains(SECRET) && !run.out.contains("SOME_PASSWORD"), "{}", run.out);
    says(&json, "target.stack", "attention", "no stack is up: not measured");
    assert_eq!(json["measured"]["watched"], false);
    let text = scene.stand.run(&["doctor", "--target", &service.url]);
    assert!(!text.out.contains(SECRET) && text.out.contains("not measured"), "{}", text.out);
    assert!(text.out.lines().filter(|line| !line.contains("fix: ")).all(|line| line.chars().count() <= 80), "{}", text.out);
    if cfg!(target_os = "linux") {
        says(&json, "otel.path", "broken", "http://***@127.0.0.1:1/v1/traces must be the base");
    }
}

#[test]
fn a_url_that_is_none_is_wrong_usage() {
    let stand = Stand::new();
    for url in ["localhost:3000", "ftp://localhost", "http://"] {
        let run = stand.run(&["doctor", "--target", url]);
        assert_eq!(run.code, 2, "{url}: {}", run.err);
        assert!(run.err.contains("is not the URL of a service"), "{}", run.err);
    }
    assert_eq!(stand.run(&["doctor", "--wait", "2"]).code, 2);
}
