//! Whose delivery a request is, by what it brings.
//!
//! Asked by `record` for what it forwards. A signature's header says it, but Meta and GitHub share one; then the headers beside it and
//! the shape of the body do.

use http::{HeaderMap, Method};

use super::{Provider, Providers, built_in::PLAIN, definition::Content, form, scan};

/// What speaks for a provider, most telling first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Marks {
    /// How many of the headers that it always sends are there, the event's included.
    headers: usize,
    /// How many values of the body stand where its table has them.
    fields: usize,
    /// Whether it is the path of its deliveries.
    path: bool,
}

impl Providers {
    /// Whose delivery it is: by the header of the signature, else by the path, else `plain`. `None` when nobody sends with this method.
    pub fn detect(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<&Provider> {
        let path = path.split('?').next().unwrap_or_default();
        let sends: Vec<&Provider> = self.iter().filter(|provider| provider.method() == method).collect();
        let signed = |provider: &Provider| provider.signing().is_some_and(|signing| headers.contains_key(&signing.header));
        let there = |provider: &Provider| provider.has_path() && provider.path() == path;
        let best = |candidate: &dyn Fn(&Provider) -> bool| {
            let candidates = sends.iter().copied().filter(|provider| candidate(provider));
            // Of equals the last one: a project's own definitions stand behind the built-in ones.
            candidates.max_by_key(|provider| Marks {
                headers: headers_there(provider, headers),
                fields: fields_there(provider, body),
                path: there(provider),
            })
        };
        best(&signed).or_else(|| best(&there)).or_else(|| sends.iter().copied().find(|provider| provider.name() == PLAIN))
    }
}

fn headers_there(provider: &Provider, headers: &HeaderMap) -> usize {
    provider.signing_headers().chain(provider.event_header()).filter(|name| headers.contains_key(*name)).count()
}

/// A body of another form has none, and neither has one that cannot be read.
fn fields_there(provider: &Provider, body: &[u8]) -> usize {
    let mut found = 0;
    let mut visit = |path: &[scan::Step<'_>], _: scan::Scalar<'_>| {
        found += usize::from(provider.fields().kind_at(path).is_some());
    };
    let read = match provider.content() {
        Content::Json => scan::scan(body, &mut visit),
        Content::Form => form::scan(body, &mut visit),
    };
    read.map_or(0, |()| found)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use crate::webhook::{Definition, Parts, Provider, Providers, Secrets, Signature, sign};

    fn detected(method: &Method, path: &str, headers: &[(&'static str, &'static str)], body: &str) -> Option<String> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        let all = Providers::built_in();
        all.detect(method, path, &headers, body.as_bytes()).map(|provider| provider.name().to_owned())
    }

    const MESSAGE: &str =
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"messages":[{"id":"wamid.1"}]}}]}]}"#;

    #[test]
    fn what_a_provider_signs_is_known_for_its_own_wherever_it_goes() {
        let all = Providers::built_in();
        let secrets = Secrets::generated(all.variables());
        for provider in all.iter() {
            let body = if provider.name() == "whatsapp" { MESSAGE } else { "{}" };
            let parts = Parts { body: body.as_bytes(), url: "http://localhost/elsewhere", id: "1", unix_seconds: 1_700_000_000 };
            let headers = sign(provider, &secrets, &parts, Signature::Valid).unwrap().into_iter().collect();
            assert_eq!(all.detect(&Method::POST, "/elsewhere?a=b", &headers, parts.body), Some(provider));
        }
    }

    #[test]
    fn without_a_signature_the_path_says_it() {
        for provider in Providers::built_in().iter().filter(|provider| provider.has_path()) {
            let path = format!("{}?token=1", provider.path());
            assert_eq!(detected(&Method::POST, &path, &[], "").as_deref(), Some(provider.name()));
        }
        assert_eq!(detected(&Method::POST, "/hooks", &[], "{}").as_deref(), Some("plain"));
        assert_eq!(detected(&Method::GET, "/webhooks/whatsapp", &[], ""), None, "a question, no delivery");
    }

    #[test]
    fn github_and_whatsapp_share_a_header_and_are_told_apart() {
        let hub = ("x-hub-signature-256", "sha256=00");
        let who = |headers: &[(&'static str, &'static str)], path: &str, body: &str| detected(&Method::POST, path, headers, body);
        assert_eq!(who(&[hub, ("x-github-event", "push")], "/", "{}").as_deref(), Some("github"));
        assert_eq!(who(&[hub, ("x-github-delivery", "1")], "/webhooks/whatsapp", "{}").as_deref(), Some("github"));
        assert_eq!(who(&[hub], "/", MESSAGE).as_deref(), Some("whatsapp"));
        assert_eq!(who(&[hub], "/", r#"{"after":"00","pusher":{"name":"a"}}"#).as_deref(), Some("github"));
        assert_eq!(who(&[hub], "/webhooks/whatsapp", "not json").as_deref(), Some("whatsapp"), "only the path is left");
    }

    #[test]
    fn an_own_definition_goes_before_a_built_in_one_that_fits_as_well() {
        let own = Definition { path: Some("/webhooks/stripe".to_owned()), ..Definition::new("mine") };
        let all = Providers::built_in().with(vec![Provider::new(own)]);
        let detected = all.detect(&Method::POST, "/webhooks/stripe", &HeaderMap::new(), b"{}");
        assert_eq!(detected.map(Provider::name), Some("mine"));
    }
}
