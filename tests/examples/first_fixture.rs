//! The README's second screen, on the services of `examples/node` without anything of devstack in their folder: five commands to the first
//! own fixture, and the commit that drops the `traceparent`.

use std::fs::{self, File};

use devstack::client::loopback;
use serde_json::Value as Json;

use super::{arrived::hmac, install, project::Project};
use crate::up::stand::{Killed, until};

/// What the sender of the webhooks and the service share.
const SECRET: &str = "hook_of_a_test";
const PUSH: &str = r#"{ "ref": "refs/heads/main", "after": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1",
  "pusher": { "name": "smaranda-z", "email": "smaranda.z@cabinet.example" }, "commits": [] }"#;

/// A recorder that ends after one webhook, and its address.
fn record(project: &Project, forward: &str) -> (Killed, String) {
    let [out, err] = ["record.out", "record.err"].map(|name| project.example.path(name));
    let mut command = project.command(env!("CARGO_BIN_EXE_devstack"), &["record", "--forward", forward, "--limit", "1"]);
    command.stdout(File::create(out).unwrap()).stderr(File::create(err).unwrap());
    let recorder = Killed(command.spawn().unwrap());
    let url = until("the recorder", || {
        let err = project.read("record.err");
        err.contains("Traces come to").then_some(())?;
        err.split("Recording at ").nth(1)?.split(',').next().map(str::to_owned)
    });
    (recorder, url)
}

/// A webhook as GitHub sends it.
async fn push(url: &str) -> u16 {
    let signature = format!("sha256={}", const_hex::encode(hmac(SECRET, &[PUSH.as_bytes()])));
    let request = loopback().unwrap().post(format!("{url}/webhooks/github")).header("content-type", "application/json");
    let request = request.header("x-github-event", "push").header("x-hub-signature-256", signature);
    request.body(PUSH).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_commands_lead_to_the_first_own_fixture_and_a_lost_traceparent_fails_it() {
    let Some(example) = install::node() else { return };
    fs::remove_file(example.path("devstack.yaml")).unwrap();
    for folder in ["fixtures", "ci"] {
        fs::remove_dir_all(example.path(folder)).unwrap();
    }
    let project = Project::of(example, &[("GITHUB_WEBHOOK_SECRET", SECRET)]).await;

    let init = project.devstack(&["init"]);
    assert_eq!(init.code, 0, "{}", init.err);
    assert!(init.err.contains("api                `npm run api`, port 3000  (package.json, api.mjs)"), "{}", init.err);
    assert!(init.err.contains("worker             `npm run worker`, port 3001  (package.json, worker.mjs)"), "{}", init.err);
    assert!(init.err.contains("  devstack up  ") && init.out.contains("fixtures/github/push.yaml"), "{}{}", init.err, init.out);
    let linted = project.devstack(&["lint"]);
    assert_eq!((linted.code, linted.out.as_str()), (0, "1 fixture, 1 suite, 1 stack: nothing to complain about\n"));
    // Only for the test: others may have the ports that the sources say.
    project.on_free_ports(&[3000, 3001]);

    let up = project.devstack(&["up", "--runtime", "embedded", "--ports", "auto"]);
    assert_eq!(up.code, 0, "{}", up.err);
    assert!(up.out.contains("Service   api") && up.out.contains("Service   worker"), "{}", up.out);
    let status: Json = serde_json::from_str(&project.devstack(&["status", "--format", "json"]).out).unwrap();
    let api = status["components"].as_array().unwrap().iter().find(|component| component["name"] == "api").unwrap();

    let (mut recorder, url) = record(&project, api["address"].as_str().unwrap());
    assert_eq!(push(&url).await, 200);
    let ended = until("the recorder's end", || recorder.0.try_wait().unwrap());
    let (out, err) = (project.read("record.out"), project.read("record.err"));
    assert!(ended.success(), "{err}");
    assert_eq!(out, "✓ github push → fixtures/github/push-2.yaml  (200, 6 spans, 2 services, 3 values replaced)\n");
    assert!(err.ends_with("Next: devstack replay fixtures\n"), "{err}");
    let recorded = project.read("fixtures/github/push-2.yaml");
    assert!(recorded.contains("edges: [api -> worker]\nnone: [{ status: error }]\n"), "{recorded}");
    assert!(!(recorded + &project.read("fixtures/github/push-2.json")).contains("smaranda"));

    let replayed = project.devstack(&["replay"]);
    assert_eq!(replayed.code, 0, "{}{}", replayed.err, replayed.out);
    assert!(replayed.out.contains("✓ github/push-2 ") && replayed.out.contains("2 held in "), "{}", replayed.out);
    assert_eq!(project.devstack(&["down"]).code, 0);

    // A later commit, as CI sees it: nothing is up.
    project.example.without_line("api.mjs", "propagation.inject(context.active(), job)");
    let lost = project.devstack(&["replay"]);
    assert_eq!(lost.code, 1, "{}{}", lost.err, lost.out);
    let words = lost.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("The trace context was lost between api and worker"), "{}", lost.out);
    assert!(words.contains("`push send` of api sent a payload without a `traceparent`"), "{}", lost.out);
}
