//! A next hop that remembers every byte of what it got and answers what it was told to.

use std::sync::Arc;

use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::receiver::GUARD;

/// A request down to its bytes.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A server in this process; gone when it is dropped.
pub(super) struct NextHop {
    pub(super) url: String,
    seen: watch::Sender<Vec<Seen>>,
    /// Answers wait for a permit each.
    pub(super) gate: Arc<Semaphore>,
    serving: JoinHandle<()>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl NextHop {
    /// One that answers each request so.
    pub(super) async fn answering(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let hop = Self::closed(answer).await;
        hop.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        hop
    }

    /// One whose answers wait until its gate is opened.
    pub(super) async fn closed(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let (seen, gate) = (watch::Sender::new(Vec::new()), Arc::new(Semaphore::new(0)));
        let router = router(seen.clone(), Arc::clone(&gate), answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, gate, serving }
    }

    /// Everything it got.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until it got so many.
    pub(super) async fn has_seen(&self, count: usize) {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        tokio::time::timeout(GUARD, enough).await.expect("the next hop gets its requests").unwrap();
    }

    /// The one request it got.
    pub(super) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    pub(super) fn forget(&self) {
        self.seen.send_modify(Vec::clear);
    }
}

impl Drop for NextHop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The routes of such a server, for one that is served otherwise.
pub(super) fn router(
    seen: watch::Sender<Vec<Seen>>,
    gate: Arc<Semaphore>,
    answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static,
) -> Router {
    Router::new().fallback(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let got = Seen { method: parts.method, uri: parts.uri, version: parts.version, headers: parts.headers, body };
        seen.send_modify(|seen| seen.push(got.clone()));
        gate.acquire().await.unwrap().forget();
        answer(&got)
    })
}

/// An answer over HTTP.
pub(super) fn http(status: u16, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().extend(map(headers));
    response
}

/// An answer over gRPC with a message, its status in the trailers.
pub(super) fn grpc(headers: &[(&'static str, &str)], body: impl Into<Bytes>, trailers: &[(&'static str, &str)]) -> Response {
    let body = Full::new(body.into()).with_trailers(std::future::ready(Some(Ok(map(trailers)))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().extend(map(&[("content-type", "application/grpc")]));
    response.headers_mut().extend(map(headers));
    response
}

/// An answer over gRPC without a message, its status in the headers.
pub(super) fn grpc_status(headers: &[(&'static str, &str)]) -> Response {
    http(200, &[&[("content-type", "application/grpc")], headers].concat(), Bytes::new())
}

fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
    headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}
