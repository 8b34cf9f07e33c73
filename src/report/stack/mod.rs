//! A stack on a terminal: how it comes up, how it is, what it wrote.
//!
//! Fed by `cli` with the events and answers of `runtime`; one file per view.

mod logs;
mod status;
mod up;

pub use logs::{LogLines, happening, since};
pub use status::status;
pub use up::{Drawer, failure, ready};
