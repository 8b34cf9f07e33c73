//! What the HTTP sides of all services share beyond what every server has (`standin::http`): bodies as JSON, error answers, metrics.
//!
//! Used by `api`, `trigger` and `web`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;

use super::{error::DemoError, metrics::Metrics};
pub(crate) use crate::standin::http::{local_only, serve};
use crate::{
    standin::http::{self as shared, BodyError},
    support::clock::Stopwatch,
    telemetry::{Telemetry, trace_requests, work_routes},
};

/// Largest body taken, in bytes (Fastify's default, which the real API keeps).
const LARGEST_BODY: usize = 1 << 20;

/// An answer that is an error, in the shape of the real API: `{code, message, statusCode}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// What was sent does not have the expected shape.
    #[error("{0}")]
    Validation(String),
    /// The signature is missing or wrong.
    #[error("Invalid signature")]
    Signature,
    /// The caller has no right to ask.
    #[error("Unauthorized")]
    Unauthorized,
    /// Nothing is there.
    #[error("Route not found")]
    NotFound,
    /// No such lead, task or the like.
    #[error("{0} not found")]
    NoSuch(&'static str),
    /// The body is too large.
    #[error("Request body is too large")]
    TooLarge,
    /// The body is of a media type that is not taken.
    #[error("Unsupported media type")]
    MediaType,
    /// Too many requests; come back in so many seconds.
    #[error("Too many requests")]
    RateLimited {
        /// Seconds until the window ends.
        retry_after: u64,
    },
    /// A secret is not set, so nothing can be verified.
    #[error("Webhook not configured")]
    NotConfigured,
    /// Another service did not do its part.
    #[error("{0} is unavailable")]
    Upstream(&'static str),
    /// Something broke here; what it was is in the telemetry, not in the answer.
    #[error("An unexpected error occurred")]
    Internal,
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::BAD_REQUEST,
            Self::Signature | Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::NoSuch(_) => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::NotConfigured | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word under `code`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Validation(_) => "VALIDATION_ERROR",
            Self::Signature => "WEBHOOK_SIGNATURE_ERROR",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::NotFound | Self::NoSuch(_) => "NOT_FOUND",
            Self::TooLarge => "PAYLOAD_TOO_LARGE",
            Self::MediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::RateLimited { .. } => "RATE_LIMIT_ERROR",
            Self::NotConfigured => "NOT_CONFIGURED",
            Self::Upstream(_) => "EXTERNAL_SERVICE_ERROR",
            Self::Internal => "INTERNAL_ERROR",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({"code": self.code(), "message": self.to_string(), "statusCode": status.as_u16()});
        let mut response = (status, Json(body)).into_response();
        if let Self::RateLimited { retry_after } = self {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, retry_after.into());
            headers.insert("x-ratelimit-reset", retry_after.into());
            headers.insert("x-ratelimit-remaining", 0.into());
        }
        // For the metrics, which name errors by their code.
        response.extensions_mut().insert(ErrorCode(self.code()));
        response
    }
}

#[derive(Debug, Clone, Copy)]
struct ErrorCode(&'static str);

/// Takes a port.
pub(crate) async fn listen(service: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), DemoError> {
    shared::listen(address).await.map_err(|source| DemoError::Listen { service, address, source })
}

/// Makes a service's router whole: 404s in our shape, metrics, SERVER spans, and beside it what is neither counted nor traced: health
/// and the work report.
pub(crate) fn instrumented(router: Router, telemetry: &Telemetry, metrics: &Arc<Metrics>) -> Router {
    let counted =
        router.fallback(|| async { ApiError::NotFound }).layer(middleware::from_fn_with_state(Arc::clone(metrics), count));
    let traced = trace_requests(telemetry, counted);
    let service = telemetry.service().to_owned();
    let health = get(move || async move { Json(json!({"status": "ok", "service": service})) });
    local_only(Router::new().route("/health", health).merge(work_routes(telemetry)).fallback_service(traced))
}

/// Counts and times the answer by its route.
async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let watch = Stopwatch::start();
    let response = next.run(request).await;
    let status = response.status();
    metrics.http(method.as_str(), route.as_deref().unwrap_or("unmatched"), status.as_u16(), watch.elapsed());
    if let Some(ErrorCode(code)) = response.extensions().get() {
        metrics.error("http", code);
    }
    response
}

/// Reads a body as JSON must come: with a JSON media type, if it names one.
pub(crate) async fn json_body(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| !kind.trim_start().to_ascii_lowercase().starts_with("application/json")) {
        return Err(ApiError::MediaType);
    }
    read_body(body).await
}

/// Reads a body of up to a mebibyte.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, ApiError> {
    shared::read_body(body, LARGEST_BODY).await.map_err(|error| match error {
        BodyError::TooLarge => ApiError::TooLarge,
        BodyError::BrokeOff => ApiError::Validation("Request body broke off".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{HeaderMap, HeaderValue};

    use super::{ApiError, LARGEST_BODY, json_body, read_body};

    #[tokio::test]
    async fn a_body_may_be_a_mebibyte_and_no_more() {
        assert_eq!(read_body(Body::from(vec![b'x'; LARGEST_BODY])).await.unwrap().len(), LARGEST_BODY);
        assert_eq!(read_body(Body::from(vec![b'x'; LARGEST_BODY + 1])).await, Err(ApiError::TooLarge));
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        let typed = |kind: &'static str| HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        assert!(json_body(&typed("application/json; charset=utf-8"), Body::empty()).await.is_ok());
        assert!(json_body(&HeaderMap::new(), Body::empty()).await.is_ok());
        assert_eq!(json_body(&typed("text/xml"), Body::empty()).await, Err(ApiError::MediaType));
    }
}
