//! Services that a service under test calls, as data: plain HTTP, each below a path prefix or on a port of its own, scripted per trace.
//!
//! Bound by `runtime` (what a project describes, as [`External`]s) and by `demo` (its own [`Answering`]); told what to do in a case by
//! `replay` and tests over `/_devstack/scripts/{key}`. Not instrumented, as in life.

mod answering;
mod connection;
mod control;
mod external;
mod script;
mod server;

pub use answering::{Answering, Catalogue, Reply, ReplyBody, Request};
pub use external::{Answer, AnswerBody, External};
pub use script::{Calls, Script, Step, Totals};
pub use server::{Externals, ExternalsConfig};
