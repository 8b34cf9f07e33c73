//! The ledger: everything that arrived, when it arrived, within bounds, waking whoever waits for it.
//!
//! Fed by `receive`, read by `api` and in process. Its edge is the [`Ledger`] handle alone; how spans, logs and metrics are kept
//! behind it (`spans`, `logs`, `metrics`) is to be replaced by columnar stores without the edge noticing.

mod handle;
mod intern;
mod logs;
mod losses;
mod metrics;
mod senders;
mod spans;
mod waiters;

pub use handle::{Batch, Held, Ledger, Usage};
