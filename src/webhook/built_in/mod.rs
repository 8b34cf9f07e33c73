//! The providers that devstack knows, one definition a file.
//!
//! Read by [`Providers::built_in`](super::Providers::built_in); a project's own come from `file` in the same form. The routes of the
//! first ones are those of `MedicalCor`'s API.

mod github;
mod pipedrive;
mod shopify;
mod slack;
mod standard;
mod stripe;
mod twilio;
mod vapi;
mod whatsapp;

use http::HeaderName;

use super::{Provider, definition::Definition};

/// `service.name` of the service that takes the deliveries of `MedicalCor`'s providers.
const MEDICALCOR_API: &str = "medicalcor-api";
/// The header of Meta's and GitHub's signatures, in the form that `WebSub` gave it.
const HUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// The name of the provider of deliveries that no other one sends.
pub const PLAIN: &str = "plain";

/// Every definition, in the order in which lists show them.
const ALL: [fn() -> Definition; 10] = [
    whatsapp::definition,
    stripe::definition,
    pipedrive::definition,
    vapi::definition,
    twilio::definition,
    github::definition,
    slack::definition,
    shopify::definition,
    standard::definition,
    plain,
];

/// JSON without a signature, to a path that the fixture says.
fn plain() -> Definition {
    Definition::new(PLAIN)
}

/// Every provider, in the order in which lists show them.
pub(super) fn all() -> Vec<Provider> {
    ALL.into_iter().map(|definition| Provider::new(definition())).collect()
}

impl Provider {
    /// `WhatsApp` Business.
    pub fn whatsapp() -> Self {
        Self::new(whatsapp::definition())
    }

    /// Stripe.
    pub fn stripe() -> Self {
        Self::new(stripe::definition())
    }

    /// Pipedrive.
    pub fn pipedrive() -> Self {
        Self::new(pipedrive::definition())
    }
}
