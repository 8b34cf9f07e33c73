//! The demo services as somebody else's: each a process of its own, sent to with `--target` like any other service, and judged on quiet.

use std::{fs, path::Path};

use devstack::webhook::{Secrets, secrets::OF_DEMO};

use super::blocking;
use crate::{
    replay::processes::Service,
    sandbox::{Run, Sandbox},
    up::stand::Stand,
};

/// Obeyed, it leaves no span, and only a control request shows that one would have come.
const SILENT: &str = "whatsapp/traceparent-unsampled";

/// Copies shipped fixtures of these providers.
fn copy(sandbox: &Sandbox, providers: &[&str]) {
    for provider in providers {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(provider);
        for entry in fs::read_dir(shipped).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("fixtures/{provider}/{}", path.file_name().unwrap().to_str().unwrap());
            sandbox.write(&name, fs::read(&path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_webhooks_of_two_providers_hold_at_services_that_run_already() {
    blocking(|| {
        let stand = Stand::new();
        copy(&stand.sandbox, &["whatsapp", "stripe"]);
        let up = stand.up(&["--runtime", "embedded"]);
        let otlp = up["note"]["otlp_http"].as_str().unwrap();
        let secrets = Secrets::generated(OF_DEMO);
        let start = |args: &[&str]| Service::start_exporting(&stand.sandbox, args, &secrets, otlp, "50");
        let externals = start(&["externals"]);
        let trigger = start(&["medicalcor-trigger", "--externals-url", &externals.url]);
        let api = start(&["medicalcor-api", "--trigger-url", &trigger.url]);
        let suite = format!(
            "deadline: 30s\nrules: [otel, medicalcor]\nservice: medicalcor-api\nservices: {{ externals: \"{}\" }}\n",
            externals.url
        );
        stand.sandbox.write("fixtures/suite.yaml", suite);

        let args = ["replay", "fixtures", "--target", &api.url, "--jobs", "16", "--format", "json"];
        let run = Run::of(&stand.sandbox.command(&args).envs(secrets.variables()).output().unwrap());
        let report: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
        let cases = report["cases"].as_array().unwrap();
        assert!(cases.len() > 25, "{report:#}");
        for case in cases {
            let evidence = if case["id"] == SILENT { "barrier" } else { "quiet" };
            assert_eq!((case["verdict"].as_str(), case["evidence"].as_str()), (Some("held"), Some(evidence)), "{case:#}");
        }
        assert_eq!(run.code, 0);
    })
    .await;
}
