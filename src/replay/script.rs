//! Tells scripted externals how to answer one case (`given:`), over their control address.
//!
//! A script is kept by the case's trace id and its correlation id: externals know a case by whichever of them a call brings.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::fixture::{Given, GivenAnswer};

/// The key of calls that bring neither a trace id nor a correlation id. Only a case that is alone may use it.
pub const ANYBODY: &str = "*";

/// The control address of the externals.
#[derive(Debug, Clone)]
pub struct Externals {
    http: reqwest::Client,
    base: String,
}

/// The externals did not take a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// No answer.
    #[error("the externals at {url} did not take the script")]
    Unreachable {
        /// The address.
        url: String,
        /// What the transport says.
        source: reqwest::Error,
    },
    /// An answer that is not a success.
    #[error("the externals at {url} refused the script with {status}: {body}")]
    Refused {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
        /// What they said.
        body: String,
    },
}

impl Externals {
    /// Externals whose control address is `base`.
    pub fn new(http: reqwest::Client, base: &str) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned() }
    }

    /// Sets the script of a key, which calls with one of the keys in `also` take their steps from as well.
    pub async fn script(&self, key: &str, also: &[&str], script: &impl Serialize) -> Result<(), ScriptError> {
        let url = format!("{}/_devstack/scripts/{key}", self.base);
        let unreachable = |source: reqwest::Error| ScriptError::Unreachable { url: url.clone(), source: source.without_url() };
        let answer = self.http.put(&url).query(&[("also", also.join(","))]).json(script).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = answer.text().await.unwrap_or_default();
        Err(ScriptError::Refused { url, status: status.as_u16(), body })
    }

    /// Forgets the script of a key; what is already gone is no error.
    pub async fn forget(&self, key: &str) {
        let url = format!("{}/_devstack/scripts/{key}", self.base);
        // The services live at most as long as the run or keep a bounded number of scripts: a failure here costs nothing.
        let _ = self.http.delete(&url).send().await;
    }
}

/// `given:` as the externals take it.
pub fn script_of(given: &[Given]) -> Json {
    let externals: Map<String, Json> =
        given.iter().map(|script| (script.external.clone(), script.answers.iter().map(answer).collect())).collect();
    Json::Object(externals)
}

fn answer(scripted: &GivenAnswer) -> Json {
    let millis = |time: std::time::Duration| json!(time.as_millis() as u64);
    let mut fields = Map::new();
    let given = [
        ("status", scripted.status.map(|status| json!(status))),
        ("retry_after_ms", scripted.retry_after.map(millis)),
        ("delay_ms", scripted.delay.map(millis)),
        ("body", scripted.body.clone()),
        ("reset", scripted.reset.then(|| json!(true))),
    ];
    fields.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    Json::Object(fields)
}
