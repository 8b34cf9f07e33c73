//! Text that people wrote: places in it, problems with it, and how those are drawn.
//!
//! Fed by every reader of such text (`yaml`, `fixture`, `expect::file`); read by the commands, which print what [`Problems::render`]
//! and [`Problems::to_json`] return.

mod excerpt;
mod place;
mod problem;
mod render;

pub use place::Place;
pub use problem::{FileProblems, Level, Problem, Problems};
pub use render::{Paint, WIDTH};
