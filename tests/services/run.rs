//! `devstack run`: output, input, signals, exit codes, what arrived, and nothing left behind.

use std::{
    io::Write as _,
    process::{Child, Stdio},
};

use devstack::support::process;

use super::{PROGRAM, line_of, python, runs};
use crate::{
    sandbox::Run,
    up::stand::{Killed, Stand, kill, until},
};

fn stand() -> Stand {
    let stand = Stand::new();
    stand.sandbox.write("program.py", PROGRAM);
    stand.up(&["--runtime", "embedded"]);
    stand
}

fn spawn(stand: &Stand, args: &[&str]) -> Child {
    stand.sandbox.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn output_input_and_exit_code_are_the_programs() {
    let stand = stand();
    let mut child = spawn(
        &stand,
        &["run", "--name", "echo", "--", "sh", "-c", "read word; echo got $word; echo bad >&2; printf end; exit 7"],
    );
    child.stdin.take().unwrap().write_all(b"hello\n").unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!((run.code, run.out.as_str()), (7, "got hello\nend"));
    assert!(run.err.starts_with("bad\n") && run.err.contains("nothing arrived from echo: "), "{}", run.err);
    let logs = stand.run(&["logs", "echo"]).out;
    assert!(logs.contains("got hello") && logs.contains("bad") && logs.contains("end"), "{logs}");
    assert_eq!(stand.run(&["run", "--", "sh", "-c", "kill -KILL $$"]).code, 137);
}

#[test]
fn without_a_stack_or_a_program_it_says_so() {
    let bare = Stand::new();
    let run = bare.run(&["run", "--", "true"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("nothing is up") && run.err.contains("devstack up"), "{}", run.err);
    bare.up(&["--runtime", "embedded"]);
    let run = bare.run(&["run", "--", "nosuchprogram"]);
    assert_eq!(run.code, 3);
    assert!(run.err.starts_with("error: there is no program `nosuchprogram`"), "{}", run.err);
}

#[test]
fn it_is_asked_to_end_sends_what_it_has_and_what_arrived_is_told() {
    let stand = stand();
    let mut child = spawn(&stand, &["run", "--name", "shop", "--", &python(), "-u", "program.py"]);
    let part = until("status to have it", || {
        let status = stand.status();
        let parts = status["components"].as_array()?.clone();
        parts.into_iter().find(|part| part["name"] == "shop")
    });
    assert!(part["health"].as_str().unwrap().contains(&format!("devstack run (pid {})", child.id())), "{part:#}");
    until("it to be there", || Some(stand.run(&["logs", "shop"]).out).filter(|logs| logs.contains("told")));
    let twice = stand.run(&["run", "--name", "shop", "--", "true"]);
    assert!(twice.code == 2 && twice.err.contains("`shop` is running already"), "{}", twice.err);
    process::terminate(child.id()).unwrap();
    drop(child.stdin.take());
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.ends_with("flushed\n") && run.err.ends_with("shop sent 1 span\n"), "{} {}", run.out, run.err);
}

#[test]
fn a_second_signal_kills_it() {
    let stand = stand();
    let child = spawn(
        &stand,
        &[
            "run",
            "--name",
            "stubborn",
            "--",
            "sh",
            "-c",
            "trap 'echo asked > asked' TERM; echo $$ > pid; while :; do sleep 0.02; done",
        ],
    );
    let pid = line_of(&stand.sandbox.path("pid")).parse().unwrap();
    process::terminate(child.id()).unwrap();
    line_of(&stand.sandbox.path("asked"));
    assert!(runs(pid), "it has all the time it wants");
    process::terminate(child.id()).unwrap();
    assert_eq!(Run::of(&child.wait_with_output().unwrap()).code, 137);
    assert!(!runs(pid));
}

#[test]
fn settings_come_in_keys_of_others_do_not_and_the_file_wins() {
    let stand = stand();
    stand.sandbox.write("of.env", "OTEL_BSP_SCHEDULE_DELAY=5000\nMINE='a b'\n");
    let args = ["run", "--name", "shop", "--env-file", "of.env", "--", "sh", "-c", "env | sort"];
    let mut command = stand.sandbox.command(&args);
    command.env("PATH", std::env::var("PATH").unwrap());
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2").env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere:1");
    let run = Run::of(&command.output().unwrap());
    let has = |line: &str| run.out.lines().any(|found| found == line);
    assert!(has("OTEL_SERVICE_NAME=shop") && has("MINE=a b") && has("OTEL_BSP_SCHEDULE_DELAY=5000"), "{}", run.out);
    assert!(has("OTEL_TRACES_EXPORTER=otlp") && !run.out.contains("NODE_OPTIONS"), "{}", run.out);
    assert!(!run.out.contains("hunter2") && !run.out.contains("elsewhere"), "{}", run.out);
    assert!(run.err.contains("`OTEL_BSP_SCHEDULE_DELAY` of the file wins"), "{}", run.err);
    assert!(!run.out.contains("FORCE_COLOR"), "stdout is no terminal: {}", run.out);
}

#[test]
fn what_a_killed_run_leaves_is_ended_by_the_next_one_and_by_down() {
    let stand = stand();
    for ending in ["run", "down"] {
        let child = Killed(spawn(&stand, &["run", "--name", "left", "--", "sh", "-c", "echo $$ > pid; exec sleep 1000"]));
        let pid = line_of(&stand.sandbox.path("pid")).parse().unwrap();
        std::fs::remove_file(stand.sandbox.path("pid")).unwrap();
        kill(child.0.id());
        drop(child);
        let status = until("status to notice", || Some(stand.status()).filter(|status| status["state"] == "degraded"));
        assert_eq!(status["reason"], "left was left by a devstack that died");
        assert!(runs(pid));
        match ending {
            "run" => assert!(stand.run(&["run", "--", "true"]).err.contains(&format!("left (pid {pid}) was left"))),
            _ => assert_eq!(stand.down().code, 0),
        }
        assert!(!runs(pid), "{ending}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it() {
    let stand = stand();
    let mut child = spawn(&stand, &["run", "--name", "loud", "--", "sh", "-c", "echo $$ > pid; while :; do echo line; done"]);
    let pid = line_of(&stand.sandbox.path("pid")).parse().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!runs(pid));
}

#[test]
fn the_settings_of_a_language_are_printed_and_secrets_only_when_asked_for() {
    let stand = stand();
    let node = stand.run(&["env", "--for", "node", "--service", "api", "--format", "dotenv"]).out;
    assert!(node.contains("OTEL_NODE_RESOURCE_DETECTORS=") && node.contains("OTEL_SERVICE_NAME=api"), "{node}");
    assert!(!node.contains("SECRET") && !node.contains("NODE_OPTIONS"), "{node}");
    let python = stand.run(&["env", "--for", "python", "--secrets"]).out;
    assert!(python.contains("STRIPE_WEBHOOK_SECRET=whsec_") && python.contains("OTEL_PYTHON_LOGGING"), "{python}");
    assert!(stand.run(&["env"]).out.lines().all(|line| !line.contains("OTEL_NODE") && !line.contains("SECRET")));
}
