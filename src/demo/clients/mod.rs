//! The external services as the worker calls them: HubSpot, WhatsApp, OpenAI, Stripe, each try a CLIENT span of its own.
//!
//! Made by `trigger` at bind; called by its tasks.

pub(crate) mod breaker;
mod call;
mod external;

pub(crate) use call::{Caller, ExternalClient};
pub(crate) use external::{HubSpot, Lead, OpenAi, Stripe, WhatsApp};

pub use call::ExternalError;
