//! Tracing of an axum server: a SERVER span and a work guard around every request, and the route that answers for the work.
//!
//! Wraps a service's router; handlers find the request's span and correlation id in [`RequestTrace`].

use std::time::Duration;

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, TraceId};
use serde::Deserialize;

use super::propagation::{CORRELATION_HEADER, Carrier, TRACERESPONSE, generate_correlation_id, traceparent};
use super::service::Telemetry;
use super::span::{Span, end_server_span};
use super::work::WorkQuery;
use crate::support::hex;
use crate::support::work::{LONGEST_WAIT_MS, PATH};

/// Instrumentation scope of SERVER spans.
const SCOPE: &str = "http-server";

/// What a handler needs to go on with the trace: an axum extension of every traced request (`Extension<RequestTrace>`).
#[derive(Debug, Clone)]
pub struct RequestTrace {
    /// The SERVER span. It ends with the response; whoever works on after that needs a span of its own under [`Self::context`].
    pub span: Span,
    /// `x-correlation-id` of the request, else a new one.
    pub correlation_id: String,
}

impl RequestTrace {
    /// The context in which the SERVER span is active.
    pub fn context(&self) -> &Context {
        self.span.context()
    }
}

/// Wraps a router: each request gets a SERVER span `METHOD route` under the parent its headers name, a work guard, and a
/// [`RequestTrace`]; the answer carries `x-correlation-id` and `traceresponse`. Call it last, on the whole router.
pub fn trace_requests<S>(telemetry: &Telemetry, router: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(from_fn_with_state(telemetry.clone(), trace_request))
}

/// The route at which a service answers for its work ([`PATH`]); its requests are not traced, wherever it is merged.
pub fn work_routes<S>(telemetry: &Telemetry) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let telemetry = telemetry.clone();
    Router::new().route(PATH, get(move |question| answer_for_work(telemetry.clone(), question)))
}

async fn trace_request(State(telemetry): State<Telemetry>, mut request: Request, next: Next) -> Response {
    if request.uri().path() == PATH {
        return next.run(request).await;
    }
    let carrier = Carrier::from_headers(request.headers());
    let correlation_id = carrier.correlation_id.clone().unwrap_or_else(generate_correlation_id);
    let span = server_span(&telemetry, &request, &carrier.context(), &correlation_id);
    let guard = telemetry.work().begin(span.trace_id(), Some(&correlation_id));
    let trace = RequestTrace { span: span.clone(), correlation_id };
    request.extensions_mut().insert(trace.clone());

    let mut response = span.run(next.run(request)).await;

    end_server_span(&span, response.status().as_u16());
    answer_headers(response.headers_mut(), &trace);
    drop(guard);
    response
}

fn server_span(telemetry: &Telemetry, request: &Request, parent: &Context, correlation_id: &str) -> Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    telemetry
        .tracer(SCOPE)
        .server(request.method().as_str(), route, request.uri().path())
        .under(parent)
        .correlation_id(correlation_id)
        .start()
}

fn answer_headers(headers: &mut HeaderMap, trace: &RequestTrace) {
    if let Ok(value) = HeaderValue::from_str(&trace.correlation_id) {
        headers.insert(HeaderName::from_static(CORRELATION_HEADER), value);
    }
    let span = trace.context().span();
    let span = span.span_context();
    if let Ok(value) = HeaderValue::from_str(&traceparent(span))
        && span.is_valid()
    {
        headers.insert(HeaderName::from_static(TRACERESPONSE), value);
    }
}

/// What the work route is asked.
#[derive(Debug, Deserialize)]
struct Question {
    trace_id: Option<String>,
    correlation_id: Option<String>,
    #[serde(default)]
    wait_ms: u64,
}

async fn answer_for_work(telemetry: Telemetry, Query(question): Query<Question>) -> Response {
    let trace = question.trace_id.as_deref().map(|id| hex::parse(id).map(TraceId::from_bytes));
    let query = match (trace, question.correlation_id) {
        (Some(Some(trace)), None) => Some(WorkQuery::Trace(trace)),
        (Some(Some(trace)), Some(id)) => Some(WorkQuery::Case(trace, id)),
        (None, Some(id)) => Some(WorkQuery::Correlation(id)),
        (Some(None), _) | (None, None) => None,
    };
    let Some(query) = query else {
        let reason = "give `trace_id` (32 hex digits), `correlation_id`, or both";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    };
    let wait = Duration::from_millis(question.wait_ms.min(LONGEST_WAIT_MS));
    Json(telemetry.work().wait_idle(&query, wait).await).into_response()
}
