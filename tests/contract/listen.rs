//! `up --listen` and `--allow-host`: devstack's own ports on another address, and for which names they answer.

use reqwest::{StatusCode, header::HOST};
use serde_json::Value as Json;

use super::project::{text, up};
use crate::up::stand::Stand;

/// The status for a request that names this host.
async fn status(url: &str, host: &str) -> StatusCode {
    let http = devstack::client::loopback().unwrap();
    http.get(format!("{url}/ready")).header(HOST, host).send().await.unwrap().status()
}

#[tokio::test]
async fn on_the_loopback_interface_only_allowed_names_are_answered() {
    let stand = Stand::new();
    let note = up(&stand, &["--runtime", "embedded", "--allow-host", "stack.example"], &[]);
    let api = text(&note["ledger"]);
    for (host, answer) in [("localhost", 200), ("Stack.Example:3200", 200), ("evil.example", 403), ("192.0.2.1", 403)] {
        assert_eq!(status(api, host).await, answer, "{host}");
    }
}

#[tokio::test]
async fn elsewhere_addresses_are_answered_and_names_only_when_allowed() {
    let stand = Stand::new();
    let args =
        ["up", "--runtime", "embedded", "--ports", "auto", "--listen", "0.0.0.0", "--allow-host", "tempo", "--format", "json"];
    let run = stand.run(&args);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("whoever reaches this machine"), "{}", run.err);
    let up: Json = serde_json::from_str(&run.out).unwrap();
    // An address that this machine can use, not the one that means all of them.
    let api = text(&up["note"]["ledger"]);
    assert!(api.starts_with("http://127.0.0.1:"), "{api}");
    for (host, answer) in [("192.0.2.1:3200", 200), ("tempo:3200", 200), ("evil.example", 403)] {
        assert_eq!(status(api, host).await, answer, "{host}");
    }
    // Any address of the interface: were it bound to 127.0.0.1, nobody would answer at 127.0.0.2.
    if cfg!(target_os = "linux") {
        assert_eq!(status(&api.replace("127.0.0.1", "127.0.0.2"), "127.0.0.2").await, 200);
    }
    let other = stand.run(&["up", "--runtime", "embedded", "--ports", "auto", "--format", "json"]);
    assert!(other.out.contains("\"unchanged\": false"), "another address is another stack: {}{}", other.out, other.err);
}

#[test]
fn what_is_no_host_name_is_refused() {
    let stand = Stand::new();
    for name in ["http://tempo", "tempo:4318", ""] {
        let run = stand.run(&["up", "--runtime", "embedded", "--allow-host", name]);
        assert_eq!(run.code, 2, "{}", run.err);
    }
    assert_eq!(stand.run(&["up", "--listen", "everywhere"]).code, 2);
}
