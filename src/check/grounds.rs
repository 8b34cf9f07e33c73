//! What a run stands on: addresses, secrets, clients.
//!
//! Made by `cli` from a runtime that is up; read by everything in this room that talks to the outside.

use std::sync::Arc;

use super::Isolation;
use crate::webhook::Secrets;

/// A service that answers for its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    /// `service.name`.
    pub name: String,
    /// `http://host:port`.
    pub url: String,
}

/// The addresses of one run.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// What it is, in a few words: `embedded stack · demo services`.
    pub stack: String,
    /// The one HTTP client.
    pub http: reqwest::Client,
    /// Base address of the ledger's API, which is Tempo's API too.
    pub ledger: String,
    /// Base address of OTLP over HTTP, for devstack's own spans.
    pub otlp: String,
    /// The services. Requests go to them by name, and they answer for their work.
    pub services: Vec<ServiceAddress>,
    /// Control address of the externals, where there are scripted ones.
    pub externals: Option<String>,
    /// What deliveries are signed with.
    pub secrets: Secrets,
    /// Who starts services for a fixture that says `isolated: true`; `None` where all cases have to share.
    pub isolation: Option<Arc<dyn Isolation>>,
}

impl Grounds {
    /// The address of a service.
    pub fn service(&self, name: &str) -> Option<&ServiceAddress> {
        self.services.iter().find(|service| service.name == name)
    }
}
