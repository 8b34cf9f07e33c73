//! What answers in place of what a service under test calls: externals by data, and the Trigger.dev API, so that a real service runs offline.
//!
//! Started by `runtime`, `demo` and tests; called by services; asked over `/_devstack/…` what it was called for. Nothing of it pretends to
//! be the real thing: what it sends carries `devstack.stand_in`.

mod error;
pub mod externals;
pub mod http;
pub mod trigger;

pub use error::StandInError;
pub use externals::{Externals, ExternalsConfig};
pub use trigger::{Trigger, TriggerConfig};
