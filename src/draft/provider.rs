//! What providers' tables say of a delivery. The one file of this room that knows how a provider is told and described.
//!
//! Read by [`super::redact()`] (which fields are personal), [`super::event`] (names) and [`super::text`] (how the request is written).
//!
//! The detection is a shim: it goes when the registry of providers can tell whose delivery it is (`Providers::detect`).

use http::{HeaderMap, Method};

use crate::webhook::{FieldKind, Provider, Providers, scan::Step};

/// Headers that only one provider sends, and its name in fixtures.
const TELLING: [(&str, &str); 9] = [
    ("stripe-signature", "stripe"),
    ("x-pipedrive-signature", "pipedrive"),
    ("x-hub-signature-256", "whatsapp"),
    ("x-github-event", "github"),
    ("x-slack-signature", "slack"),
    ("x-shopify-topic", "shopify"),
    ("x-twilio-signature", "twilio"),
    ("x-vapi-secret", "vapi"),
    ("webhook-signature", "standard-webhooks"),
];

/// Who sent a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sender {
    /// Its name; empty when nobody is recognised.
    pub(super) name: String,
    /// Its tables, where devstack has some.
    known: Option<Provider>,
}

impl Sender {
    /// Tells it by headers that only it sends, else by where it delivers.
    pub(super) fn detect(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        // GitHub sends the signature header that Meta's webhooks have too, and says which event it is.
        let named = TELLING.iter().rev().find(|(header, _)| headers.contains_key(*header)).map(|(_, name)| *name);
        let route = path.split('?').next().unwrap_or_default();
        let providers = Providers::built_in();
        let by_route = || providers.iter().find(|one| one.path() == route && method == one.method()).cloned();
        match named {
            Some(name) => {
                Self { name: name.to_owned(), known: providers.get(name).filter(|one| method == one.method()).cloned() }
            }
            None => by_route().map(Self::of).unwrap_or_default(),
        }
    }

    /// The provider of a name in fixtures.
    pub(super) fn named(name: &str) -> Self {
        Providers::built_in().get(name).cloned().map(Self::of).unwrap_or_default()
    }

    fn of(provider: Provider) -> Self {
        Self { name: provider.name().to_owned(), known: Some(provider) }
    }

    /// Whether fixtures can have its deliveries: with fresh values, signed.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Where its deliveries go unless a fixture says otherwise.
    pub(super) fn route(&self) -> Option<&str> {
        self.known.as_ref().map(Provider::path)
    }

    /// The media type of its bodies unless a fixture says otherwise.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        self.known.as_ref().map(Provider::content_type)
    }

    /// What its table says of a field.
    pub(super) fn field(&self, path: &[Step<'_>]) -> Option<FieldKind> {
        self.known.as_ref()?.fields().kind_at(path)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::Sender;

    #[test]
    fn a_sender_is_told_by_its_headers_and_else_by_its_route() {
        let tell = |path: &str, names: &[&'static str]| {
            let headers: HeaderMap =
                names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x"))).collect();
            let sender = Sender::detect(&Method::POST, path, &headers);
            (sender.name.clone(), sender.is_known())
        };
        assert_eq!(tell("/hooks/pay", &["stripe-signature"]), ("stripe".to_owned(), true));
        assert_eq!(tell("/webhooks/crm?x=1", &[]), ("pipedrive".to_owned(), true));
        assert_eq!(tell("/hooks", &["x-hub-signature-256", "x-github-event"]).0, "github");
        assert_eq!(tell("/hooks", &[]), (String::new(), false));
        assert_eq!(Sender::detect(&Method::GET, "/webhooks/whatsapp", &HeaderMap::new()).name, "");
    }
}
