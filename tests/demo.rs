//! The demo services as whoever calls them sees them: over HTTP, with the traces they leave in a real receiver.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod faults;
mod harness;
mod outages;
mod shutdown;
mod stores;
mod traces;
mod webhooks;
