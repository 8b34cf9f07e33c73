//! One request on its way to the service and its answer back, unchanged but for what speaks of the connection.
//!
//! Called by [`super::server`].

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::peek::{Peeked, peek};
use crate::{
    fixture::LARGEST_BODY,
    support::{cause::innermost, hop::end_to_end},
};

/// How long connecting to the service may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a service may take to begin its answer. Providers give up earlier (Stripe after 20 s, GitHub after 10).
const PATIENCE: Duration = Duration::from_mins(1);

/// The service that everything goes to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    scheme_and_authority: String,
    prefix: String,
    client: Client<HttpConnector, Body>,
}

/// Why the service gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("`{target}` cannot be reached: {reason}")]
    Unreachable { target: String, reason: String },
    #[error("`{target}` did not begin to answer within {} s", PATIENCE.as_secs())]
    Timeout { target: String },
}

/// A request whose body was looked at.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// An answer as it goes back, and as much of its body as was looked at.
pub(super) struct Answered {
    pub(super) response: Response<Body>,
    /// `None` when it is longer than what is looked at.
    pub(super) body: Option<Bytes>,
}

impl Target {
    /// Takes the address of a service apart: `http://HOST:PORT`, with a path before all others if need be.
    pub(super) fn new(address: &str) -> Result<Self, &'static str> {
        let uri: Uri = address.parse().map_err(|_| "it is not an address")?;
        let authority = uri.authority().ok_or("it has no host")?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err("a service under development is reached by http://"),
            _ => return Err("it has no `http://`"),
        }
        if authority.as_str().contains('@') {
            return Err("it has a user in it");
        }
        if uri.query().is_some() {
            return Err("it has a query");
        }
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(tcp);
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme_and_authority: format!("http://{authority}"), prefix, client })
    }

    /// Sends a request on. A request is sent once: one that broke off may have been heard.
    pub(super) async fn send(&self, outgoing: Outgoing) -> Result<Answered, NoAnswer> {
        let target = self.scheme_and_authority.clone();
        let unreachable = |reason: String| NoAnswer::Unreachable { target: target.clone(), reason };
        let uri = format!("{}{}{}", self.scheme_and_authority, self.prefix, outgoing.path);
        let mut request = Request::new(outgoing.body);
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = uri.parse().map_err(|_| unreachable("the path cannot be put behind the address".to_owned()))?;
        let host = outgoing.headers.get(header::HOST).cloned();
        *request.headers_mut() = end_to_end(&outgoing.headers);
        // Signatures such as Twilio's cover the address that was called.
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
        let Ok(answered) = tokio::time::timeout(PATIENCE, self.client.request(request)).await else {
            return Err(NoAnswer::Timeout { target: self.scheme_and_authority.clone() });
        };
        let (mut parts, body) = answered.map_err(|error| unreachable(innermost(&error)))?.into_parts();
        parts.headers = end_to_end(&parts.headers);
        let limit = LARGEST_BODY as usize;
        let (body, seen) = match peek(Body::new(body), limit).await.map_err(|error| unreachable(innermost(&error)))? {
            Peeked::Whole(bytes) => (Body::from(bytes.clone()), Some(bytes)),
            Peeked::Longer(body) => (body, None),
        };
        Ok(Answered { response: Response::from_parts(parts, body), body: seen })
    }
}

/// What the sender is told when there is no answer.
pub(super) fn no_answer(error: &NoAnswer) -> Response<Body> {
    let status = match error {
        NoAnswer::Unreachable { .. } => StatusCode::BAD_GATEWAY,
        NoAnswer::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
    };
    plain(status, format!("devstack record: {error}\n"))
}

/// An answer of the recorder's own.
pub(super) fn plain(status: StatusCode, words: String) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn an_address_is_a_host_with_a_path_at_most() {
        assert_eq!(Target::new("http://localhost:3000/api/").unwrap().prefix, "/api");
        for wrong in ["localhost:3000", "/x", "https://localhost", "http://a:b@c", "http://a/?x=1", "ftp://a", ""] {
            assert!(Target::new(wrong).is_err(), "{wrong}");
        }
    }
}
