//! What stands in the way of `devstack up` and of telemetry that flows, and what to do about it.
//!
//! Fed by `cli` with a [`Scene`]; gives a [`Report`], which `cli` draws or prints as JSON. One file a subject, each of which turns facts
//! into [`Check`]s; nothing here changes anything.

mod check;
mod clock;
mod disk;
mod engine;
mod engine_facts;
mod examine;
mod otel;
mod ports;
mod state;
pub mod target;

pub use check::{Check, Level, REPORT_VERSION, Report};
pub use examine::{Limits, Scene, examine};
pub use ports::{PortWanted, wanted};
