//! The way that telemetry takes, and the grounds that a run has with it.
//!
//! Filled by `demo` and `target`.

use std::sync::Arc;

use crate::{
    check::{self, Aim, Grounds, Isolation, Judge, ServiceAddress},
    client::{HopAddress, StoreAddress, StoreKind},
    runtime::Note,
    stack,
    support::address::Address,
    webhook::Secrets,
};

/// From a receiver to a store.
pub(super) struct Way {
    /// What the run stands on, in a few words.
    pub(super) stack: String,
    pub(super) ledger: String,
    pub(super) otlp_http: String,
    judge: Judge,
    store: Option<StoreAddress>,
    hops: Vec<HopAddress>,
}

/// Who takes the requests.
pub(super) struct Takers {
    pub(super) services: Vec<(String, String)>,
    /// Control address of scripted externals.
    pub(super) externals: Option<String>,
    pub(super) secrets: Secrets,
    pub(super) isolation: Option<Arc<dyn Isolation>>,
}

impl Way {
    /// A receiver that keeps what it receives.
    pub(super) fn embedded(stack: String, ledger: &str, otlp_http: &str) -> Self {
        let store = StoreAddress { kind: StoreKind::Tempo, at: Address::plain(ledger) };
        let (ledger, otlp_http) = (ledger.to_owned(), otlp_http.to_owned());
        Self { stack, ledger, otlp_http, judge: Judge::Ledger, store: Some(store), hops: Vec::new() }
    }

    /// A stack that is up.
    pub(super) fn of_note(stack: String, note: &Note) -> Self {
        let judge = match note.judge {
            stack::Judge::Ledger => Judge::Ledger,
            stack::Judge::Stored => Judge::Stored,
        };
        let (ledger, otlp_http) = (note.ledger.clone(), note.otlp_http.clone());
        Self { stack, ledger, otlp_http, judge, store: note.store.clone(), hops: note.way() }
    }

    /// The grounds of a run whose requests go to `takers`.
    pub(super) fn grounds(self, aim: Aim, takers: Takers, http: &reqwest::Client) -> Grounds {
        Grounds {
            stack: self.stack,
            aim,
            http: http.clone(),
            ledger: self.ledger,
            judge: self.judge,
            store: self.store,
            store_patience: check::STORE_PATIENCE,
            hops: self.hops,
            flush: check::SDK_DELAY,
            examiner: None,
            otlp: self.otlp_http,
            services: takers.services.into_iter().map(|(name, url)| ServiceAddress { name, url }).collect(),
            externals: takers.externals,
            secrets: takers.secrets,
            isolation: takers.isolation,
        }
    }
}
