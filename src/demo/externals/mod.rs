//! HubSpot, WhatsApp, OpenAI and Stripe as the services meet them: plain HTTP on one port, a path prefix each, scripted per trace.
//!
//! Started by `demo`; called by the clients of `trigger`; told what to do by `replay` and tests over `/_devstack/scripts/{key}`. Not
//! instrumented, as in life.

mod answers;
mod connection;
mod control;
mod script;
mod server;

pub use script::{Calls, Script, Step};
pub use server::{Externals, ExternalsConfig};
