//! `up` with services: seen by `status` and `logs`, ended by `down`, told when they die, and never left alone.

use std::process::Stdio;

use super::{PROGRAM, book, line_of, python, runs};
use crate::up::stand::{Killed, Stand, kill, until};

const EMBEDDED: &[&str] = &["--runtime", "embedded"];

const SERVICES: &str = "services:
  worker: { command: 'echo $$ > worker.pid; exec PYTHON -u program.py', port: auto, ready: /health }
  api:
    command: [PYTHON, -u, program.py]
    environment: { WORKER_URL: '${worker.url}' }
    port: auto
    ready: /health
    after: [worker]
    name: shop-api
";

fn stand(yaml: &str) -> Stand {
    let stand = Stand::new();
    stand.sandbox.write("devstack.yaml", yaml.replace("PYTHON", &python()));
    stand.sandbox.write("program.py", PROGRAM);
    stand
}

/// The process of a service, as `status` has it.
fn pid(stand: &Stand, name: &str) -> u64 {
    let status = stand.status();
    let part = status["components"].as_array().unwrap().iter().find(|part| part["name"] == name);
    part.unwrap_or_else(|| panic!("{status:#}"))["pid"].as_u64().unwrap()
}

#[test]
fn services_are_up_with_the_stack_and_send_their_last_span_before_it_goes() {
    let stand = stand(SERVICES);
    let up = stand.up(EMBEDDED);
    let services = up["note"]["services"].as_array().unwrap();
    assert_eq!(services.iter().map(|service| &service[0]).collect::<Vec<_>>(), ["worker", "shop-api"]);
    assert!(up["note"].get("secrets").is_none(), "secrets are not printed");
    let status = stand.status();
    assert_eq!(status["state"], "up", "{status:#}");
    assert_eq!(status["components"][2]["name"], "api", "{status:#}");
    let text = stand.run(&["status"]).out;
    assert!(text.contains(&format!("pid {}", pid(&stand, "api"))), "{text}");
    let logs = stand.run(&["logs", "api"]).out;
    assert!(logs.contains(r#"told ["WORKER_URL"]"#), "{logs}");
    assert_eq!(stand.up(EMBEDDED)["unchanged"], true);

    let pids = [pid(&stand, "api"), pid(&stand, "worker")];
    let down = stand.down();
    assert_eq!(down.code, 0, "{}", down.err);
    assert!(pids.iter().all(|pid| !runs(*pid)));
    let (api, worker) = (down.err.find("api"), down.err.find("worker"));
    assert!(api < worker && api.is_some(), "who was waited for ends last: {}", down.err);
    let logs = stand.run(&["logs", "api", "worker"]).out;
    assert_eq!(logs.matches("flushed").count(), 2, "the receiver took what they sent last: {logs}");
}

#[test]
fn a_service_that_dies_makes_the_stack_degraded_and_up_puts_it_right() {
    let stand = stand(SERVICES);
    let up = stand.up(EMBEDDED);
    let api = up["note"]["services"][1][1].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&api).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /die HTTP/1.0\r\n\r\n").unwrap();
    let status = until("status to notice", || Some(stand.status()).filter(|status| status["state"] == "degraded"));
    assert_eq!(status["reason"], "api ended with exit code 3");
    let journal = until("the journal to have it", || {
        Some(stand.run(&["logs", "devstack"]).out).filter(|text| text.contains("api: cannot go on"))
    });
    assert!(journal.contains("api ended with exit code 3"), "{journal}");
    assert_eq!(stand.up(EMBEDDED)["unchanged"], false);
    assert_eq!(stand.status()["state"], "up");
}

#[test]
fn a_service_that_cannot_start_takes_everything_back() {
    let stand = stand(
        "services:\n  good: { command: 'echo $$ > good.pid; echo up; exec sleep 100', ready: { log: up } }\n  bad: { command: 'echo no database; exit 3', port: auto, after: [good] }\n",
    );
    let run = stand.run(&["up", "--ports", "auto", "--runtime", "embedded"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("bad ended with exit code 3") && run.err.contains("no database"), "{}", run.err);
    assert_eq!(stand.status()["state"], "down");
    let pid = line_of(&stand.sandbox.path("good.pid")).parse().unwrap();
    assert!(!runs(pid));
    let without = stand.up(&["--runtime", "embedded", "--no-services"]);
    assert_eq!(without["note"]["services"], serde_json::json!([]));
}

#[test]
fn everything_wrong_with_the_file_is_told_at_once() {
    let stand = stand("componnents: {}\nservices:\n  api: { command: x, directory: nowhere }\n");
    let run = stand.run(&["up", "--ports", "auto", "--runtime", "embedded"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("unknown key `componnents`") && run.err.contains("no folder `nowhere`"), "{}", run.err);
}

#[test]
fn other_settings_are_another_order() {
    let stand = stand(SERVICES);
    let first = stand.up(EMBEDDED);
    stand.sandbox.write("devstack.yaml", SERVICES.replace("name: shop-api", "name: shop").replace("PYTHON", &python()));
    let second = stand.up(EMBEDDED);
    assert_ne!(first["note"]["pid"], second["note"]["pid"]);
    assert_eq!(second["note"]["services"][1][0], "shop");
}

#[test]
fn what_a_killed_supervisor_leaves_is_seen_and_ended_by_the_next_up_and_by_down() {
    let stand = stand("services:\n  api: { command: 'echo $$ > pid; exec sleep 1000' }\n");
    for ending in ["up", "down"] {
        stand.up(EMBEDDED);
        let pid = pid(&stand, "api");
        kill(stand.pid());
        let status = until("status to notice", || Some(stand.status()).filter(|status| status["state"] == "orphaned"));
        assert!(status["reason"].as_str().unwrap().ends_with("the services that it started are not"), "{status:#}");
        assert!(runs(pid));
        if ending == "up" {
            let up = stand.run(&["up", "--ports", "auto", "--runtime", "embedded"]);
            assert!(up.err.contains(&format!("api (pid {pid}) was left by a devstack that died")), "{}", up.err);
        } else {
            assert_eq!(stand.down().code, 0);
        }
        assert!(!runs(pid), "{ending}");
    }
    let ends = book(&stand.sandbox).into_iter().filter(|line| line["event"] == "ended").count();
    assert_eq!(ends, 2);
}

#[test]
fn interrupting_up_takes_the_services_back() {
    let stand = stand("services:\n  api: { command: 'echo $$ > pid; exec sleep 1000', port: auto }\n");
    let args = ["up", "--ports", "auto", "--runtime", "embedded"];
    let mut up = Killed(stand.sandbox.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let pid = line_of(&stand.sandbox.path("pid")).parse().unwrap();
    assert!(runs(pid));
    devstack::support::process::terminate(up.0.id()).unwrap();
    assert_eq!(up.0.wait().unwrap().code(), Some(130));
    assert!(!runs(pid));
    assert_eq!(stand.status()["state"], "down");
}

#[test]
fn an_attached_stack_takes_its_services_with_it() {
    let stand = stand(SERVICES);
    let args = ["up", "--attach", "--ports", "auto", "--runtime", "embedded"];
    let mut up = Killed(stand.sandbox.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the stack to be up", || Some(stand.status()).filter(|status| status["state"] == "up"));
    let pids = [pid(&stand, "api"), pid(&stand, "worker")];
    devstack::support::process::terminate(up.0.id()).unwrap();
    assert!(up.0.wait().unwrap().success());
    assert!(pids.iter().all(|pid| !runs(*pid)));
}

#[test]
fn the_demo_services_are_programs_like_any_other() {
    let program = env!("CARGO_BIN_EXE_devstack");
    let stand = stand(&format!(
        "services:
  externals: {{ command: 'exec {program} demo externals --listen 127.0.0.1:$PORT', port: auto }}
  trigger:
    command: 'exec {program} demo medicalcor-trigger --listen 127.0.0.1:$PORT --externals-url $EXTERNALS'
    environment: {{ EXTERNALS: '${{externals.url}}', TRIGGER_SECRET_KEY: '${{secret.TRIGGER_SECRET_KEY}}' }}
    port: auto
    name: medicalcor-trigger
    after: [externals]
"
    ));
    stand.up(EMBEDDED);
    until("metrics of the worker", || {
        let status = stand.status();
        status["traffic"]["services"]["medicalcor-trigger"]["points"].as_u64().filter(|points| *points > 0)
    });
    assert_eq!(stand.down().code, 0);
    let ends: Vec<_> = book(&stand.sandbox).into_iter().filter(|line| line["event"] == "ended").collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| end["how"]["code"] == 0 && end["by"] == "asked"), "{ends:?}");
}
