//! What the backend answers over HTTP: Tempo's API and the ledger's own.
//!
//! Reads the [`Ledger`](super::Ledger); asked by `client`, by Grafana, and by people with a browser.

mod ledger;
mod routes;
mod tempo;

pub(super) use routes::router;
