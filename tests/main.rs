//! The one test binary: a module per subject, because every `tests/*.rs` file would link the whole dependency set again.

mod architecture;
mod client;
mod demo;
mod ledger;
mod lint;
mod receiver;
mod replay;
mod report;
mod schemas;
mod trace_view;
mod webhook;

mod telemetry;
