//! The embedded backend: receives OTLP, keeps it in the ledger, and answers for what it holds.
//!
//! Started by `runtime` and by `cli` for the length of a run; services export to it, `client` and Tempo's own clients read it.
//! Telemetry flows one way: `receive` takes requests apart, the [`Ledger`] keeps them and wakes whoever waits, `forward` passes them on
//! where there is a next hop, `traffic` counts and tells what happens, `api` answers.

mod api;
mod config;
mod forward;
mod host;
mod ledger;
mod receive;
mod server;
mod traffic;
mod upstream;
mod wire;

pub use config::{BackendError, Capacity, Config, Listener, UnderWay};
pub use ledger::{Batch, Held, Ledger, Usage};
pub use server::Backend;
pub use traffic::{Feed, TrafficHandle};
pub use upstream::Upstreams;
