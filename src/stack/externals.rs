//! The externals of a project's `devstack.yaml`, decoded; what is wrong in form has been complained about and is skipped here.
//!
//! Called by `settings`. The server that plays them is not here: this only says what it is to play.

use std::time::Duration;

use super::{
    desk::Desk,
    settings::{Answer, External},
};
use crate::support::yaml::{Entry, Node, formats::duration};

/// All externals of a layer, in the order of the file.
pub(super) fn externals(layer: usize, desk: &Desk) -> Vec<External> {
    let node = desk.layer(layer).node.as_ref();
    let entries = node.and_then(|node| node.get("externals")).map(Node::entries).unwrap_or_default();
    entries.iter().map(external).collect()
}

fn external(entry: &Entry) -> External {
    let node = &entry.value;
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    External {
        name: entry.key.clone(),
        variable: text("variable").unwrap_or_else(|| variable(&entry.key)),
        port: node.get("port").and_then(Node::int).and_then(|port| u16::try_from(port).ok()),
        latency: node.get("latency").and_then(time).unwrap_or_default(),
        answers: node.get("answers").map(Node::items).unwrap_or_default().iter().map(answer).collect(),
        stand_in: text("stand_in"),
        service: text("service").unwrap_or_else(|| entry.key.clone()),
        spans: node.get("spans").and_then(Node::bool).unwrap_or(true),
    }
}

fn answer(node: &Node) -> Answer {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let headers = node.get("headers").map(Node::entries).unwrap_or_default();
    Answer {
        method: text("method"),
        path: text("path").and_then(|path| path.parse().ok()),
        status: node.get("status").and_then(Node::int).and_then(|status| u16::try_from(status).ok()).unwrap_or(200),
        headers: headers.iter().map(|entry| (entry.key.to_ascii_lowercase(), plain(&entry.value))).collect(),
        json: node.get("json").map(Node::to_json),
        body: text("body"),
        latency_ms: node.get("latency").and_then(time).map(|latency| latency.as_millis() as u64),
    }
}

/// `mail` gets `MAIL_URL`.
fn variable(name: &str) -> String {
    format!("{}_URL", name.to_ascii_uppercase().replace('-', "_"))
}

fn time(node: &Node) -> Option<Duration> {
    duration(node.text()?).ok()
}

/// A header's value, whichever way it is written.
fn plain(node: &Node) -> String {
    match node.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}
