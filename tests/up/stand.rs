//! A project whose stack goes when the test ends, however it ends.

use std::{process::Child, time::Duration};

use devstack::support::clock::Stopwatch;
use serde_json::Value as Json;

use crate::sandbox::{Run, Sandbox};

/// How long anything here may take before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A project of its own.
pub(crate) struct Stand {
    pub(crate) sandbox: Sandbox,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self { sandbox: Sandbox::new() }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.sandbox.run(args)
    }

    /// `up` on free ports, which must go well; what it says as JSON.
    pub(crate) fn up(&self, args: &[&str]) -> Json {
        let all: Vec<&str> = ["up", "--ports", "auto", "--format", "json"].into_iter().chain(args.iter().copied()).collect();
        let run = self.run(&all);
        assert_eq!(run.code, 0, "{}", run.err);
        serde_json::from_str(&run.out).expect("up says JSON")
    }

    pub(crate) fn status(&self) -> Json {
        let run = self.run(&["status", "--format", "json"]);
        serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("status says JSON: {} {}", run.out, run.err))
    }

    pub(crate) fn down(&self) -> Run {
        self.run(&["down"])
    }

    /// The supervisor's process.
    pub(crate) fn pid(&self) -> u32 {
        self.status()["pid"].as_u64().expect("a stack is up") as u32
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = self.run(&["down", "--volumes"]);
    }
}

/// Waits until `done` gives something; `what` is said when it never does.
pub(crate) fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let clock = Stopwatch::start();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(clock.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Ends a process at once, as an out-of-memory killer would.
pub(crate) fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// A child that is killed with the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
