//! A target behind TLS: spoken to where its certificate is trusted, and where it is not, never sent a request.

use super::{case, sentences, stage};
use crate::{
    client_tls::{KEY, guarded},
    sandbox::Run,
    up::stand::Stand,
};

fn replay(stand: &Stand, url: &str, trusted: bool) -> (Run, serde_json::Value) {
    let mut command = stand.sandbox.command(&["replay", "fixtures", "--target", url, "--format", "json"]);
    if trusted {
        // What the system's certificates are, as other tools are told it.
        command.env("SSL_CERT_FILE", stand.sandbox.path("ca.pem"));
    }
    let run = Run::of(&command.output().unwrap());
    let report = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}\n{}", run.out, run.err));
    (run, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_behind_tls_is_verified_by_its_certificate() {
    let fixture = format!("name: x\ndeadline: 1s\nrequest: {{ path: /, headers: {{ x-key: {KEY} }} }}\nresponse: 200\n");
    let (stand, _otlp) = stage(&[("page.yaml", &fixture)]).await;
    let (url, ca) = guarded().await;
    stand.sandbox.write("ca.pem", ca);
    let (trusted, report, strange, refused) = super::blocking(move || {
        let (trusted, report) = replay(&stand, &url.replace("127.0.0.1", "localhost"), true);
        let (strange, refused) = replay(&stand, &url, false);
        (trusted, report, strange, refused)
    })
    .await;
    // It exports nothing, and nothing observed is never a pass.
    assert_eq!((trusted.code, case(&report, "page")["exchanges"][0]["status"].as_u64()), (5, Some(200)), "{report:#}");
    let said = sentences(case(&refused, "page"));
    assert_eq!((strange.code, case(&refused, "page")["verdict"].as_str()), (3, Some("broken")), "{said}");
    assert!(said.contains("could not be spoken to by TLS: "), "{said}");
}
