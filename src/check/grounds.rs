//! What a run stands on: addresses, secrets, clients.
//!
//! Made by `cli` from a runtime that is up; read by everything in this room that talks to the outside.

use std::{sync::Arc, time::Duration};

use super::{Aim, Examiner, Isolation};
use crate::{
    client::{HopAddress, StoreAddress},
    webhook::Secrets,
};

/// How long a store may take to show what was received, where nobody says.
pub const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// What verdicts rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Judge {
    /// On the ledger of devstack's own receiver.
    #[default]
    Ledger,
    /// On what the store has by trace id, where services cannot export to devstack. No better evidence than *quiet*.
    Stored,
}

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
    /// What requests are sent to, and how.
    pub aim: Aim,
    /// The one HTTP client of questions.
    pub http: reqwest::Client,
    /// Base address of the ledger's API, which is Tempo's API too.
    pub ledger: String,
    /// What verdicts rest on.
    pub judge: Judge,
    /// What keeps the traces, asked as a witness after each verdict; `None` where nothing does.
    pub store: Option<StoreAddress>,
    /// How long the store may take to show what was received: [`STORE_PATIENCE`].
    pub store_patience: Duration,
    /// Where hops count what goes through them, in the order of the way.
    pub hops: Vec<HopAddress>,
    /// How long services that do not say it are taken to keep spans back before they export them: [`SDK_DELAY`](super::SDK_DELAY).
    pub flush: Duration,
    /// Base address of OTLP over HTTP, for devstack's own spans.
    pub otlp: String,
    /// The services. Requests go to them by name, and they answer for their work where that may be asked ([`Aim::reports`]).
    pub services: Vec<ServiceAddress>,
    /// Control address of the externals, where there are scripted ones.
    pub externals: Option<String>,
    /// Base address of the stand-in for the Trigger.dev API that the services call, where they do. It tells what was enqueued, and answers
    /// for its work with the services.
    pub enqueued: Option<String>,
    /// What deliveries are signed with.
    pub secrets: Secrets,
    /// Who is asked why a service's telemetry does not come; `None` where nobody can tell.
    pub examiner: Option<Arc<dyn Examiner>>,
    /// Who starts services for a fixture that says `isolated: true`; `None` where all cases have to share.
    pub isolation: Option<Arc<dyn Isolation>>,
}

impl Grounds {
    /// The address of a service.
    pub fn service(&self, name: &str) -> Option<&ServiceAddress> {
        self.services.iter().find(|service| service.name == name)
    }
}
