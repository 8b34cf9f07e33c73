//! Whole runs: the shipped fixtures, one at a time and many times, kept services, kept traces, reports in files.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::Value as Json;

use super::sandbox::Sandbox;

/// The shipped fixtures, which are inside the binary.
fn shipped(args: &[&str]) -> (i32, Json) {
    let sandbox = Sandbox::new();
    std::fs::remove_dir(sandbox.path("fixtures")).unwrap();
    let all: Vec<&str> = ["replay", "--format", "json"].into_iter().chain(args.iter().copied()).collect();
    let run = sandbox.run(&all);
    (run.code, serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}", run.err)))
}

/// The cases that did not hold, each with its first finding.
fn not_held(report: &Json) -> Vec<String> {
    let cases = report["cases"].as_array().expect("cases").iter().filter(|case| case["verdict"] != "held");
    cases.map(|case| format!("{} {}: {}", case["id"], case["verdict"], case["findings"][0]["headline"])).collect()
}

#[test]
fn the_shipped_fixtures_hold() {
    let (code, report) = shipped(&[]);
    assert_eq!(not_held(&report), Vec::<String>::new());
    assert_eq!(code, 0);
    let cases = report["cases"].as_array().unwrap();
    assert!(cases.len() >= 16, "only {} fixtures", cases.len());
    assert!(cases.iter().all(|case| case["evidence"] == "drained"));
}

#[test]
fn one_at_a_time_and_repeated_they_hold_and_the_order_is_the_plans() {
    let (code, alone) = shipped(&["--jobs", "1"]);
    assert_eq!((code, not_held(&alone).len()), (0, 0), "{:#?}", not_held(&alone));
    let (code, repeated) = shipped(&["--repeat", "3"]);
    assert_eq!((code, not_held(&repeated).len()), (0, 0), "{:#?}", not_held(&repeated));
    let keys: Vec<_> =
        repeated["cases"].as_array().unwrap().iter().map(|case| (case["id"].to_string(), case["repetition"].as_u64())).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    assert_eq!(keys.len(), 3 * alone["cases"].as_array().unwrap().len());
}

/// `devstack demo`, ended when dropped.
struct Kept(Child);

impl Kept {
    fn start(sandbox: &Sandbox) -> Self {
        let mut child = sandbox.command(&["demo"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the demo starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("Ready"));
        assert!(ready, "the demo ended before it was ready");
        // Read on, so that the demo never writes to a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn services_kept_by_demo_serve_two_runs_in_a_row() {
    let sandbox = Sandbox::new();
    std::fs::remove_dir(sandbox.path("fixtures")).unwrap();
    let kept = Kept::start(&sandbox);
    for _ in 0..2 {
        let run = sandbox.run(&["replay", "--format", "json"]);
        let report: Json = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}", run.err));
        assert_eq!(not_held(&report), Vec::<String>::new());
        assert!(report["stack"].as_str().unwrap().contains("devstack demo"), "{}", report["stack"]);
        assert_eq!(run.code, 0);
    }
    let second = sandbox.run(&["demo"]);
    assert_eq!(second.code, 3, "a second demo of the project is refused: {}", second.err);
    drop(kept);
    let after = sandbox.run(&["replay", "--name", "whatsapp/hot-lead", "--format", "json"]);
    assert_eq!(after.code, 0, "a killed demo leaves nothing in the way: {}", after.err);
}

#[test]
fn a_run_leaves_its_traces_to_look_at_and_its_reports_in_files() {
    let sandbox = Sandbox::new();
    std::fs::remove_dir(sandbox.path("fixtures")).unwrap();
    let run = sandbox.run(&[
        "replay",
        "--name",
        "whatsapp/hot-lead",
        "--report",
        "junit=out/report.xml",
        "--report",
        "json=out/report.json",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("1 held"), "{}", run.out);

    let junit = std::fs::read_to_string(sandbox.path("out/report.xml")).unwrap();
    assert!(junit.contains("<testsuites") && junit.contains("hot-lead"), "{junit}");
    let report: Json = serde_json::from_str(&std::fs::read_to_string(sandbox.path("out/report.json")).unwrap()).unwrap();
    let trace_id = report["cases"][0]["trace_id"].as_str().unwrap().to_owned();

    let last = sandbox.run(&["trace", "--last"]);
    assert_eq!(last.code, 0, "{}", last.err);
    assert!(last.out.contains("whatsapp/hot-lead") && last.out.contains("hubspot POST"), "{}", last.out);
    let by_prefix = sandbox.run(&["trace", &trace_id[..8], "--format", "otlp"]);
    assert_eq!(by_prefix.code, 0, "{}", by_prefix.err);
    sandbox.write("trace.json", &by_prefix.out);
    let from_file = sandbox.run(&["trace", "trace.json", "--tree"]);
    assert_eq!(from_file.code, 0, "{}", from_file.err);
    assert!(from_file.out.contains("hubspot POST"), "{}", from_file.out);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_with_its_own_code() {
    let sandbox = Sandbox::with_fixture(
        "name: waits\ndeadline: 60s\nrequest: { whatsapp: hot-lead.json }\ntrace: [{ server: POST /webhooks/whatsapp }]\n",
    );
    let mut child = sandbox
        .command(&["replay", "fixtures", "--fault", "late-span", "--repeat", "400", "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(lines.next().is_some(), "the run says what it stands on");
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill runs").success());
    std::thread::spawn(move || lines.for_each(drop));
    let code = ended_within(child, Duration::from_mins(1));
    assert_eq!(code, Some(130));
}

#[cfg(unix)]
fn ended_within(mut child: Child, patience: Duration) -> Option<i32> {
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait().expect("the child can be waited for").code()));
    ended.recv_timeout(patience).ok().flatten()
}
