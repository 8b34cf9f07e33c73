//! An example as a project of devstack's: the real binary run in its folder, on free ports, with a mail service that the worker calls.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use axum::{Json as Answer, Router, http::StatusCode, routing::post};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::install::Example;
use crate::sandbox::Run;

/// The example; what was brought up in it goes down with it.
pub(super) struct Project {
    pub(super) example: Example,
    environment: BTreeMap<String, String>,
    _mail: DropGuard,
}

impl Project {
    /// One with `PATH` and `HOME` of the outer environment, `devstack` on its path, and nothing else but what is given.
    pub(super) async fn of(example: Example, environment: &[(&str, &str)]) -> Self {
        let stop = CancellationToken::new();
        let send = || async { (StatusCode::ACCEPTED, Answer(json!({ "queued": true }))) };
        let (mail, _) = crate::stage::serve(Router::new().route("/send", post(send)), stop.clone()).await;
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_devstack")).parent().unwrap().display().to_string();
        let outer = |name: &str| std::env::var(name).unwrap_or_default();
        let own = [
            ("PATH", format!("{programs}:{}", outer("PATH"))),
            ("HOME", outer("HOME")),
            ("XDG_STATE_HOME", example.path(".state").display().to_string()),
            ("MAIL_URL", mail),
        ];
        let given = environment.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment = own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect();
        Self { example, environment, _mail: stop.drop_guard() }
    }

    /// Has the services listen on free ports instead of these.
    pub(super) fn on_free_ports(&self, ports: &[u16]) {
        let path = self.example.path("devstack.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let freed = ports.iter().fold(text, |text, port| {
            let fixed = format!("port: {port}\n");
            assert!(text.contains(&fixed), "{fixed} stands in {text}");
            text.replace(&fixed, "port: auto\n")
        });
        fs::write(path, freed).unwrap();
    }

    /// A program in its folder, not yet started.
    pub(super) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.example.path("")).env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(super) fn devstack(&self, args: &[&str]) -> Run {
        Run::of(&self.command(env!("CARGO_BIN_EXE_devstack"), args).output().expect("the binary starts"))
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.example.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.devstack(&["down", "--volumes"]);
    }
}
