//! A provider as the rest of the program has it, and all of them by name.
//!
//! Made of a [`Definition`]; read by `fixture` (names), `check` (address, content) and the other files of this room.

use std::{collections::BTreeSet, fmt, sync::Arc};

use http::{HeaderName, Method};

use super::{
    built_in,
    definition::{Content, Definition, Signing},
    fields::Fields,
    template::{Template, Variable},
};
use crate::support::env::Env;

/// Who sends a webhook. Cloning is cheap; two are equal when all that makes them is.
#[derive(Clone, PartialEq, Eq)]
pub struct Provider(Arc<Definition>);

impl Provider {
    /// The provider of a definition.
    pub fn new(definition: Definition) -> Self {
        Self(Arc::new(definition))
    }

    /// The name in fixtures.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Other names for it.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.0.aliases.iter().map(String::as_str)
    }

    /// The path that takes its deliveries, `/` where only the fixture knows.
    pub fn path(&self) -> &str {
        self.0.path.as_deref().unwrap_or("/")
    }

    /// Whether a fixture may leave the path out.
    pub fn has_path(&self) -> bool {
        self.0.path.is_some()
    }

    /// The HTTP method of its deliveries.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// `service.name` of the service that takes its deliveries; `None` when that is not known.
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The header that names the event; a fixture says what is in it.
    pub fn event_header(&self) -> Option<&HeaderName> {
        self.0.event.as_ref()
    }

    /// The header that tells the id of a delivery.
    pub fn id_header(&self) -> Option<&HeaderName> {
        self.0.headers.iter().find(|(_, template)| template.has(&Variable::Id)).map(|(name, _)| name)
    }

    /// Every header that only this room writes: the signature's, and those beside it.
    pub fn signing_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.signing.iter().map(|signing| &signing.header).chain(self.0.headers.iter().map(|(name, _)| name))
    }

    /// The same provider with bodies of another form: Slack sends events as JSON and commands as forms.
    #[must_use]
    pub fn with_content(&self, content: Content) -> Self {
        Self::new(Definition { content, ..Definition::clone(&self.0) })
    }

    /// The form of its bodies.
    pub fn content(&self) -> Content {
        self.0.content
    }

    /// The media type of its bodies.
    pub fn content_type(&self) -> &'static str {
        self.0.content.media_type()
    }

    /// Values of its bodies that differ from delivery to delivery.
    pub fn fields(&self) -> &Fields {
        &self.0.fields
    }

    /// Environment variables of the secrets that signing takes.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let shared = self.0.headers.iter().flat_map(|(_, template)| template.variables()).filter_map(|variable| match variable {
            Variable::Secret(name) => Some(name.as_str()),
            _ => None,
        });
        self.0.signing.iter().map(|signing| signing.secret.as_str()).chain(shared)
    }

    /// The environment variable of the key that it signs with; `None` when it does not sign.
    pub fn key(&self) -> Option<&str> {
        self.0.signing.as_ref().map(|signing| signing.secret.as_str())
    }

    pub(super) fn headers(&self) -> &[(HeaderName, Template)] {
        &self.0.headers
    }

    pub(super) fn signing(&self) -> Option<&Signing> {
        self.0.signing.as_ref()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.name())
    }
}

/// The providers that a run knows; each name stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers(Arc<[Provider]>);

impl Default for Providers {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Providers {
    /// Those that devstack knows.
    pub fn built_in() -> Self {
        Self(built_in::all().into())
    }

    /// Adds more. One with the name of a provider that is there takes its place; an alias that is the name of a new one goes to that.
    #[must_use]
    pub fn with(self, more: Vec<Provider>) -> Self {
        let mut all: Vec<Provider> = self.0.to_vec();
        for new in more {
            match all.iter_mut().find(|known| known.name() == new.name()) {
                Some(known) => *known = new,
                None => all.push(new),
            }
        }
        Self(all.into())
    }

    /// The provider of a name or an alias; `None` for any other word.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        let by_name = self.iter().find(|provider| provider.name() == name);
        by_name.or_else(|| self.iter().find(|provider| provider.aliases().any(|alias| alias == name)))
    }

    /// Every word that [`Providers::get`] takes, for messages and suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().flat_map(|provider| std::iter::once(provider.name()).chain(provider.aliases()))
    }

    /// Has the URL signed that `env` says, where a provider signs URLs and its services are told theirs by a variable
    /// (`TWILIO_WEBHOOK_URL`).
    #[must_use]
    pub fn with_urls_of(self, env: &dyn Env) -> Self {
        let told = |provider: &Provider| {
            let signing = provider.signing()?;
            let url = env.get(signing.url_variable.as_deref()?)?;
            let signing = Some(Signing { url: Some(url), ..signing.clone() });
            Some(Provider::new(Definition { signing, ..Definition::clone(&provider.0) }))
        };
        Self(self.iter().map(|provider| told(provider).unwrap_or_else(|| provider.clone())).collect())
    }

    /// The environment variables of every secret that some provider signs with; each once, sorted.
    pub fn variables(&self) -> BTreeSet<&str> {
        self.iter().flat_map(Provider::variables).collect()
    }

    /// Every provider, in the order in which lists show them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::definition::Definition, Provider, Providers};

    #[test]
    fn every_listed_name_is_a_provider_and_every_provider_is_listed() {
        let all = Providers::built_in();
        for name in all.names() {
            assert!(all.get(name).is_some(), "{name}");
        }
        for provider in all.iter() {
            assert_eq!(all.get(provider.name()), Some(provider));
        }
        assert_eq!(all.get("crm"), Some(&Provider::pipedrive()));
        assert_eq!(all.get("WhatsApp"), None);
    }

    #[test]
    fn an_own_definition_takes_the_place_of_a_built_in_one() {
        let own = |name: &str, path: &str| Provider::new(Definition { path: Some(path.to_owned()), ..Definition::new(name) });
        let all = Providers::built_in().with(vec![own("stripe", "/own"), own("crm", "/crm"), own("acme", "/acme")]);
        assert_eq!(all.get("stripe").map(Provider::path), Some("/own"));
        assert_eq!(all.get("crm").map(Provider::path), Some("/crm"), "a name goes before an alias");
        assert_eq!(all.get("pipedrive"), Some(&Provider::pipedrive()));
        assert_eq!(all.get("acme").map(Provider::path), Some("/acme"));
        assert_eq!(all.iter().count(), Providers::built_in().iter().count() + 2);
    }
}
