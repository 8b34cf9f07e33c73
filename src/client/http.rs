//! The HTTP client that all readers share, and what can go wrong with it.

use std::{error::Error, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::support::tls;

/// How long an answer may take beyond the time it was asked to be held.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How much of an unexpected answer is quoted, in characters.
const QUOTE: usize = 200;

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client itself could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Build(#[source] reqwest::Error),
    /// The base address is not one.
    #[error("`{base}` is not the address of an HTTP server: {reason}")]
    Base {
        /// The address that was given.
        base: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer came.
    #[error("no answer from `{url}`: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why, down to the operating system's words.
        reason: String,
    },
    /// No answer came in time.
    #[error("no answer from `{url}` within {} ms", after.as_millis())]
    Timeout {
        /// What was asked.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// An answer came, with a status that says no.
    #[error("`{url}` answered {status}: {body}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// An answer came that is not of the expected shape.
    #[error("the answer of `{url}` cannot be read: {reason}")]
    Shape {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A client for servers on this machine: shares its connections among clones and takes no proxy from the environment.
pub fn loopback() -> Result<Client, ClientError> {
    tls::install();
    Client::builder().no_proxy().connect_timeout(CONNECT).build().map_err(ClientError::Build)
}

/// The address of `path` under `base`, such as `http://127.0.0.1:3200`.
pub(super) fn under(base: &str, path: &str) -> Result<Url, ClientError> {
    let refused = |reason: String| ClientError::Base { base: base.to_owned(), reason };
    let url = Url::parse(&format!("{}{path}", base.trim_end_matches('/'))).map_err(|error| refused(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(refused(format!("its scheme is `{other}`, not http"))),
    }
}

/// Sends a request whose answer may be held for `held`.
pub(super) async fn send(request: RequestBuilder, url: &Url, held: Duration) -> Result<Response, ClientError> {
    let after = held + PATIENCE;
    request.timeout(after).send().await.map_err(|error| failed(error, url, after))
}

/// The answer, if its status says yes.
pub(super) async fn successful(response: Response, url: &Url) -> Result<Response, ClientError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let body = response.text().await.unwrap_or_default();
    let body = body.trim().chars().take(QUOTE).collect();
    Err(ClientError::Status { url: url.to_string(), status: status.as_u16(), body })
}

/// The JSON of an answer.
pub(super) async fn json<T: DeserializeOwned>(response: Response, url: &Url) -> Result<T, ClientError> {
    let body = bytes(response, url).await?;
    serde_json::from_slice(&body).map_err(|error| shape(url, &error))
}

/// The body of an answer.
pub(super) async fn bytes(response: Response, url: &Url) -> Result<Vec<u8>, ClientError> {
    response.bytes().await.map(Vec::from).map_err(|error| failed(error, url, PATIENCE))
}

/// An answer of another shape than expected.
pub(super) fn shape(url: &Url, reason: &impl ToString) -> ClientError {
    ClientError::Shape { url: url.to_string(), reason: reason.to_string() }
}

fn failed(error: reqwest::Error, url: &Url, after: Duration) -> ClientError {
    let url = url.to_string();
    if error.is_timeout() {
        return ClientError::Timeout { url, after };
    }
    ClientError::Unreachable { url, reason: innermost(&error.without_url()) }
}

/// The last cause: `reqwest` says that it could not connect, the operating system says why.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_under_a_base_with_or_without_a_slash() {
        for base in ["http://127.0.0.1:3200", "http://127.0.0.1:3200/"] {
            assert_eq!(under(base, "/ready").unwrap().as_str(), "http://127.0.0.1:3200/ready");
        }
        let error = under("127.0.0.1:3200", "/ready").unwrap_err().to_string();
        assert!(error.starts_with("`127.0.0.1:3200` is not the address of an HTTP server"), "{error}");
        assert!(under("ftp://127.0.0.1", "/ready").is_err());
    }
}
