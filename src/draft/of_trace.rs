//! The request behind a trace of which nothing else is known: from its topmost SERVER span.
//!
//! Called by `cli` for `trace --save-as`, where no recorded delivery has the body.

use http::{HeaderMap, Method, StatusCode};

use super::{
    Answer, Delivery,
    redact::{RedactError, Redaction, redact},
};
use crate::{
    model::{OWN_SERVICE, Span, SpanKind, Trace, Value},
    webhook::Providers,
};

/// Where the method stands: stable and older names of the HTTP conventions.
const METHODS: [&str; 2] = ["http.request.method", "http.method"];
/// Where the path stands.
const PATHS: [&str; 3] = ["url.path", "http.target", "http.url"];
/// Where the status stands.
const STATUSES: [&str; 2] = ["http.response.status_code", "http.status_code"];

/// The request of a trace, without headers and body; `None` when no service says that it was asked.
pub fn of_trace(trace: &Trace, providers: &Providers) -> Option<Result<Redaction, RedactError>> {
    let served = |span: &&Span| span.kind == SpanKind::Server && span.service() != OWN_SERVICE;
    let root = trace.spans().iter().map(AsRef::as_ref).find(served)?;
    let status = STATUSES.iter().find_map(|key| match root.attributes.get(key) {
        Some(Value::Int(status)) => StatusCode::from_u16(u16::try_from(*status).ok()?).ok(),
        _ => None,
    });
    let answer = status.map(|status| Answer { status, headers: HeaderMap::new(), body: Vec::new() });
    let delivery = Delivery {
        method: method(root),
        path: path(root)?,
        headers: HeaderMap::new(),
        body: Vec::new(),
        answer,
        trace: Some(trace.clone()),
    };
    Some(redact(&delivery, providers).map(|redaction| Redaction::of_kept(redaction.redacted, redaction.providers)))
}

fn method(root: &Span) -> Method {
    let said = METHODS.iter().find_map(|key| root.attributes.text(key));
    let said = said.or_else(|| root.name.split(' ').next()).unwrap_or_default();
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    known.into_iter().find(|method| method.as_str() == said).unwrap_or(Method::POST)
}

/// The path that was called; the route's pattern where the path differs from call to call.
fn path(root: &Span) -> Option<String> {
    let called = PATHS.iter().find_map(|key| root.attributes.text(key)).and_then(path_of);
    let route = root.attributes.text("http.route").map(str::to_owned);
    let named = root.name.split(' ').nth(1).map(str::to_owned);
    let stable = called.clone().filter(|path| super::stable::is_stable(path));
    stable.or(route).or(named).or(called).filter(|path| path.starts_with('/') && path.chars().all(|sign| sign.is_ascii_graphic()))
}

/// Without host and query.
fn path_of(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => url,
    };
    path.split(['?', '#']).next().filter(|path| path.starts_with('/')).map(str::to_owned)
}
