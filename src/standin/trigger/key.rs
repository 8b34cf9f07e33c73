//! The bearer token that lets callers of a Trigger.dev API in.
//!
//! Held by the stand-in and by `demo`'s worker; never shown.

use std::fmt;

use http::{HeaderMap, header};

use crate::webhook::{Secrets, same_secret, secrets::TRIGGER_SECRET_KEY};

/// The secret key of an environment (`TRIGGER_SECRET_KEY`).
pub(crate) struct BearerKey(String);

impl BearerKey {
    /// The key among these secrets; without one, nobody is let in.
    pub(crate) fn of(secrets: &Secrets) -> Self {
        Self(secrets.get(TRIGGER_SECRET_KEY).unwrap_or_default().to_owned())
    }

    /// Whether there is none.
    pub(crate) fn is_unset(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request brings it.
    pub(crate) fn authorizes(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = given.strip_prefix("Bearer ").unwrap_or_default();
        !self.is_unset() && same_secret(&self.0, token)
    }
}

impl fmt::Debug for BearerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_unset() { "BearerKey(unset)" } else { "BearerKey(set)" })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::BearerKey;
    use crate::webhook::{Secrets, secrets::TRIGGER_SECRET_KEY};

    fn bearing(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_the_key_itself_opens() {
        let key = BearerKey::of(&Secrets::default().with(TRIGGER_SECRET_KEY, "tr_dev_1"));
        assert!(key.authorizes(&bearing("Bearer tr_dev_1")));
        for other in ["Bearer tr_dev_2", "Bearer ", "tr_dev_1", "Basic tr_dev_1", ""] {
            assert!(!key.authorizes(&bearing(other)), "{other}");
        }
        assert!(!key.authorizes(&HeaderMap::new()));
        assert_eq!(format!("{key:?}"), "BearerKey(set)");
    }

    #[test]
    fn without_a_key_nobody_is_let_in() {
        let key = BearerKey::of(&Secrets::default());
        assert!(!key.authorizes(&bearing("Bearer ")) && !key.authorizes(&HeaderMap::new()));
    }
}
