//! The secrets that providers and the API share: read from the environment, or made for one run.
//!
//! Filled by `cli` (environment, state file) or per run; read by [`sign`](super::sign()), [`verify`](super::verify()), the demo services,
//! and by whoever injects them into a process (`variables`) or looks for leaks (`values`). Never shown by `Debug`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::definition::{Encoding, SECRET_PREFIX};
use crate::support::{env::Env, random};

/// Random bytes in a generated secret: 32, the block that HMAC-SHA256 itself puts out.
const GENERATED_BYTES: usize = 32;

/// Key of `WhatsApp`'s `x-hub-signature-256`.
pub const WHATSAPP_WEBHOOK_SECRET: &str = "WHATSAPP_WEBHOOK_SECRET";
/// The token that `GET /webhooks/whatsapp` must bring.
pub const WHATSAPP_VERIFY_TOKEN: &str = "WHATSAPP_VERIFY_TOKEN";
/// Key of `stripe-signature`.
pub const STRIPE_WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
/// Key of `x-pipedrive-signature`.
pub const PIPEDRIVE_WEBHOOK_SECRET: &str = "PIPEDRIVE_WEBHOOK_SECRET";
/// The value of `x-crm-webhook-secret`, sent beside the signature.
pub const CRM_WEBHOOK_SECRET: &str = "CRM_WEBHOOK_SECRET";
/// Key of `x-vapi-signature`.
pub const VAPI_WEBHOOK_SECRET: &str = "VAPI_WEBHOOK_SECRET";
/// Key of `x-twilio-signature`: the token of the account.
pub const TWILIO_AUTH_TOKEN: &str = "TWILIO_AUTH_TOKEN";
/// Key of GitHub's `x-hub-signature-256`.
pub const GITHUB_WEBHOOK_SECRET: &str = "GITHUB_WEBHOOK_SECRET";
/// Key of `x-slack-signature`.
pub const SLACK_SIGNING_SECRET: &str = "SLACK_SIGNING_SECRET";
/// Key of `x-shopify-hmac-sha256`: the secret of the app.
pub const SHOPIFY_API_SECRET: &str = "SHOPIFY_API_SECRET";
/// Key of `webhook-signature`, in base64 after `whsec_`.
pub const STANDARD_WEBHOOKS_SECRET: &str = "STANDARD_WEBHOOKS_SECRET";
/// The bearer token of the Trigger.dev HTTP API.
pub const TRIGGER_SECRET_KEY: &str = "TRIGGER_SECRET_KEY";

/// The secrets that the demo services share with whoever sends them webhooks, named as in `MedicalCor`'s configuration.
pub const OF_DEMO: [&str; 6] = [
    WHATSAPP_WEBHOOK_SECRET,
    WHATSAPP_VERIFY_TOKEN,
    STRIPE_WEBHOOK_SECRET,
    PIPEDRIVE_WEBHOOK_SECRET,
    CRM_WEBHOOK_SECRET,
    TRIGGER_SECRET_KEY,
];

/// What the real ones begin with, so that a generated one passes a check of its form.
fn prefix(variable: &str) -> &'static str {
    match variable {
        STRIPE_WEBHOOK_SECRET => SECRET_PREFIX,
        TRIGGER_SECRET_KEY => "tr_dev_",
        _ => "",
    }
}

/// A new secret for `variable` from the operating system's randomness.
fn generate(variable: &str) -> String {
    let bytes = random::bytes::<GENERATED_BYTES>();
    match variable {
        STANDARD_WEBHOOKS_SECRET => format!("{SECRET_PREFIX}{}", Encoding::Base64.encode(&bytes)),
        _ => format!("{}{}", prefix(variable), Encoding::Hex.encode(&bytes)),
    }
}

/// The secrets of one run or one stack by environment variable; any may be unset.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads those of `variables` that `env` has.
    pub fn from_env<'n>(env: &dyn Env, variables: impl IntoIterator<Item = &'n str>) -> Self {
        Self(variables.into_iter().filter_map(|name| Some((name.to_owned(), env.get(name)?))).collect())
    }

    /// Makes those of `variables` anew from the operating system's randomness.
    pub fn generated<'n>(variables: impl IntoIterator<Item = &'n str>) -> Self {
        Self::default().or_generated(variables)
    }

    /// Keeps what is set and makes the rest of `variables` anew.
    #[must_use]
    pub fn or_generated<'n>(mut self, variables: impl IntoIterator<Item = &'n str>) -> Self {
        for name in variables {
            self.0.entry(name.to_owned()).or_insert_with(|| generate(name));
        }
        self
    }

    /// Adds those of `others` that are not here.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// Sets one secret; the empty string unsets it.
    #[must_use]
    pub fn with(mut self, variable: impl Into<String>, value: impl Into<String>) -> Self {
        let (variable, value) = (variable.into(), value.into());
        if value.is_empty() {
            self.0.remove(&variable);
        } else {
            self.0.insert(variable, value);
        }
        self
    }

    /// The value of one secret; `None` when it is unset.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }

    /// Every set secret as an environment variable and its value, for a process that is started with them.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every set value, to look for leaks and to redact.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, "set"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{CRM_WEBHOOK_SECRET, OF_DEMO, STRIPE_WEBHOOK_SECRET, Secrets};
    use crate::support::env::Map;

    #[test]
    fn the_environment_fills_what_it_has_and_the_rest_is_generated() {
        let env: Map = [("STRIPE_WEBHOOK_SECRET", "whsec_mine"), ("CRM_WEBHOOK_SECRET", "")].into_iter().collect();
        let read = Secrets::from_env(&env, OF_DEMO);
        assert_eq!(read.get(STRIPE_WEBHOOK_SECRET), Some("whsec_mine"));
        assert_eq!(read.get(CRM_WEBHOOK_SECRET), None, "set to nothing is unset");

        let full = read.or_generated(OF_DEMO);
        assert_eq!(full.get(STRIPE_WEBHOOK_SECRET), Some("whsec_mine"));
        assert!(OF_DEMO.into_iter().all(|name| full.get(name).is_some_and(|value| !value.is_empty())));
        assert_ne!(Secrets::generated(OF_DEMO), Secrets::generated(OF_DEMO));
    }

    #[test]
    fn debug_names_the_secrets_and_shows_none() {
        let secrets = Secrets::generated(OF_DEMO);
        let shown = format!("{secrets:?} {secrets:#?}");
        assert!(shown.contains("STRIPE_WEBHOOK_SECRET"));
        for value in secrets.values() {
            assert!(!shown.contains(value));
        }
    }

    #[test]
    fn a_state_file_carries_them_under_their_variables() {
        let secrets = Secrets::generated(OF_DEMO);
        let text = serde_json::to_string(&secrets).unwrap();
        assert!(OF_DEMO.into_iter().all(|name| text.contains(name)));
        assert_eq!(serde_json::from_str::<Secrets>(&text).unwrap(), secrets);
        assert_eq!(secrets.variables().count(), OF_DEMO.len());
    }
}
