//! The Trigger.dev API as its SDK 3.3.17 speaks it: takes runs, remembers who asked for what, and goes on with each trace in one span.
//!
//! Called by services that trigger tasks, over the SDK or by hand; read by `client` (`/_devstack/enqueued`). It runs no task: what would have
//! happened there is nobody's claim. `demo`'s own worker takes its calls apart with the same `Call` and `BearerKey`.

mod batch;
mod book;
mod call;
mod endpoint;
mod key;
mod service;
mod super_json;

pub(crate) use call::{Call, new_id};
pub(crate) use key::BearerKey;
pub use service::{Trigger, TriggerConfig};
