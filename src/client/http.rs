//! The HTTP client that all readers share, and what can go wrong with it.

use std::{net::IpAddr, time::Duration};

use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde::de::DeserializeOwned;

use crate::support::{
    address::{self, Address},
    cause::innermost,
    tls,
};

/// How long an answer may take beyond the time it was asked to be held.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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
    /// A header of an address cannot be sent; its value is not told.
    #[error("header `{name}` for `{base}` cannot be sent: {reason}")]
    Header {
        /// Where it should go.
        base: String,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificates of an address are none.
    #[error("the certificates to trust for `{base}` cannot be used: {reason}")]
    Certificates {
        /// Whom they are for.
        base: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The server understood the question and refused it, in its own words.
    #[error("`{url}` refused: {words}")]
    Refused {
        /// What was asked.
        url: String,
        /// What it said.
        words: String,
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
    // No TLS on this machine, so the system's certificates, which take a while to read, are left alone.
    Client::builder().no_proxy().tls_certs_only([]).connect_timeout(CONNECT).build().map_err(ClientError::Build)
}

/// A client for one address: its headers go along with each request, its certificates are trusted besides the system's. It follows no
/// redirect, because headers that carry a key must not go anywhere else; and no proxy stands before this machine.
pub fn client_for(to: &Address) -> Result<Client, ClientError> {
    tls::install();
    let url = under(&to.url, "")?;
    let builder = Client::builder().connect_timeout(CONNECT).redirect(Policy::none()).default_headers(headers_of(to)?);
    let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
    let builder = match &to.ca {
        Some(pem) => builder.tls_certs_merge(certificates(to, pem)?),
        // Nothing will be verified, so the system's certificates, which take a while to read, are left alone.
        None if url.scheme() == "http" => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(ClientError::Build)
}

fn headers_of(to: &Address) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &to.headers {
        let refused = |reason: &str| {
            let base = address::shown(&to.url).into_owned();
            ClientError::Header { base, name: name.clone(), reason: reason.to_owned() }
        };
        let name = HeaderName::try_from(name.as_str()).map_err(|_| refused("that is no name of a header"))?;
        let mut value =
            HeaderValue::try_from(value.as_str()).map_err(|_| refused("its value has characters that headers cannot carry"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn certificates(to: &Address, pem: &str) -> Result<Vec<Certificate>, ClientError> {
    let refused = |reason: String| ClientError::Certificates { base: address::shown(&to.url).into_owned(), reason };
    let found = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| refused(innermost(&error)))?;
    if found.is_empty() { Err(refused("there is no PEM certificate in them".to_owned())) } else { Ok(found) }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The address of `path` under `base`, such as `http://127.0.0.1:3200`.
pub(super) fn under(base: &str, path: &str) -> Result<Url, ClientError> {
    let refused = |reason: String| ClientError::Base { base: address::shown(base).into_owned(), reason };
    let url = Url::parse(&format!("{}{path}", base.trim_end_matches('/'))).map_err(|error| refused(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(refused(format!("its scheme is `{other}`, not http"))),
    }
}

/// Sends a request whose answer may be held for `held`.
pub(super) async fn send(request: RequestBuilder, url: &Url, held: Duration) -> Result<Response, ClientError> {
    send_within(request, url, held + PATIENCE).await
}

/// Sends a request whose answer may take so long.
pub(super) async fn send_within(request: RequestBuilder, url: &Url, after: Duration) -> Result<Response, ClientError> {
    request.timeout(after).send().await.map_err(|error| failed(error, url, after))
}

/// The answer, if its status says yes.
pub(super) async fn successful(response: Response, url: &Url) -> Result<Response, ClientError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    Err(refused(status, &response.text().await.unwrap_or_default(), url))
}

/// An answer whose status says no.
pub(super) fn refused(status: StatusCode, body: &str, url: &Url) -> ClientError {
    let body = body.trim().chars().take(QUOTE).collect();
    ClientError::Status { url: told(url), status: status.as_u16(), body }
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
    ClientError::Shape { url: told(url), reason: reason.to_string() }
}

pub(super) fn failed(error: reqwest::Error, url: &Url, after: Duration) -> ClientError {
    let url = told(url);
    if error.is_timeout() {
        return ClientError::Timeout { url, after };
    }
    ClientError::Unreachable { url, reason: innermost(&error.without_url()) }
}

/// An address in an error, without what is secret in it.
pub(super) fn told(url: &Url) -> String {
    address::shown(url.as_str()).into_owned()
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
