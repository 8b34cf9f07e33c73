//! The one test binary: a module per subject, because every `tests/*.rs` file would link the whole dependency set again.

mod architecture;
mod receiver;
mod webhook;

mod telemetry;
