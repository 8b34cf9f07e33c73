//! The whole way, with the real binary: signed webhooks over HTTP, through the demo services, OTLP into the ledger, a verdict, an exit code.
//!
//! Each fault a person could make is made once, in a copy of a fixture or with a switch in the services; the run must fail, name the cause in
//! words, and know it because the services said that they were done, not because a deadline came.

mod bad_input;
mod faults;
pub(crate) mod processes;
mod runs;
use crate::sandbox;
mod strangers;
