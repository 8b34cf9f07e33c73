//! One next hop in one protocol: its address taken apart, and a pool of connections to it.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    request::Parts,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{Answer, Protocol, tls};
use crate::support::{address::Address, cause::innermost, hop::end_to_end};

/// The largest answer that is taken, in bytes. Answers to exports are a few words.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// How long connecting may take, within the time for the answer.
const CONNECT: Duration = Duration::from_secs(5);

/// A next hop, with its connections.
#[derive(Debug)]
pub(in crate::backend) struct Hop {
    /// As it is named to people: without what could be a secret.
    name: String,
    protocol: Protocol,
    scheme: Scheme,
    authority: Authority,
    /// What comes before the path of a request.
    prefix: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A request as it leaves.
#[derive(Debug)]
pub(in crate::backend) struct Outgoing {
    /// Its method.
    pub(in crate::backend) method: Method,
    /// Its path with the query.
    pub(in crate::backend) path: PathAndQuery,
    /// Its headers, those of the connection it came on included.
    pub(in crate::backend) headers: HeaderMap,
    /// Its body.
    pub(in crate::backend) body: Bytes,
}

/// Why the next hop gave no answer. All of it may pass: the sender is asked to come again.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum NoAnswer {
    /// It is not known yet where it is.
    #[error("the next hop is not ready yet; devstack keeps what it received and asks for it again")]
    NotReady,
    /// What is known of it cannot be used.
    #[error("the next hop {name} cannot be used: {reason}")]
    Unusable {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// It could not be reached, or broke off.
    #[error("the next hop {name} does not answer: {reason}")]
    Unreachable {
        /// Which.
        name: String,
        /// Why, down to the operating system's words.
        reason: String,
    },
    /// It took too long.
    #[error("the next hop {name} did not answer within {} ms", after.as_millis())]
    Timeout {
        /// Which.
        name: String,
        /// How long was waited.
        after: Duration,
    },
    /// Its answer is longer than any answer to an export.
    #[error("the answer of the next hop {name} is larger than {LARGEST_ANSWER} bytes")]
    TooLarge {
        /// Which.
        name: String,
    },
}

impl Outgoing {
    /// A request as it came.
    pub(in crate::backend) fn unchanged(parts: Parts, body: Bytes) -> Self {
        let path = parts.uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Self { method: parts.method, path, headers: parts.headers, body }
    }
}

impl Hop {
    /// Takes an address apart; connects when the first request comes.
    pub(super) fn new(address: &Address, protocol: Protocol) -> Result<Self, NoAnswer> {
        let uri: Uri = address.url.parse().map_err(|_| unusable("(unreadable)", "its address is not one"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme().cloned(), uri.authority().map(without_user)) else {
            return Err(unusable("(unreadable)", "its address has no scheme or no host"));
        };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let name = format!("{scheme}://{authority}{prefix}");
        let headers = headers(address).map_err(|reason| unusable(&name, &reason))?;
        let client = client(address, protocol).map_err(|error| unusable(&name, &error.to_string()))?;
        Ok(Self { name, protocol, scheme, authority, prefix, headers, timeout: address.timeout, client })
    }

    /// As it is named to people.
    pub(in crate::backend) fn name(&self) -> &str {
        &self.name
    }

    /// What it speaks.
    pub(in crate::backend) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Sends a request and waits for the whole answer. Dropping the future gives the request up.
    pub(in crate::backend) async fn send(&self, outgoing: Outgoing) -> Result<Answer, NoAnswer> {
        let request = self.request(outgoing)?;
        let Ok(answered) = tokio::time::timeout(self.timeout, self.exchange(request)).await else {
            return Err(NoAnswer::Timeout { name: self.name.clone(), after: self.timeout });
        };
        answered
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let response = self.client.request(request).await.map_err(|error| self.unreachable(&error))?;
        let (parts, body) = response.into_parts();
        let whole = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                NoAnswer::TooLarge { name: self.name.clone() }
            } else {
                self.unreachable(error.as_ref())
            }
        })?;
        let trailers = whole.trailers().cloned();
        let status: StatusCode = parts.status;
        Ok(Answer { status, headers: end_to_end(&parts.headers), body: whole.to_bytes(), trailers })
    }

    fn request(&self, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, NoAnswer> {
        let path = format!("{}{}", self.prefix, outgoing.path);
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path);
        let uri = uri.build().map_err(|error| unusable(&self.name, &error.to_string()))?;
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = uri;
        let mut headers = end_to_end(&outgoing.headers);
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if self.protocol == Protocol::Grpc {
            headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn unreachable(&self, error: &(dyn Error + 'static)) -> NoAnswer {
        NoAnswer::Unreachable { name: self.name.clone(), reason: innermost(error) }
    }
}

fn client(address: &Address, protocol: Protocol) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, tls::TlsError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls::config(address)?).https_or_http();
    let connector = match protocol {
        Protocol::Grpc => connector.enable_http2().wrap_connector(tcp),
        Protocol::Http => connector.enable_http1().wrap_connector(tcp),
    };
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new()).http2_only(protocol == Protocol::Grpc);
    Ok(builder.build(connector))
}

/// Their values are secrets: no error and no log may show them.
fn headers(address: &Address) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let header = |(name, value): (&String, &String)| {
        let read: HeaderName = name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        let mut value: HeaderValue = value.parse().map_err(|_| format!("the value of its header `{name}` is not one"))?;
        value.set_sensitive(true);
        Ok((read, value))
    };
    address.headers.iter().map(header).collect()
}

/// A user and a password in an address are secrets as well.
fn without_user(authority: &Authority) -> Authority {
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    host.parse().expect("what follows the user in an authority is one")
}

fn unusable(name: &str, reason: &str) -> NoAnswer {
    NoAnswer::Unusable { name: name.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_taken_apart_and_its_secrets_are_not_shown() {
        let mut address = Address::plain("http://user:hunter2@collector:4318/api/v1/otlp/");
        address.headers.insert("Authorization".to_owned(), "Bearer hunter2".to_owned());
        let hop = Hop::new(&address, Protocol::Http).unwrap();
        assert_eq!(hop.name(), "http://collector:4318/api/v1/otlp");
        let path = PathAndQuery::from_static("/v1/traces?x=1");
        let outgoing = Outgoing { method: Method::POST, path, headers: HeaderMap::new(), body: Bytes::new() };
        let request = hop.request(outgoing).unwrap();
        assert_eq!(request.uri(), "http://collector:4318/api/v1/otlp/v1/traces?x=1");
        assert_eq!(request.headers()["authorization"], "Bearer hunter2");
        assert!(!format!("{hop:?} {request:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn what_is_no_address_is_named_without_its_secrets() {
        let reason = |address: &Address| Hop::new(address, Protocol::Http).unwrap_err().to_string();
        assert_eq!(
            reason(&Address::plain("/only/a/path")),
            "the next hop (unreadable) cannot be used: its address has no scheme or no host"
        );
        let mut address = Address::plain("https://collector:4318");
        address.ca = Some("no PEM".to_owned());
        assert_eq!(reason(&address), "the next hop https://collector:4318 cannot be used: its CA holds no certificate");
        address.ca = None;
        address.headers.insert("x-key".to_owned(), "hunter2\n".to_owned());
        let words = reason(&address);
        assert!(words.ends_with("the value of its header `x-key` is not one"), "{words}");
    }
}
