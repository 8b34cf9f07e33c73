//! The receiver in front: passes each request on to the next hop, unchanged, and brings its answer back.
//!
//! Fed by `receive` once a request is in the ledger; where the next hop is comes from `runtime`, which may change it at any time. Without a
//! queue of its own: the sender waits for the next hop's answer, and what is more than the [`Room`] is told to come again.

mod answer;
mod hop;
mod room;
mod route;
mod tls;
mod translate;
mod verdict;

pub(super) use answer::Answer;
pub(super) use hop::{NoAnswer, Outgoing};
pub(super) use room::Allowance;
#[cfg(test)]
pub(super) use room::Room;
pub(super) use route::{Forwarder, Protocol, Route};
pub(super) use translate::{Message, grpc_request, http_request};
pub(super) use verdict::{Refusal, Verdict};
