//! The receiver in front: what it passes on, what it brings back, and what it says when the next hop does not answer.

mod bounds;
mod grpc;
mod hop;
mod http;
mod tls;
mod translate;
mod trouble;

use ::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use devstack::{
    backend::{Config, Upstreams},
    support::address::Address,
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::sync::watch;

use self::hop::NextHop;
use super::{GUARD, Running};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// An answer down to its bytes.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Answer {
    /// A header, or the trailer where there is none.
    fn says(&self, name: &str) -> Option<&str> {
        let trailer = || self.trailers.as_ref().and_then(|trailers| trailers.get(name));
        self.headers.get(name).or_else(trailer).map(|value| value.to_str().unwrap())
    }

    fn grpc_status(&self) -> Option<&str> {
        self.says("grpc-status")
    }
}

/// A client that sends what it is given and nothing else.
#[derive(Clone)]
struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Sender {
    fn http() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    fn grpc() -> Self {
        Self(Client::builder(TokioExecutor::new()).http2_only(true).build_http())
    }

    async fn post(&self, url: String, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let request = headers.iter().fold(Request::post(url), |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::new(body.into())).unwrap();
        let response = tokio::time::timeout(GUARD, self.0.request(request)).await.expect("an answer").unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned();
        Answer { status: parts.status, headers: parts.headers, body: body.to_bytes(), trailers }
    }
}

/// A backend in front of these upstreams, and the end by which they are changed.
async fn in_front_of(upstreams: Upstreams, config: Config) -> (Running, watch::Sender<Upstreams>) {
    let (change, forward) = watch::channel(upstreams);
    (Running::start(Config { forward: Some(forward), ..config }).await, change)
}

fn over_http(hop: &NextHop) -> Upstreams {
    Upstreams { http: Some(Address::plain(&hop.url)), grpc: None }
}

fn over_grpc(hop: &NextHop) -> Upstreams {
    Upstreams { grpc: Some(Address::plain(&hop.url)), http: None }
}

/// A gRPC message in its frame.
fn frame(message: &[u8], packed: bool) -> Bytes {
    [&[u8::from(packed)][..], &(message.len() as u32).to_be_bytes(), message].concat().into()
}
