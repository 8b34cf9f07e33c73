//! The recorder: stands in front of a service, passes everything on as it comes, and tells what went by.
//!
//! Started by `cli` for `devstack record`; each [`Passed`] becomes a fixture once its trace has come ([`watch`]).

mod own_span;
mod pass;
mod peek;
mod server;
mod traceparent;
mod watch;

pub use own_span::own_span;
pub use server::{Event, Passed, RecordError, Recorder, RecorderConfig};
pub use traceparent::Context;
pub use watch::{Watched, watch};
