//! The wrong configurations that services have: for each, `replay` and `doctor --target` name it, with the Node SDK and real processes.
//!
//! Each was tried with the right settings in its place, with which the first test of `settings` goes.

mod ends;
mod late;
mod names;
mod scene;
mod settings;
