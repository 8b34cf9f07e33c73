//! A project's own services: the runner itself, `up` with them, and `devstack run`; with real processes throughout.

mod run;
mod runner;
mod up;

use std::path::Path;

use serde_json::Value as Json;

use crate::{sandbox::Sandbox, up::stand::until};

/// A program that serves `/health` on `PORT`, says what it was told, and sends a span when it is asked to end.
const PROGRAM: &str = r#"
import http.server, json, os, signal, sys, threading, urllib.request
name = os.environ["OTEL_SERVICE_NAME"]
def flush(*_):
    span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "last", "kind": 1,
            "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
            "scopeSpans": [{"spans": [span]}]}]}
    request = urllib.request.Request(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces",
            json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request).read()
    print("flushed", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, flush)
print("told", json.dumps(sorted(name for name in os.environ if name.endswith("_URL"))), flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        if self.path == "/die":
            print("cannot go on", flush=True)
            os._exit(3)
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler).serve_forever()
"#;

/// The Python of this machine by its whole path: what runs in a sandbox has no `PATH`.
pub(crate) fn python() -> String {
    let said = std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let said = said.expect("these tests need `python3`");
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// Whether a process of this pid runs.
fn runs(pid: u64) -> bool {
    devstack::support::process::started(pid as u32).is_some()
}

/// Waits until a file has a whole line, and gives its first.
fn line_of(path: &Path) -> String {
    until(&format!("a line in {}", path.display()), || {
        let text = std::fs::read_to_string(path).ok()?;
        text.split_once('\n').map(|(line, _)| line.to_owned())
    })
}

/// The lines of the book of starts and ends.
fn book(sandbox: &Sandbox) -> Vec<Json> {
    let text = std::fs::read_to_string(state(sandbox).join("services.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The project's state folder; the sandbox has no other project.
fn state(sandbox: &Sandbox) -> std::path::PathBuf {
    let folders = std::fs::read_dir(sandbox.path("state/devstack")).unwrap();
    folders.map(|entry| entry.unwrap().path()).next().expect("a command has run")
}
