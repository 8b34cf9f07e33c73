//! The way that telemetry takes, and the grounds that a run has with it.
//!
//! Filled by `demo` and `target`.

use std::sync::Arc;

use crate::{
    check::{self, Aim, Examiner, Grounds, Isolation, Judge, ServiceAddress},
    cli::examiner::Doctor,
    client::{HopAddress, StoreAddress, StoreKind},
    doctor::target::Receiver,
    runtime::Note,
    stack,
    support::{address::Address, project::Project},
    webhook::Secrets,
};

/// From a receiver to a store.
pub(super) struct Way {
    /// What the run stands on, in a few words.
    pub(super) stack: String,
    pub(super) ledger: String,
    pub(super) otlp_http: String,
    otlp_grpc: String,
    judge: Judge,
    store: Option<StoreAddress>,
    hops: Vec<HopAddress>,
    /// Where scripts of the project's own externals are put.
    pub(super) scripts: Option<String>,
    /// The stand-in for the Trigger.dev API that is played for the project's services.
    pub(super) enqueued: Option<String>,
}

/// Who takes the requests.
pub(super) struct Takers {
    pub(super) services: Vec<(String, String)>,
    /// Control address of scripted externals.
    pub(super) externals: Option<String>,
    pub(super) secrets: Secrets,
    pub(super) isolation: Option<Arc<dyn Isolation>>,
    pub(super) examiner: Option<Arc<dyn Examiner>>,
}

impl Way {
    /// A receiver that keeps what it receives.
    pub(super) fn embedded(stack: String, ledger: &str, otlp_http: &str, otlp_grpc: &str) -> Self {
        let store = StoreAddress { kind: StoreKind::Tempo, at: Address::plain(ledger) };
        let (ledger, otlp_http, otlp_grpc) = (ledger.to_owned(), otlp_http.to_owned(), otlp_grpc.to_owned());
        Self {
            stack,
            ledger,
            otlp_http,
            otlp_grpc,
            judge: Judge::Ledger,
            store: Some(store),
            hops: Vec::new(),
            scripts: None,
            enqueued: None,
        }
    }

    /// A stack that is up.
    pub(super) fn of_note(stack: String, note: &Note) -> Self {
        let judge = match note.judge {
            stack::Judge::Ledger => Judge::Ledger,
            stack::Judge::Stored => Judge::Stored,
        };
        let (ledger, otlp_http, otlp_grpc) = (note.ledger.clone(), note.otlp_http.clone(), note.otlp_grpc.clone());
        let (scripts, enqueued) = (note.scripts.clone(), note.enqueued.clone());
        Self { stack, ledger, otlp_http, otlp_grpc, judge, store: note.store.clone(), hops: note.way(), scripts, enqueued }
    }

    /// The same with externals that were started for the run: where their scripts are put, and who tells what was enqueued.
    #[must_use]
    pub(super) fn with_externals(self, scripts: Option<String>, enqueued: Option<String>) -> Self {
        Self { scripts, enqueued, ..self }
    }

    /// Who is asked why the telemetry of services of this project does not come.
    pub(super) fn examiner(&self, project: &Project) -> Arc<dyn Examiner> {
        let receiver =
            Receiver { otlp_http: self.otlp_http.clone(), otlp_grpc: self.otlp_grpc.clone(), ledger: self.ledger.clone() };
        Arc::new(Doctor::new(receiver, project.state().map(ToOwned::to_owned)))
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
            examiner: takers.examiner,
            otlp: self.otlp_http,
            services: takers.services.into_iter().map(|(name, url)| ServiceAddress { name, url }).collect(),
            externals: takers.externals.or(self.scripts),
            enqueued: self.enqueued,
            secrets: takers.secrets,
            isolation: takers.isolation,
        }
    }
}
