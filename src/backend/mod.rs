//! The embedded backend: receives OTLP, keeps it in the ledger, and answers for what it holds.
//!
//! Started by `runtime` and by `cli` for the length of a run; services export to it, `client` and Tempo's own clients read it.
//! Telemetry flows one way: `receive` takes requests apart, the [`Ledger`] keeps them and wakes whoever waits, `api`
//! answers.

mod api;
mod config;
mod host;
mod ledger;
mod receive;
mod server;
mod upstream;

pub use config::{BackendError, Capacity, Config, Listener};
pub use ledger::{Batch, Held, Ledger, Usage};
pub use server::Backend;
pub use upstream::Upstreams;
