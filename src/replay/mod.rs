//! Sends a case's requests: fresh ids and times, signed, each under a CLIENT span of devstack's own trace; captures what answers hold.
//!
//! Fed by `check` with one fixture's steps and the addresses; gives back exchanges, captures, and devstack's own spans.

mod capture;
mod identity;
mod own_trace;
mod pace;
mod script;
mod send;
pub mod skew;
mod wire;

pub use capture::{Captures, json_of};
pub use identity::{CORRELATION_PREFIX, Identity};
pub use own_trace::OwnTrace;
pub use pace::Pace;
pub use script::{ANYBODY, Externals, ScriptError, script_of};
pub use send::{Answer, Came, Outgoing, SendError, Sender};
pub use skew::Skews;
