//! The whole answer of the next hop.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};

/// An answer as it came, without what concerned only the connection it came on.
#[derive(Debug)]
pub(in crate::backend) struct Answer {
    /// Its status.
    pub(in crate::backend) status: StatusCode,
    /// Its headers.
    pub(in crate::backend) headers: HeaderMap,
    /// Its body.
    pub(in crate::backend) body: Bytes,
    /// Its trailers; gRPC's status is there, or in the headers where there is no body.
    pub(in crate::backend) trailers: Option<HeaderMap>,
}

impl Answer {
    /// The same answer, to the sender.
    pub(in crate::backend) fn into_response(self) -> Response {
        let body = Full::new(self.body);
        let body = match self.trailers {
            Some(trailers) => Body::new(body.with_trailers(std::future::ready(Some(Ok(trailers))))),
            None => Body::new(body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
