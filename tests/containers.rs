//! Real components in containers, for tests that need them: started with the Docker CLI, removed when dropped.
//!
//! Without an engine such a test says so and passes; in CI (`CI` is set) it fails instead.

use std::{
    process::{Command, Output},
    time::Duration,
};

use devstack::support::{poll::Poll, random};

pub(crate) const COLLECTOR: &str = "otel/opentelemetry-collector-contrib:0.158.0";
pub(crate) const JAEGER: &str = "jaegertracing/jaeger:2.13.0";
pub(crate) const PROMETHEUS: &str = "prom/prometheus:v3.16.0";

/// How long a component may take to answer.
const READY: Duration = Duration::from_mins(1);

/// Whether there is an engine that has these images.
#[expect(clippy::print_stderr, reason = "a test that did nothing says so")]
pub(crate) fn available(images: &[&str]) -> bool {
    if !crate::engine::available() {
        return false;
    }
    let missing = images.iter().find(|image| !docker(&["image", "inspect", image]).status.success());
    let Some(image) = missing else { return true };
    assert!(std::env::var_os("CI").is_none(), "the engine does not have `{image}`");
    eprintln!("skipped: the engine does not have `{image}`");
    false
}

/// A container of this test's own.
pub(crate) struct Container(String);

impl Container {
    /// Runs an image with these options of `docker run` and these arguments.
    pub(crate) fn run(image: &str, options: &[&str], arguments: &[&str]) -> Self {
        let name = format!("devstack-test-{}", random::uuid());
        let head = ["run", "--detach", "--name", &name, "--label", "dev.devstack.test=clients"];
        let all: Vec<_> =
            head.into_iter().chain(options.iter().copied()).chain([image]).chain(arguments.iter().copied()).collect();
        let out = docker(&all);
        // Made before the check, so that a container that did not start is removed, too.
        let container = Self(name);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        container
    }

    /// Its address in the engine's default network.
    pub(crate) fn ip(&self) -> String {
        said(&["inspect", "--format", "{{.NetworkSettings.IPAddress}}", &self.0])
    }

    /// Where a published port is on this machine.
    pub(crate) fn port(&self, inside: u16) -> String {
        let lines = said(&["port", &self.0, &format!("{inside}/tcp")]);
        format!("http://{}", lines.lines().next().expect("a published port"))
    }

    /// Waits until a page of it answers with success.
    pub(crate) async fn answers(&self, inside: u16, path: &str) -> &Self {
        let url = format!("{}{path}", self.port(inside));
        let http = devstack::client::loopback().unwrap();
        let mut poll = Poll::until(READY);
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let log = docker(&["logs", "--tail", "5", &self.0]);
            assert!(poll.again().await, "`{url}` does not answer: {}", String::from_utf8_lossy(&log.stderr));
        }
        self
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.0]);
    }
}

fn docker(arguments: &[&str]) -> Output {
    let missing = |error| panic!("the Docker CLI: {error}");
    match Command::new("docker").args(arguments).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Command::new("false").output().unwrap_or_else(missing),
        out => out.unwrap_or_else(missing),
    }
}

fn said(arguments: &[&str]) -> String {
    let out = docker(arguments);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}
