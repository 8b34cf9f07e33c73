//! `devstack env` as a program, beside the lock and the note of a stack whose supervisor is this test.

use std::{fs, io::Write as _, process::Command};

use devstack::{
    runtime::{NOTE_FILE, NOTE_VERSION},
    support::process,
};
use serde_json::{Value, json};

use super::Place;

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn env(place: &Place, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
    command.arg("env").args(args).current_dir(place.path()).env_clear().env("XDG_STATE_HOME", place.path());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A project whose stack is up as long as this is there: the lock is held, and the note says where everything is.
struct Up {
    place: Place,
    _lock: fs::File,
}

fn up(network: Option<&str>) -> Up {
    let place = Place::new();
    let pid = std::process::id();
    let note = json!({
        "version": NOTE_VERSION, "build": "", "pid": pid, "pid_started": process::started(pid).unwrap(), "since": 0,
        "runtime": "docker", "stack": "default", "digest": "", "control": "", "otlp_grpc": "http://127.0.0.1:4317",
        "otlp_http": "http://127.0.0.1:4318", "ledger": "", "judge": "ledger", "store": null, "prometheus": null,
        "grafana": null, "hops": [], "components": {}, "network": network, "demo": null,
    });
    let state = place.project().state().unwrap().to_owned();
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join(NOTE_FILE), note.to_string()).unwrap();
    let mut lock = fs::File::create(state.join("stack.lock")).unwrap();
    lock.lock().unwrap();
    write!(lock, "{}", json!({ "pid": pid, "phase": "up" })).unwrap();
    Up { place, _lock: lock }
}

#[test]
fn a_shell_gets_exports() {
    let said = env(&up(None).place, &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        said.out,
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_BSP_SCHEDULE_DELAY=50
export OTEL_BSP_SCHEDULE_DELAY_MILLIS=50
export OTEL_BSP_EXPORT_TIMEOUT=5000
export OTEL_BSP_EXPORT_TIMEOUT_MILLIS=5000
export OTEL_BLRP_SCHEDULE_DELAY=50
export OTEL_METRIC_EXPORT_INTERVAL=1000
export OTEL_METRIC_EXPORT_TIMEOUT=1000
export OTEL_RESOURCE_ATTRIBUTES='devstack.flush_ms=50'
"
    );
}

#[test]
fn a_container_gets_the_collector_and_is_told_the_network() {
    let up = up(Some("devstack-shop"));
    let said = env(&up.place, &["--for", "container", "--format", "dotenv"]);
    assert!(said.out.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\n"), "{}", said.out);
    assert!(!said.out.contains('"'), "`docker run --env-file` takes quotes for part of the value: {}", said.out);
    assert!(said.err.contains("network devstack-shop"), "{}", said.err);
    let said = env(&up.place, &["--for", "container", "--format", "json"]);
    let said: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["version"], 1);
    assert_eq!(said["network"], "devstack-shop");
    assert_eq!(said["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://collector:4318");
}

#[test]
fn without_a_stack_or_a_network_it_says_what_to_do() {
    let said = env(&up(None).place, &["--for", "container"]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""));
    assert!(said.err.contains("has no network of containers"), "{}", said.err);
    let said = env(&Place::new(), &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""));
    assert!(said.err.contains("nothing is up"), "{}", said.err);
}
