//! The stand-in for the Trigger.dev API, called by the real SDK (npm, `tests/standin/node`).
//!
//! In CI there must be Node with npm and its registry. Elsewhere these tests are skipped without them, and one line says so.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use devstack::model::{PayloadContext, SpanId, TraceId};
use serde_json::{Value, json};

use super::stand::{KEY, Stand, spans};

const FILES: [&str; 4] = ["package.json", "package-lock.json", ".npmrc", "trigger.mjs"];

/// The folder in which the SDK is installed; `None` where it cannot be. Panics in CI (`CI` is set).
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = install();
        if let Err(why) = &folder {
            // Not `eprintln!`, which a passing test keeps to itself.
            let _ = writeln!(io::stderr(), "skipping the tests with the Trigger.dev SDK: {why}");
        }
        folder
    });
    if let Err(why) = folder {
        assert!(std::env::var_os("CI").is_none(), "CI needs Node with npm: {why}");
    }
    folder.as_deref().ok()
}

/// `npm ci` in a copy of the folder below `target`, once for each state of its lock file.
fn install() -> Result<PathBuf, String> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standin/node");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trigger-sdk");
    let said = |error: io::Error| error.to_string();
    fs::create_dir_all(&to).map_err(said)?;
    for file in FILES {
        fs::copy(from.join(file), to.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let (lock, done) = (fs::read(to.join("package-lock.json")).map_err(said)?, to.join("installed-lock.json"));
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Ok(to);
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
    let output = npm.current_dir(&to).output().map_err(|error| format!("npm: {error}"))?;
    if !output.status.success() {
        return Err(format!("`npm ci` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    fs::write(done, lock).map_err(said)?;
    Ok(to)
}

/// What the SDK makes of a job (`trigger.mjs`).
async fn sdk(folder: &Path, stand: &Stand, key: &str, job: &Value) -> Value {
    let mut job = job.clone();
    job["url"] = json!(stand.url);
    job["key"] = json!(key);
    let mut node = tokio::process::Command::new("node");
    node.arg("trigger.mjs").arg(job.to_string()).current_dir(folder).env_remove("TRIGGER_SECRET_KEY").kill_on_drop(true);
    let output = node.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_sdk_is_served_and_what_it_sends_is_understood() {
    let Some(folder) = installed() else { return };
    let stand = Stand::start().await;
    let (trace, parent) = (TraceId::random(), SpanId::random());
    let payload = json!({"traceparent": format!("00-{trace}-{parent}-01"), "x-correlation-id": "c-sdk", "phone": "0721 000 000"});
    let job = json!({"do": "trigger", "task": "whatsapp-message-handler", "payload": payload, "idempotency": "wa-msg:1"});
    let first = sdk(folder, &stand, KEY, &job).await;
    let id = first["ok"]["id"].as_str().unwrap_or_else(|| panic!("{first}"));
    assert!(id.starts_with("run_") && first["ok"]["publicAccessToken"].is_string(), "{first}");
    let second = sdk(folder, &stand, KEY, &job).await;
    assert_eq!(second["ok"]["id"], first["ok"]["id"], "the same key is the same run");

    let told = stand.enqueued.of_trace(trace).await.unwrap();
    assert_eq!(told.runs.iter().map(|run| run.cached).collect::<Vec<_>>(), [false, true]);
    let run = &told.runs[0];
    assert_eq!((run.task.as_str(), run.run_id.as_str()), ("whatsapp-message-handler", id));
    assert_eq!(run.correlation_id.as_deref(), Some("c-sdk"));
    assert_eq!(run.parent().map(|span| (span.trace_id, span.span_id, span.sampled)), Some((trace, parent, true)));
    assert!(run.key_as_sdk && run.idempotency_key.as_ref().is_some_and(|key| key.len() == 64));
    assert_eq!(stand.enqueued.correlated("c-sdk").await.unwrap(), told);
    assert!(!serde_json::to_string(&told).unwrap().contains("0721"), "no value of a payload is told");

    let spans = spans(&stand.end().await, trace);
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].name.as_str(), spans[0].parent_id), ("trigger.task.whatsapp-message-handler", Some(parent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_sdk_is_turned_away_with_another_key() {
    let Some(folder) = installed() else { return };
    let stand = Stand::start().await;
    let job = json!({"do": "trigger", "task": "t", "payload": {}});
    let answer = sdk(folder, &stand, "tr_dev_another", &job).await;
    assert_eq!((&answer["error"]["name"], &answer["error"]["status"]), (&json!("TriggerApiError"), &json!(401)), "{answer}");
    let told = stand.enqueued.since(0).await.unwrap();
    assert_eq!((told.runs.len(), told.unauthorized), (0, 1), "and it does not try again");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_payloads_without_fields_are_served_too() {
    let Some(folder) = installed() else { return };
    let stand = Stand::start().await;
    let items =
        json!([{"payload": {"correlationId": "c-batch"}, "idempotency": "one"}, {"payload": {"correlationId": "c-batch"}}]);
    let job = json!({"do": "batch", "task": "t", "items": items, "idempotency": "all"});
    let first = sdk(folder, &stand, KEY, &job).await;
    let second = sdk(folder, &stand, KEY, &job).await;
    assert!(first["ok"]["batchId"].as_str().is_some_and(|id| id.starts_with("batch_")), "{first}");
    assert_eq!((&second["ok"]["batchId"], &second["ok"]["isCached"]), (&first["ok"]["batchId"], &json!(true)), "{second}");
    let told = stand.enqueued.correlated("c-batch").await.unwrap();
    assert_eq!(told.runs.iter().map(|run| run.cached).collect::<Vec<_>>(), [false, false, true, true]);
    assert!(told.runs.iter().all(|run| run.task == "t" && run.payload == PayloadContext::Absent));

    let plain = sdk(folder, &stand, KEY, &json!({"do": "plain", "task": "plain"})).await;
    assert_eq!(plain["ok"].as_array().map(Vec::len), Some(3), "{plain}");
    let told = stand.enqueued.since(0).await.unwrap();
    assert_eq!((told.runs.len(), told.unreadable), (7, 0));
    stand.end().await;
}
