//! Starting spans: the guide's constructors, each with its name, kind and attributes.
//!
//! Got from `Telemetry::tracer`; used by services, by `patterns` and by `server`.

use std::borrow::Cow;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::attributes::{
    CORRELATION_ID, DB_OPERATION, DB_STATEMENT, DB_SYSTEM, HTTP_METHOD, HTTP_ROUTE, HTTP_URL, MESSAGING_DESTINATION,
    MESSAGING_MESSAGE_ID, MESSAGING_OPERATION, MESSAGING_SYSTEM, PEER_SERVICE, REDIS_COMMAND, REDIS_KEY,
};
use super::span::Span;

/// Longest `db.statement`, in characters, as MedicalCor's library cuts it.
const STATEMENT_LIMIT: usize = 500;

/// Starts the spans of one instrumentation scope of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tracer {
    /// `None` where telemetry is disabled: spans are then handles on their parent, so that context passes through.
    sdk: Option<SdkTracer>,
}

/// A span that has not started: what it will be called and carry.
#[derive(Debug)]
#[must_use = "a span starts with `start`"]
pub struct Draft<'a> {
    tracer: &'a Tracer,
    name: Cow<'static, str>,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
    parent: Option<Context>,
}

impl Tracer {
    pub(super) fn new(sdk: Option<SdkTracer>) -> Self {
        Self { sdk }
    }

    /// A span of any name and kind.
    pub fn span(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Draft<'_> {
        Draft { tracer: self, name: name.into(), kind, attributes: Vec::new(), links: Vec::new(), parent: None }
    }

    /// An operation inside the service: INTERNAL.
    pub fn internal(&self, name: impl Into<Cow<'static, str>>) -> Draft<'_> {
        self.span(name, SpanKind::Internal)
    }

    /// An incoming HTTP request: SERVER `METHOD route`. Without a route (nothing matched) the method alone is the name, because a
    /// raw path would make as many names as there are visitors.
    pub fn server(&self, method: &str, route: Option<&str>, path: &str) -> Draft<'_> {
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        self.span(name, SpanKind::Server)
            .with(HTTP_METHOD, method.to_owned())
            .with(HTTP_URL, path.to_owned())
            .with_some(HTTP_ROUTE, route.map(str::to_owned))
    }

    /// A call to another service over HTTP: CLIENT `peer METHOD`. A query in `url` is left out.
    pub fn client(&self, method: &str, url: &str, peer: &str) -> Draft<'_> {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        self.span(format!("{peer} {method}"), SpanKind::Client)
            .with(HTTP_METHOD, method.to_owned())
            .with(HTTP_URL, url.to_owned())
            .with(PEER_SERVICE, peer.to_owned())
    }

    /// A database operation: CLIENT `db.operation`. `system` is the product that really answers (`sqlite`, `postgresql`); the
    /// statement is cut to 500 characters and must hold placeholders, never values.
    pub fn database(&self, system: &'static str, operation: &str, statement: Option<&str>) -> Draft<'_> {
        let statement = statement.map(|text| text.chars().take(STATEMENT_LIMIT).collect::<String>());
        self.span(format!("db.{operation}"), SpanKind::Client)
            .with(DB_SYSTEM, system)
            .with(DB_OPERATION, operation.to_owned())
            .with_some(DB_STATEMENT, statement)
    }

    /// A Redis command: CLIENT `redis.command`.
    pub fn redis(&self, command: &str, key: Option<&str>) -> Draft<'_> {
        self.span(format!("redis.{}", command.to_lowercase()), SpanKind::Client)
            .with(DB_SYSTEM, "redis")
            .with(REDIS_COMMAND, command.to_owned())
            .with_some(REDIS_KEY, key.map(str::to_owned))
    }

    /// Handing work to a queue: PRODUCER `system.destination send`.
    pub fn producer(&self, system: &str, destination: &str, message_id: Option<&str>) -> Draft<'_> {
        self.messaging(SpanKind::Producer, "send", system, destination, message_id)
    }

    /// Taking work from a queue: CONSUMER `system.destination receive`.
    pub fn consumer(&self, system: &str, destination: &str, message_id: Option<&str>) -> Draft<'_> {
        self.messaging(SpanKind::Consumer, "receive", system, destination, message_id)
    }

    fn messaging(
        &self,
        kind: SpanKind,
        operation: &'static str,
        system: &str,
        destination: &str,
        message_id: Option<&str>,
    ) -> Draft<'_> {
        self.span(format!("{system}.{destination} {operation}"), kind)
            .with(MESSAGING_SYSTEM, system.to_owned())
            .with(MESSAGING_DESTINATION, destination.to_owned())
            .with(MESSAGING_OPERATION, operation)
            .with_some(MESSAGING_MESSAGE_ID, message_id.map(str::to_owned))
    }
}

impl Draft<'_> {
    /// The parent; without this call it is the active span.
    pub fn under(mut self, parent: &Context) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// One attribute more.
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value.into()));
        self
    }

    /// One attribute more, if there is a value.
    pub fn with_some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The correlation id, if it is not empty.
    pub fn correlation_id(self, correlation_id: &str) -> Self {
        let correlation_id = Some(correlation_id.to_owned()).filter(|text| !text.is_empty());
        self.with_some(CORRELATION_ID, correlation_id)
    }

    /// A link to the span of another context.
    pub fn link(mut self, other: &Context) -> Self {
        self.links.push(Link::with_context(other.span().span_context().clone()));
        self
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        let parent = self.parent.unwrap_or_else(Context::current);
        let Some(sdk) = &self.tracer.sdk else {
            return Span::passing(parent);
        };
        let builder = sdk.span_builder(self.name).with_kind(self.kind).with_attributes(self.attributes).with_links(self.links);
        let span = sdk.build_with_context(builder, &parent);
        Span::owning(parent.with_span(span))
    }
}
