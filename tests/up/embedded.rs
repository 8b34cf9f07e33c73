//! The embedded runtime and the supervisor: nothing but processes, so these run everywhere.

use std::{net::TcpListener, process::Stdio};

use devstack::support::process;

use super::stand::{Killed, Stand, kill, until};

const EMBEDDED: &[&str] = &["--runtime", "embedded"];

#[test]
fn up_status_down_and_nothing_is_left() {
    let stand = Stand::new();
    assert_eq!(stand.status()["state"], "down");
    let up = stand.up(EMBEDDED);
    assert_eq!(up["unchanged"], false);
    assert_eq!(up["note"]["runtime"], "embedded");
    let status = stand.status();
    assert_eq!(status["state"], "up", "{status:#}");
    assert_eq!(status["components"][0]["name"], "devstack");
    assert_eq!(status["traffic"]["spans"]["received"], 1, "the canary came through: {status:#}");
    let pid = stand.pid();
    let started = process::started(pid).expect("the supervisor lives");

    let down = stand.down();
    assert_eq!(down.code, 0, "{}", down.err);
    assert_eq!(stand.status()["state"], "down");
    assert!(!process::alive(pid, &started), "the supervisor has ended");
    let left: Vec<_> = std::fs::read_dir(state(&stand)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "stack.lock" || name == "supervisor.log"), "{left:?}");
    assert_eq!(stand.down().code, 0, "a second down is fine");
}

#[test]
fn a_second_up_does_nothing_and_another_order_takes_over() {
    let stand = Stand::new();
    let first = stand.up(EMBEDDED);
    let again = stand.up(EMBEDDED);
    assert_eq!(again["unchanged"], true);
    assert_eq!(again["note"]["pid"], first["note"]["pid"]);
    let with_demo = stand.up(&["--runtime", "embedded", "--demo"]);
    assert_ne!(with_demo["note"]["pid"], first["note"]["pid"]);
    assert_eq!(with_demo["note"]["demo"]["secrets"], serde_json::Value::Null, "secrets are not printed");
    let services = with_demo["note"]["demo"]["services"].as_array().unwrap();
    assert_eq!(services.len(), 3, "{services:?}");
}

#[test]
fn two_at_once_end_with_one_stack() {
    let stand = Stand::new();
    let args = ["up", "--ports", "auto", "--format", "json", "--runtime", "embedded"];
    let start = || Killed(stand.sandbox.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut ups: Vec<_> = (0..4).map(|_| start()).collect();
    for up in &mut ups {
        assert!(up.0.wait().unwrap().success());
    }
    assert_eq!(stand.status()["state"], "up");
    let pid = stand.pid();
    assert_eq!(stand.up(EMBEDDED)["note"]["pid"], pid);
}

#[test]
fn a_killed_supervisor_is_noticed_and_the_next_up_begins_anew() {
    let stand = Stand::new();
    stand.up(EMBEDDED);
    let pid = stand.pid();
    kill(pid);
    let status = until("status to notice", || Some(stand.status()).filter(|status| status["state"] == "down"));
    assert!(status["reason"].as_str().unwrap().contains(&format!("pid {pid}")), "{status:#}");
    let up = stand.up(EMBEDDED);
    assert_ne!(up["note"]["pid"], pid);
    kill(stand.pid());
    assert_eq!(stand.down().code, 0);
    assert_eq!(stand.status()["reason"], serde_json::Value::Null);
}

#[test]
fn a_note_whose_process_is_someone_else_by_now_is_stale() {
    let stand = Stand::new();
    stand.up(EMBEDDED);
    kill(stand.pid());
    // The pid of this test, which must survive.
    let path = state(&stand).join("stack.json");
    let note = std::fs::read_to_string(&path).unwrap();
    let mut note: serde_json::Value = serde_json::from_str(&note).unwrap();
    note["pid"] = std::process::id().into();
    std::fs::write(&path, note.to_string()).unwrap();
    assert_eq!(stand.status()["state"], "down");
    assert_eq!(stand.down().code, 0);
    std::fs::write(&path, "not a note").unwrap();
    assert_eq!(stand.status()["state"], "down");
    stand.up(EMBEDDED);
}

#[test]
fn a_supervisor_of_another_build_is_told_and_taken_over() {
    let stand = Stand::new();
    let first = stand.up(EMBEDDED);
    let path = state(&stand).join("stack.json");
    let mut note: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    note["build"] = "0.0.1+deadbeef".into();
    std::fs::write(&path, note.to_string()).unwrap();
    assert_eq!(stand.status()["other_build"], "0.0.1+deadbeef");
    let up = stand.up(EMBEDDED);
    assert_eq!(up["unchanged"], false);
    assert_ne!(up["note"]["pid"], first["note"]["pid"]);
    assert_eq!(stand.status()["other_build"], serde_json::Value::Null);
}

#[test]
fn a_stopped_supervisor_is_told_and_down_ends_it() {
    let stand = Stand::new();
    stand.up(EMBEDDED);
    let pid = stand.pid();
    let stopped = std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
    assert!(stopped.success());
    let status = stand.status();
    assert_eq!(status["state"], "degraded", "{status:#}");
    assert!(status["reason"].as_str().unwrap().contains("does not answer"), "{status:#}");
    assert_eq!(stand.down().code, 0);
    assert_eq!(stand.status()["state"], "down");
}

#[test]
fn a_port_held_by_a_process_is_named_with_its_holder() {
    let stand = Stand::new();
    // Somebody else on this machine may have it, which is as good.
    let ours = TcpListener::bind("127.0.0.1:4317");
    let run = stand.run(&["up", "--runtime", "embedded"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("port 4317 is taken"), "{}", run.err);
    if ours.is_ok() {
        assert!(run.err.contains(&format!("pid {}", std::process::id())), "{}", run.err);
    }
    assert!(run.err.contains("--ports auto"), "{}", run.err);
    assert_eq!(stand.status()["state"], "down");
}

#[test]
fn two_projects_have_a_stack_each() {
    let (one, two) = (Stand::new(), Stand::new());
    let first = one.up(EMBEDDED);
    let second = two.up(EMBEDDED);
    assert_ne!(first["note"]["otlp_http"], second["note"]["otlp_http"]);
    assert_eq!(one.down().code, 0);
    assert_eq!(two.status()["state"], "up");
}

#[test]
fn attached_it_ends_with_ctrl_c() {
    let stand = Stand::new();
    let args = ["up", "--ports", "auto", "--runtime", "embedded", "--attach"];
    let mut up = Killed(stand.sandbox.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    until("the stack to be up", || (stand.status()["state"] == "up").then_some(()));
    let interrupted = std::process::Command::new("kill").args(["-INT", &up.0.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert!(up.0.wait().unwrap().success());
    assert_eq!(stand.status()["state"], "down");
}

#[test]
fn sigterm_to_the_supervisor_takes_the_stack_down() {
    let stand = Stand::new();
    stand.up(EMBEDDED);
    let pid = stand.pid();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    let status = until("the stack to be down", || Some(stand.status()).filter(|status| status["state"] == "down"));
    assert_eq!(status["reason"], serde_json::Value::Null, "it ended properly: {status:#}");
}

#[test]
fn without_a_place_for_state_it_says_so() {
    let stand = Stand::new();
    let output = stand.sandbox.command(&["up"]).env_remove("HOME").env_remove("XDG_STATE_HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("XDG_STATE_HOME"));
}

fn state(stand: &Stand) -> std::path::PathBuf {
    let folder = stand.sandbox.path("state/devstack");
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}
