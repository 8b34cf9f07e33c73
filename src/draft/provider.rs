//! What providers' tables say of a delivery. The one file of this room that knows how a provider is told and described.
//!
//! Read by [`super::redact()`] (which fields are personal), [`super::event`] (names) and [`super::text`] (how the request is written).

use http::HeaderName;

use super::{Delivery, body::Format};
use crate::webhook::{Content, FieldKind, PLAIN, Provider, Providers, scan::Step};

/// Who sent a delivery; nobody where no provider sends such a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sender(Option<Provider>);

impl Sender {
    /// Tells it by what the request brings.
    pub(super) fn detect(providers: &Providers, delivery: &Delivery) -> Self {
        Self(providers.detect(&delivery.method, &delivery.path, &delivery.headers, &delivery.body).cloned())
    }

    /// The provider of a name in fixtures.
    pub(super) fn named(providers: &Providers, name: &str) -> Self {
        Self(providers.get(name).cloned())
    }

    /// Its name in fixtures; empty for nobody.
    pub(super) fn name(&self) -> &str {
        self.0.as_ref().map_or("", Provider::name)
    }

    /// Whether it is one that was recognised: neither nobody nor `plain`, which anybody may be.
    pub(super) fn is_somebody(&self) -> bool {
        self.0.as_ref().is_some_and(|provider| provider.name() != PLAIN)
    }

    /// Whether a fixture can have this delivery under the provider's name: fresh and signed, or, from somebody who signs, as it is.
    pub(super) fn can_send(&self, method: &str, format: Format) -> bool {
        let sends = self.0.as_ref().is_some_and(|provider| provider.method() == method);
        sends && (self.is_somebody() || format != Format::Text)
    }

    /// Whether the replay makes a body of this form fresh; one that it does not is sent as it is.
    pub(super) fn can_read(&self, format: Format) -> bool {
        match format {
            Format::Json => self.0.as_ref().is_some_and(|provider| provider.content() == Content::Json),
            Format::Form => self.0.is_some(),
            Format::Text => false,
        }
    }

    /// Where its deliveries go unless a fixture says otherwise.
    pub(super) fn route(&self) -> Option<&str> {
        self.0.as_ref().filter(|provider| provider.has_path()).map(Provider::path)
    }

    /// The media type that a fixture need not say for a body of this form.
    pub(super) fn media_type(&self, format: Format) -> &'static str {
        match (format, &self.0) {
            // A file `*.form` says it.
            (Format::Form, Some(_)) => Content::Form.media_type(),
            (_, provider) => provider.as_ref().map_or(Content::Json.media_type(), Provider::content_type),
        }
    }

    /// Whether its table says what the fields are, so that an id that is not in it is no one delivery's.
    pub(super) fn has_table(&self) -> bool {
        self.0.as_ref().is_some_and(|provider| provider.fields().iter().next().is_some())
    }

    /// What its table says of a field.
    pub(super) fn field(&self, path: &[Step<'_>]) -> Option<FieldKind> {
        self.0.as_ref()?.fields().kind_at(path)
    }

    /// Whether the replay writes this header itself.
    pub(super) fn writes(&self, header: &HeaderName) -> bool {
        self.0.as_ref().is_some_and(|provider| provider.signing_headers().any(|name| name == header))
    }

    /// Whether a header of its own holds a signature or a shared secret, as far as its value can tell: ids and times stand there too.
    pub(super) fn signs_with(&self, header: &HeaderName, value: &str) -> bool {
        let is_id = self.0.as_ref().and_then(Provider::id_header) == Some(header);
        self.writes(header) && !is_id && !value.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The header that names the event.
    pub(super) fn event_header(&self) -> Option<&HeaderName> {
        self.0.as_ref()?.event_header()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::{Delivery, Format, Sender};
    use crate::webhook::{Definition, Provider, Providers};

    fn told(providers: &Providers, method: Method, path: &str, names: &[&'static str]) -> Sender {
        let headers: HeaderMap =
            names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x"))).collect();
        let delivery = Delivery { method, path: path.to_owned(), headers, body: b"{}".to_vec(), answer: None, trace: None };
        Sender::detect(providers, &delivery)
    }

    #[test]
    fn a_sender_is_somebody_or_anybody_or_nobody() {
        let all = Providers::built_in();
        let stripe = told(&all, Method::POST, "/hooks/pay", &["stripe-signature"]);
        assert!(stripe.name() == "stripe" && stripe.is_somebody() && stripe.can_send("POST", Format::Text));
        let plain = told(&all, Method::POST, "/hooks", &[]);
        assert!(plain.name() == "plain" && !plain.is_somebody() && !plain.has_table() && plain.route().is_none());
        assert!(plain.can_send("POST", Format::Form) && !plain.can_send("POST", Format::Text));
        let nobody = told(&all, Method::GET, "/webhooks/whatsapp", &[]);
        assert!(nobody.name().is_empty() && !nobody.is_somebody() && !nobody.can_send("GET", Format::Json));
    }

    #[test]
    fn a_providers_own_headers_are_written_anew_and_may_hold_secrets() {
        let slack = Sender::named(&Providers::built_in(), "slack");
        let (signature, time) = ("x-slack-signature", "x-slack-request-timestamp");
        let header = HeaderName::from_static;
        assert!(slack.writes(&header(signature)) && slack.writes(&header(time)) && !slack.writes(&header("x-slack-retry-num")));
        assert!(slack.signs_with(&header(signature), "v0=ab12") && !slack.signs_with(&header(time), "1700000000"));
        let github = Sender::named(&Providers::built_in(), "github");
        assert!(!github.signs_with(&header("x-github-delivery"), "72d3162e-cc78-11e3-81ab-4c9367dc0958"));
        assert_eq!(github.event_header(), Some(&header("x-github-event")));
    }

    #[test]
    fn a_projects_own_provider_is_told_too() {
        let own = Provider::new(Definition { path: Some("/hooks/acme".to_owned()), ..Definition::new("acme") });
        let all = Providers::built_in().with(vec![own]);
        let acme = told(&all, Method::POST, "/hooks/acme?x=1", &[]);
        assert!(acme.name() == "acme" && acme.is_somebody() && acme.route() == Some("/hooks/acme"));
    }
}
