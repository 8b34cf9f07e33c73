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
use super::service::Telemetry;
use super::span::Span;

/// Longest `db.statement`, in characters, as MedicalCor's library cuts it.
const STATEMENT_LIMIT: usize = 500;

/// Starts the spans of one instrumentation scope of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tracer {
    /// `None` where telemetry is disabled: spans are then handles on their parent, so that context passes through.
    sdk: Option<SdkTracer>,
    /// Keeps the exporters running for as long as anyone can start spans.
    _telemetry: Telemetry,
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
    pub(super) fn new(sdk: Option<SdkTracer>, telemetry: Telemetry) -> Self {
        Self { sdk, _telemetry: telemetry }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opentelemetry::trace::SpanId;

    use super::*;
    use crate::telemetry::{Captured, HttpNames, Settings, SpanData, Telemetry};

    fn start() -> (Tracer, Captured) {
        let (telemetry, captured) = Telemetry::start_capturing(&Settings::new("medicalcor-api"));
        (telemetry.tracer("test"), captured)
    }

    fn attributes(span: &SpanData) -> BTreeMap<String, String> {
        span.attributes.iter().map(|pair| (pair.key.to_string(), pair.value.to_string())).collect()
    }

    /// Starts and ends the span, and compares all that makes it.
    fn check(name: &str, kind: &SpanKind, expected: &[(&str, &str)], draft: impl FnOnce(&Tracer) -> Draft<'_>) {
        let (telemetry, captured) = Telemetry::start_capturing(&Settings::new("medicalcor-api"));
        drop(draft(&telemetry.tracer("test")).start());
        let span = captured.span(name).unwrap_or_else(|| panic!("no span `{name}` in {:?}", captured.spans()));
        assert_eq!(span.span_kind, *kind);
        let expected: BTreeMap<_, _> = expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(attributes(&span), expected);
    }

    #[test]
    fn each_constructor_gives_name_kind_and_attributes() {
        let route = [("http.method", "POST"), ("http.url", "/webhooks/whatsapp"), ("http.route", "/webhooks/{type}")];
        check("POST /webhooks/{type}", &SpanKind::Server, &route, |tracer| {
            tracer.server("POST", Some("/webhooks/{type}"), "/webhooks/whatsapp")
        });
        check("GET", &SpanKind::Server, &[("http.method", "GET"), ("http.url", "/nowhere")], |tracer| {
            tracer.server("GET", None, "/nowhere")
        });
        let call = [("http.method", "POST"), ("http.url", "/contacts"), ("peer.service", "hubspot")];
        check("hubspot POST", &SpanKind::Client, &call, |tracer| tracer.client("POST", "/contacts?token=secret#top", "hubspot"));
        let query = [("db.system", "sqlite"), ("db.operation", "custom_query"), ("db.statement", "SELECT 1")];
        check("db.custom_query", &SpanKind::Client, &query, |tracer| tracer.database("sqlite", "custom_query", Some("SELECT 1")));
        let command = [("db.system", "redis"), ("redis.command", "GET"), ("redis.key", "user:123")];
        check("redis.get", &SpanKind::Client, &command, |tracer| tracer.redis("GET", Some("user:123")));
        let message = |operation| {
            [
                ("messaging.system", "trigger.dev"),
                ("messaging.destination", "whatsapp-message-handler"),
                ("messaging.operation", operation),
                ("messaging.message_id", "wamid.1"),
            ]
        };
        check("trigger.dev.whatsapp-message-handler send", &SpanKind::Producer, &message("send"), |tracer| {
            tracer.producer("trigger.dev", "whatsapp-message-handler", Some("wamid.1"))
        });
        check("trigger.dev.whatsapp-message-handler receive", &SpanKind::Consumer, &message("receive"), |tracer| {
            tracer.consumer("trigger.dev", "whatsapp-message-handler", Some("wamid.1"))
        });
        check("step", &SpanKind::Internal, &[("medicalcor.correlation_id", "c-1")], |tracer| {
            tracer.internal("step").correlation_id("c-1")
        });
    }

    #[test]
    fn a_long_statement_is_cut_at_a_character() {
        let (tracer, captured) = start();
        drop(tracer.database("sqlite", "select", Some(&"é".repeat(600))).start());
        let statement = &attributes(&captured.spans()[0])["db.statement"];
        assert_eq!(statement.chars().count(), 500);
    }

    #[test]
    fn a_span_ends_with_its_last_handle_though_its_context_lives_on() {
        let (tracer, captured) = start();
        let span = tracer.internal("step").start();
        let (handle, context) = (span.clone(), span.context().clone());
        drop(span);
        assert!(captured.spans().is_empty());
        drop(handle);
        assert_eq!(captured.spans().len(), 1);
        drop(context);
        assert_eq!(captured.spans().len(), 1);
    }

    #[test]
    fn the_parent_is_the_active_span_unless_another_is_given() {
        let (tracer, captured) = start();
        let outer = tracer.internal("outer").under(&Context::new()).start();
        {
            let _active = outer.context().clone().attach();
            drop(tracer.internal("inner").start());
            drop(tracer.internal("elsewhere").under(&Context::new()).link(outer.context()).start());
        }
        assert_eq!(captured.span("inner").unwrap().parent_span_id, outer.span_id());
        let elsewhere = captured.span("elsewhere").unwrap();
        assert_eq!(elsewhere.parent_span_id, SpanId::INVALID);
        assert_eq!(elsewhere.links.links[0].span_context.span_id(), outer.span_id());
    }

    #[test]
    fn an_attribute_set_twice_is_there_once_with_its_last_value() {
        let (tracer, captured) = start();
        let span = tracer.internal("step").with("retry", 1_i64).start();
        span.set("retry", 2_i64);
        span.set("retry", 3_i64);
        drop(span);
        assert_eq!(captured.spans()[0].attributes, [KeyValue::new("retry", 3_i64)]);
    }

    #[test]
    fn the_stable_http_names_come_along_or_instead() {
        for (names, count) in [(HttpNames::Guide, 3), (HttpNames::Both, 5), (HttpNames::Stable, 3)] {
            let settings = Settings { http_names: names, ..Settings::new("medicalcor-api") };
            let (telemetry, captured) = Telemetry::start_capturing(&settings);
            drop(telemetry.tracer("test").server("GET", Some("/health"), "/health").start());
            let attributes = attributes(&captured.spans()[0]);
            assert_eq!(attributes.len(), count, "{names:?}: {attributes:?}");
            assert_eq!(attributes.contains_key("http.method"), names != HttpNames::Stable);
            assert_eq!(attributes.get("http.request.method").is_some_and(|method| method == "GET"), names != HttpNames::Guide);
            assert_eq!(attributes.contains_key("url.path"), names != HttpNames::Guide);
            assert!(attributes.contains_key("http.route"));
        }
    }

    #[test]
    fn disabled_telemetry_passes_the_context_through() {
        let settings = Settings { enabled: false, ..Settings::new("medicalcor-api") };
        let (telemetry, captured) = Telemetry::start_capturing(&settings);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let carrier = crate::telemetry::Carrier { traceparent: Some(parent.to_owned()), ..Default::default() };
        let span = telemetry.tracer("test").internal("step").under(&carrier.context()).start();
        assert_eq!(crate::telemetry::Carrier::of(span.context()), carrier);
        drop(span);
        assert!(captured.spans().is_empty());
    }

    #[test]
    fn disabled_telemetry_does_not_write_on_its_parents_span() {
        let (tracer, captured) = start();
        let outer = tracer.internal("outer").start();
        let disabled = Settings { enabled: false, ..Settings::new("medicalcor-web") };
        let (telemetry, _) = Telemetry::start_capturing(&disabled);
        let inner = telemetry.tracer("test").internal("inner").under(outer.context()).start();
        inner.set("inner", true);
        inner.event("inner", []);
        crate::telemetry::record_span_error(&inner, &std::fmt::Error);
        assert!(captured.spans().is_empty(), "the parent goes on");
        drop(outer);
        let outer = &captured.spans()[0];
        assert!(outer.attributes.is_empty() && outer.events.is_empty());
    }
}
