//! One request over HTTP, and what came back.
//!
//! Fed by `check` with prepared bytes; no retries, no redirects: what the service answers is what is judged.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::support::clock::Stopwatch;

/// How long an answer may take before the request is given up; the case's own deadline is usually shorter.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends requests to services on loopback.
#[derive(Debug, Clone)]
pub struct Sender {
    http: reqwest::Client,
}

/// A request that is ready to go.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// HTTP method.
    pub method: Method,
    /// Full address.
    pub url: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// From the first byte sent to the last one received.
    pub elapsed: Duration,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nobody listens there.
    #[error("{url} refuses connections")]
    Connect {
        /// The address.
        url: String,
        /// What the transport says.
        source: reqwest::Error,
    },
    /// It took too long.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The address.
        url: String,
    },
    /// The connection broke.
    #[error("the connection to {url} broke before the answer was whole")]
    Broken {
        /// The address.
        url: String,
        /// What the transport says.
        source: reqwest::Error,
    },
}

impl SendError {
    /// The error in one word, for `error.type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Timeout { .. } => "timeout",
            Self::Broken { .. } => "broken",
        }
    }
}

impl Sender {
    /// A sender over a shared client.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http }
    }

    /// Sends and reads the whole answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, SendError> {
        let clock = Stopwatch::start();
        let url = outgoing.url.clone();
        let request = self
            .http
            .request(outgoing.method, &outgoing.url)
            .headers(outgoing.headers)
            .body(outgoing.body)
            .timeout(PATIENCE)
            .send()
            .await
            .map_err(|error| told(&url, error))?;
        let (status, headers) = (request.status(), request.headers().clone());
        let body = request.bytes().await.map_err(|error| told(&url, error))?;
        Ok(Answer { status, headers, body, elapsed: clock.elapsed() })
    }
}

fn told(url: &str, source: reqwest::Error) -> SendError {
    let url = url.split('?').next().unwrap_or(url).to_owned();
    match source {
        _ if source.is_timeout() => SendError::Timeout { url },
        _ if source.is_connect() => SendError::Connect { url, source: source.without_url() },
        _ => SendError::Broken { url, source: source.without_url() },
    }
}
