//! The program: exit codes, both formats, and that they say the same.

use std::process::{Command, Output};

use super::Place;

const SECRET: &str = "s3cr3tT0k3nOfSomebody";

/// `devstack doctor` in a project of its own, in which nothing depends on the machine.
fn doctor(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let root = place.path();
    place.without_containers();
    Command::new(env!("CARGO_BIN_EXE_devstack"))
        .arg("doctor")
        .args(args)
        .current_dir(root)
        .env_clear()
        .envs([("XDG_STATE_HOME", root.as_os_str()), ("HOME", root.as_os_str())])
        .env("DOCKER_HOST", format!("unix://{}/none.sock", root.display()))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Without any space: sentences are wrapped to the terminal.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn an_engine_that_is_not_where_it_is_said_to_be_is_told_and_no_fault() {
    let place = Place::new();
    let output = doctor(&place, &[], &[]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    let root = place.path().display();
    let sentence = format!("! no Docker engine at unix://{root}/none.sock, which DOCKER_HOST names");
    assert!(squeezed(&out).starts_with(&squeezed(&sentence)), "{out}");
    assert!(out.contains("\n      fix: unset DOCKER_HOST\n"), "{out}");
    assert!(out.contains("\n  ✓ no OTEL_* variable is set\n"), "{out}");
    assert!(out.ends_with("need attention\n") || out.ends_with("needs attention\n"), "{out}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn what_does_not_work_ends_with_three() {
    let place = Place::new();
    let output = doctor(&place, &[], &[("DOCKER_HOST", "ssh://me@builder")]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{out}");
    assert!(out.starts_with("  ✗ cannot use the Docker engine at ssh://me@builder"), "{out}");
}

#[test]
fn without_utf_8_there_is_only_ascii() {
    let place = Place::new();
    let output = doctor(&place, &[], &[("LC_ALL", "C")]);
    let out = text(&output.stdout);
    assert!(out.is_ascii() && out.starts_with("  ! no Docker engine") && out.contains("\n  o state folder"), "{out}");
}

#[test]
fn json_says_what_the_text_says_and_neither_repeats_a_secret() {
    let place = Place::new();
    let header = format!("authorization: Bearer {SECRET}");
    let endpoint = format!("http://me:{SECRET}@127.0.0.1:1/v1/traces");
    let proxy = format!("http://me:{SECRET}@127.0.0.1:2");
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", header.as_str()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("HTTP_PROXY", &proxy),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let (drawn, json) = (doctor(&place, &[], &variables), doctor(&place, &["--format", "json"], &variables));
    let (drawn, json) = (text(&drawn.stdout), text(&json.stdout));
    assert!(!drawn.contains(SECRET), "{drawn}");
    assert!(!json.contains(SECRET), "{json}");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["version"], 1);
    let checks = report["checks"].as_array().unwrap();
    let codes: Vec<_> = checks.iter().map(|check| check["code"].as_str().unwrap()).collect();
    for code in ["engine", "otel.path", "otel.headers", "otel.proxy", "otel.reach", "state", "disk.state"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    let count = |level: &str| checks.iter().filter(|check| check["level"] == level).count();
    assert_eq!([&report["ok"], &report["attention"], &report["broken"]], [count("ok"), count("attention"), count("broken")]);
    for check in checks {
        let message = check["message"].as_str().unwrap();
        // A port may be taken or given back between the two calls, and the disk is written on.
        if !check["code"].as_str().unwrap().starts_with(['p', 'd']) {
            assert!(squeezed(&drawn).contains(&squeezed(message)), "{message:?} in {drawn}");
        }
    }
}

#[test]
fn a_stack_that_nobody_knows_is_wrong_usage() {
    let place = Place::new();
    let output = doctor(&place, &["--stack", "jager"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
