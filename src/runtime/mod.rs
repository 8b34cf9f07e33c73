//! Where a stack runs. In this version: embedded for the length of a run, or kept by `devstack demo` in the foreground.
//!
//! Fed by `cli`; gives the addresses that `check` stands on.

mod alone;
mod embedded;
mod kept;

pub use alone::{Alone, AloneConfig, DemoService};
pub use embedded::{Embedded, EmbeddedConfig, ExtraDemo, RuntimeError};
pub use kept::{Kept, KeptError};
