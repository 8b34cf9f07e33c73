//! Web pages that export: which of them may (CORS), and the question their browsers ask beforehand.
//!
//! Pages on the loopback interface are a developer's own; any other page could fill the ledger with what it likes.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{backend::traffic::Observer, support::host};

/// How long a browser may remember the answer, in seconds.
const REMEMBER: HeaderValue = HeaderValue::from_static("7200");

/// A page on a public address asks with this whether it may talk to a private one.
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");

/// The answer to it.
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Answers a browser's preflight, and tells it of every other answer whether the page may read it.
pub(super) async fn pages(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    let asks = request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let local = is_local(&origin);
    let mut response = match (asks, local) {
        (true, true) => preflight(request.headers()),
        (true, false) => {
            let page = origin.to_str().unwrap_or("(not text)");
            let words = format!("pages of `{page}` may not send telemetry here, only those on the loopback interface\n");
            observer.unreadable(&words);
            (StatusCode::FORBIDDEN, words).into_response()
        }
        (false, _) => without_others(next.run(request).await),
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if local {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }
    response
}

/// Exporters send headers of their own (`OTEL_EXPORTER_OTLP_HEADERS`): whatever is asked for is allowed.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    if asked.contains_key(REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

/// The next hop decides for its own pages; here the answer is devstack's.
fn without_others(mut response: Response) -> Response {
    let names: Vec<_> = response.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
    for name in names {
        response.headers_mut().remove(name);
    }
    response
}

fn is_local(origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    origin.is_some_and(|origin| {
        matches!(origin.scheme_str(), Some("http" | "https"))
            && origin.authority().is_some_and(|it| host::is_loopback(host::without_port(it.as_str())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_on_the_loopback_interface_are_local_and_no_others() {
        for page in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"] {
            assert!(is_local(&HeaderValue::from_static(page)), "{page}");
        }
        for page in ["null", "https://evil.example", "http://localhost.evil.example", "file://", "chrome-extension://abc", ""] {
            assert!(!is_local(&HeaderValue::from_static(page)), "{page}");
        }
    }
}
