//! The command line: one file per command under `commands/`, one edge for failures, one table of exit codes.
//!
//! Commands orchestrate: they parse, call one engine and hand what it gives to `report` and `term`. What one would unit-test lives below.

pub mod exit;
mod failure;

pub use failure::Failure;
