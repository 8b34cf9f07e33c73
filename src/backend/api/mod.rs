//! What the backend answers over HTTP: Tempo's API, the ledger's own, and what went through.
//!
//! Reads the [`Ledger`](super::Ledger); asked by `client`, by Grafana, and by people with a browser.

mod ledger;
mod not_yet;
mod routes;
mod tempo;
mod traffic;

pub(super) use routes::router;
