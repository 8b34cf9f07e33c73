//! The secrets that providers and the API share: read from the environment, or made for one run.
//!
//! Filled by `cli` (environment, state file) or per run; read by [`sign`](super::sign()), [`verify`](super::verify()), the demo services,
//! and by whoever injects them into a process (`variables`) or looks for leaks (`values`). Never shown by `Debug`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::support::{env::Env, random};

/// Random bytes in a generated secret: 32, the block that HMAC-SHA256 itself puts out.
const GENERATED_BYTES: usize = 32;

/// Which secret. Serialised as its environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SecretName {
    /// Key of `x-hub-signature-256`.
    #[serde(rename = "WHATSAPP_WEBHOOK_SECRET")]
    WhatsAppWebhook,
    /// The token that `GET /webhooks/whatsapp` must bring.
    #[serde(rename = "WHATSAPP_VERIFY_TOKEN")]
    WhatsAppVerifyToken,
    /// Key of `stripe-signature`.
    #[serde(rename = "STRIPE_WEBHOOK_SECRET")]
    StripeWebhook,
    /// Key of `x-pipedrive-signature`.
    #[serde(rename = "PIPEDRIVE_WEBHOOK_SECRET")]
    PipedriveWebhook,
    /// The value of `x-crm-webhook-secret`, sent beside the signature.
    #[serde(rename = "CRM_WEBHOOK_SECRET")]
    CrmWebhook,
    /// The bearer token of the Trigger.dev HTTP API.
    #[serde(rename = "TRIGGER_SECRET_KEY")]
    TriggerKey,
}

impl SecretName {
    /// Every secret.
    pub const ALL: [Self; 6] = [
        Self::WhatsAppWebhook,
        Self::WhatsAppVerifyToken,
        Self::StripeWebhook,
        Self::PipedriveWebhook,
        Self::CrmWebhook,
        Self::TriggerKey,
    ];

    /// The environment variable that carries it, named as in `MedicalCor`'s configuration.
    pub fn variable(self) -> &'static str {
        match self {
            Self::WhatsAppWebhook => "WHATSAPP_WEBHOOK_SECRET",
            Self::WhatsAppVerifyToken => "WHATSAPP_VERIFY_TOKEN",
            Self::StripeWebhook => "STRIPE_WEBHOOK_SECRET",
            Self::PipedriveWebhook => "PIPEDRIVE_WEBHOOK_SECRET",
            Self::CrmWebhook => "CRM_WEBHOOK_SECRET",
            Self::TriggerKey => "TRIGGER_SECRET_KEY",
        }
    }

    /// What the real ones begin with, so that a generated one passes a check of its form.
    fn prefix(self) -> &'static str {
        match self {
            Self::StripeWebhook => "whsec_",
            Self::TriggerKey => "tr_dev_",
            _ => "",
        }
    }
}

/// The secrets of one run or one stack; any may be unset.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<SecretName, String>);

impl Secrets {
    /// Reads every secret that `env` has.
    pub fn from_env(env: &dyn Env) -> Self {
        Self(SecretName::ALL.into_iter().filter_map(|name| Some((name, env.get(name.variable())?))).collect())
    }

    /// Makes every secret anew from the operating system's randomness.
    pub fn generated() -> Self {
        Self::default().or_generated()
    }

    /// Keeps what is set and makes the rest anew.
    #[must_use]
    pub fn or_generated(mut self) -> Self {
        for name in SecretName::ALL {
            self.0
                .entry(name)
                .or_insert_with(|| format!("{}{}", name.prefix(), const_hex::encode(random::bytes::<GENERATED_BYTES>())));
        }
        self
    }

    /// Sets one secret; the empty string unsets it.
    #[must_use]
    pub fn with(mut self, name: SecretName, value: impl Into<String>) -> Self {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
        self
    }

    /// The value of one secret; `None` when it is unset.
    pub fn get(&self, name: SecretName) -> Option<&str> {
        self.0.get(&name).map(String::as_str)
    }

    /// Every set secret as an environment variable and its value, for a process that is started with them.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (name.variable(), value.as_str()))
    }

    /// Every set value, to look for leaks and to redact.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name.variable(), "set"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{SecretName, Secrets};
    use crate::support::env::Map;

    #[test]
    fn the_environment_fills_what_it_has_and_the_rest_is_generated() {
        let env: Map = [("STRIPE_WEBHOOK_SECRET", "whsec_mine"), ("CRM_WEBHOOK_SECRET", "")].into_iter().collect();
        let read = Secrets::from_env(&env);
        assert_eq!(read.get(SecretName::StripeWebhook), Some("whsec_mine"));
        assert_eq!(read.get(SecretName::CrmWebhook), None, "set to nothing is unset");

        let full = read.or_generated();
        assert_eq!(full.get(SecretName::StripeWebhook), Some("whsec_mine"));
        assert!(SecretName::ALL.into_iter().all(|name| full.get(name).is_some_and(|value| !value.is_empty())));
        assert_ne!(Secrets::generated(), Secrets::generated());
    }

    #[test]
    fn debug_names_the_secrets_and_shows_none() {
        let secrets = Secrets::generated();
        let shown = format!("{secrets:?} {secrets:#?}");
        assert!(shown.contains("STRIPE_WEBHOOK_SECRET"));
        for value in secrets.values() {
            assert!(!shown.contains(value));
        }
    }

    #[test]
    fn a_state_file_carries_them_under_their_variables() {
        let secrets = Secrets::generated();
        let text = serde_json::to_string(&secrets).unwrap();
        assert!(SecretName::ALL.into_iter().all(|name| text.contains(name.variable())));
        assert_eq!(serde_json::from_str::<Secrets>(&text).unwrap(), secrets);
        assert_eq!(secrets.variables().count(), SecretName::ALL.len());
    }
}
