//! A folder of fixtures with a state folder of its own, and the binary run in it with nothing of the outer environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use devstack::support::random;
use serde_json::Value as Json;

/// A folder that goes when the test ends.
pub(crate) struct Sandbox {
    root: PathBuf,
}

/// What a run gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// An empty project with an empty `fixtures` folder.
    pub(crate) fn new() -> Self {
        let root = std::env::temp_dir().join(format!("devstack-replay-{}", random::uuid()));
        fs::create_dir_all(root.join("fixtures")).unwrap();
        fs::write(root.join("devstack.yaml"), "").unwrap();
        Self { root }
    }

    /// A project with a copy of the shipped WhatsApp bodies and this one fixture beside them.
    pub(crate) fn with_fixture(text: &str) -> Self {
        let sandbox = Self::new();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/whatsapp");
        for entry in fs::read_dir(shipped).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                fs::copy(&path, sandbox.path(&format!("fixtures/{name}"))).unwrap();
            }
        }
        sandbox.write("fixtures/suite.yaml", "target: demo\nrules: [otel, medicalcor]\n");
        sandbox.write("fixtures/case.yaml", text);
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The binary, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
        command
            .args(args)
            .current_dir(&self.root)
            .env_clear()
            .env("HOME", &self.root)
            .env("XDG_STATE_HOME", self.root.join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().expect("the binary starts"))
    }

    /// Runs `replay fixtures` with these further arguments and reads its JSON report.
    pub(crate) fn replay(&self, args: &[&str]) -> (Run, Json) {
        let all: Vec<&str> = ["replay", "fixtures", "--format", "json"].into_iter().chain(args.iter().copied()).collect();
        let run = self.run(&all);
        let report = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.out, run.err));
        (run, report)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
