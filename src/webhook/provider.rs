//! The webhook providers that devstack knows: their names in fixtures and where their deliveries go.
//!
//! The facts are those of `MedicalCor`'s API. Read by `fixture` (names), `replay` (address) and the other files of this room.

use http::Method;

/// Who sends a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// `WhatsApp` Business (360dialog): messages and delivery statuses.
    WhatsApp,
    /// Stripe: payments, refunds, checkouts, invoices, subscriptions.
    Stripe,
    /// Pipedrive, the CRM: persons and deals.
    Pipedrive,
}

impl Provider {
    /// Every provider, in the order in which lists show them.
    pub const ALL: [Self; 3] = [Self::WhatsApp, Self::Stripe, Self::Pipedrive];

    /// The provider of a name in a fixture (`whatsapp`, `stripe`, `pipedrive` or its alias `crm`); `None` for any other word.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "whatsapp" => Some(Self::WhatsApp),
            "stripe" => Some(Self::Stripe),
            "pipedrive" | "crm" => Some(Self::Pipedrive),
            _ => None,
        }
    }

    /// Every word that [`Provider::parse`] takes, for messages and suggestions.
    pub fn names() -> &'static [&'static str] {
        &["whatsapp", "stripe", "pipedrive", "crm"]
    }

    /// The name in fixtures; [`Provider::parse`] takes it back.
    pub fn name(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::Stripe => "stripe",
            Self::Pipedrive => "pipedrive",
        }
    }

    /// The path that takes its deliveries.
    pub fn route(self) -> &'static str {
        match self {
            Self::WhatsApp => "/webhooks/whatsapp",
            Self::Stripe => "/webhooks/stripe",
            Self::Pipedrive => "/webhooks/crm",
        }
    }

    /// The HTTP method of its deliveries.
    pub fn method(self) -> Method {
        Method::POST
    }

    /// `service.name` of the service that takes its deliveries.
    pub fn service(self) -> &'static str {
        "medicalcor-api"
    }

    /// The media type of its bodies.
    pub fn content_type(self) -> &'static str {
        "application/json"
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Provider;

    #[test]
    fn every_listed_name_is_a_provider_and_every_provider_is_listed() {
        for name in Provider::names() {
            assert!(Provider::parse(name).is_some(), "{name}");
        }
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(provider.name()), Some(provider));
        }
        assert_eq!(Provider::parse("crm"), Some(Provider::Pipedrive));
        assert_eq!(Provider::parse("WhatsApp"), None);
    }
}
