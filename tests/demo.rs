//! The demo services as whoever calls them sees them: over HTTP, with the traces they leave in a real receiver.

mod faults;
mod harness;
mod shutdown;
mod stores;
mod traces;
mod webhooks;
