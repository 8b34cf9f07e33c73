//! The other end of the control socket: what commands ask a supervisor.
//!
//! Made from the note of a stack that is up; used by `cli` for `status`, `logs` and `down`, and by [`up`](super::up).

use std::{path::Path, time::Duration};

use futures_util::{Stream, StreamExt};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    runtime::{LogLine, LogsWanted, Note, Status, UpEvent},
    support::{cause::innermost, tls},
};

/// How long a supervisor may take to say how its stack is.
const PATIENCE: Duration = Duration::from_secs(5);

/// A supervisor did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the supervisor (pid {pid}) does not answer: {reason}")]
pub struct ControlError {
    pid: u32,
    reason: String,
}

/// Asks one supervisor.
#[derive(Debug, Clone)]
pub struct Control {
    http: reqwest::Client,
    pid: u32,
}

impl Control {
    /// The supervisor of this note.
    pub fn of(note: &Note) -> Result<Self, ControlError> {
        let http = client(&note.control).map_err(|error| ControlError { pid: note.pid, reason: innermost(&error) })?;
        Ok(Self { http, pid: note.pid })
    }

    /// How its stack is.
    pub async fn status(&self) -> Result<Status, ControlError> {
        let answer = self.http.get(address("/status")).timeout(PATIENCE).send().await.map_err(|error| self.failed(&error))?;
        answer.json().await.map_err(|error| self.failed(&error))
    }

    /// What its components wrote.
    pub async fn logs(&self, wanted: &LogsWanted) -> Result<impl Stream<Item = LogLine> + use<>, ControlError> {
        self.documents(self.http.post(address("/logs")).json(wanted)).await
    }

    /// Takes its stack down; the events end when all is gone.
    pub async fn down(&self, volumes: bool) -> Result<impl Stream<Item = UpEvent> + use<>, ControlError> {
        self.documents(self.http.post(address("/down")).query(&super::control::DownWanted { volumes })).await
    }

    /// Ends it, and leaves its containers to the next one; the events end when it has let go.
    pub async fn release(&self) -> Result<impl Stream<Item = UpEvent> + use<>, ControlError> {
        self.documents(self.http.post(address("/release"))).await
    }

    /// An answer of several documents; it may last, but it has to begin soon.
    async fn documents<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<impl Stream<Item = T> + use<T>, ControlError> {
        let begun = tokio::time::timeout(PATIENCE, request.send()).await;
        let answer = begun
            .map_err(|_| ControlError { pid: self.pid, reason: format!("nothing within {} s", PATIENCE.as_secs()) })?
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| self.failed(&error))?;
        Ok(documents(answer.bytes_stream().map(|part| part.map_err(|error| innermost(&error)))))
    }

    fn failed(&self, error: &reqwest::Error) -> ControlError {
        ControlError { pid: self.pid, reason: innermost(error) }
    }
}

fn client(socket: &Path) -> reqwest::Result<reqwest::Client> {
    tls::install();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).unix_socket(socket).build()
}

/// The host is not looked at: the socket decides where it goes.
fn address(path: &str) -> String {
    format!("http://supervisor{path}")
}

/// Documents of a stream of bytes, a line each. A line that cannot be read is left out: it is of another build.
pub(super) fn documents<T: DeserializeOwned>(
    bytes: impl Stream<Item = Result<bytes::Bytes, String>> + Send + 'static,
) -> impl Stream<Item = T> {
    let parts = Box::pin(bytes);
    futures_util::stream::unfold((parts, Vec::new()), |(mut parts, mut held)| async move {
        loop {
            if let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let rest = held.split_off(end + 1);
                let line = std::mem::replace(&mut held, rest);
                if let Ok(document) = serde_json::from_slice(&line) {
                    return Some((document, (parts, held)));
                }
                continue;
            }
            held.extend_from_slice(&parts.next().await?.ok()?);
        }
    })
}

/// A document as a line.
pub(super) fn line(document: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(document).expect("documents have only text keys");
    line.push(b'\n');
    line
}
