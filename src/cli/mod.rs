//! The command line: one file per command under `commands/`, one edge for failures, one table of exit codes.
//!
//! Commands orchestrate: they parse, call one engine and hand what it gives to `report` and `term`. What one would unit-test lives below.

mod app;
mod arrived;
mod commands;
mod examiner;
pub mod exit;
mod failure;
mod interrupt;
mod isolation;
mod live_trace;
mod project;
mod receiving;
mod secrets;
mod services;
mod stand;
mod target;
mod variables;

pub use app::{Cli, command, main};
pub use failure::Failure;
