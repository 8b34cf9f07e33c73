//! Processes that run beside a test: `devstack demo` and `devstack record`, with what they write in files that can be searched.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Child,
};

use devstack::webhook::Secrets;
use serde_json::Value as Json;

use crate::{
    sandbox::Sandbox,
    up::stand::{Killed, until},
};

/// A command that runs in a sandbox.
pub(super) struct Session {
    child: Killed,
    out: PathBuf,
    err: PathBuf,
}

impl Session {
    pub(super) fn start(sandbox: &Sandbox, name: &str, args: &[&str]) -> Self {
        let (out, err) = (sandbox.path(&format!("{name}.out")), sandbox.path(&format!("{name}.err")));
        let mut command = sandbox.command(args);
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: Killed(command.spawn().expect("the binary starts")), out, err }
    }

    pub(super) fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    pub(super) fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// The JSON documents on stdout, once there are so many.
    pub(super) fn lines(&self, count: usize) -> Vec<Json> {
        until(&format!("{count} lines"), || {
            let out = self.out();
            let whole = &out[..out.rfind('\n').map_or(0, |at| at + 1)];
            let lines: Vec<Json> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (lines.len() >= count).then_some(lines)
        })
    }

    /// Ctrl-C, and the exit code.
    pub(super) fn interrupt(mut self) -> i32 {
        let sent = std::process::Command::new("kill").args(["-INT", &self.child.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.ended()
    }

    /// Waits for the end.
    pub(super) fn ended(&mut self) -> i32 {
        let child: &mut Child = &mut self.child.0;
        until("the end", || child.try_wait().unwrap()).code().unwrap_or(-1)
    }
}

/// The demo services, and where the API is.
pub(super) fn demo(sandbox: &Sandbox) -> (Session, String, Secrets) {
    let demo = Session::start(sandbox, "demo", &["demo"]);
    let api = until("the demo", || {
        let out = demo.out();
        // Its note is left before it tells.
        out.lines().find(|line| line.contains("Tempo"))?;
        out.lines().find_map(|line| line.trim().strip_prefix("medicalcor-api")).map(|url| url.trim().to_owned())
    });
    let note = walk(&sandbox.path("state")).into_iter().find(|path| path.ends_with("demo.json")).expect("a note");
    let note: Json = serde_json::from_slice(&fs::read(note).unwrap()).unwrap();
    (demo, api, serde_json::from_value(note["secrets"].clone()).unwrap())
}

/// A recorder in front of `target`, and its address.
pub(super) fn record(sandbox: &Sandbox, target: &str, more: &[&str]) -> (Session, String) {
    let args = ["record", "--forward", target, "--ports", "auto", "--settle", "300ms", "--format", "json"];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    let recorder = Session::start(sandbox, "record", &args);
    let url = until("the recorder", || {
        let err = recorder.err();
        err.contains("Traces come to").then_some(())?;
        err.split("Recording at ").nth(1)?.split(',').next().map(str::to_owned)
    });
    (recorder, url)
}

/// Every file below a folder.
pub(super) fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Everything that was written below a folder, names included.
pub(super) fn bytes_of(folder: &std::path::Path) -> String {
    let text = |path: PathBuf| format!("{}\n{}\n", path.display(), String::from_utf8_lossy(&fs::read(&path).unwrap()));
    walk(folder).into_iter().map(text).collect()
}
