//! One format per file, each `RunReport -> text`, and the live reporter that shows a run while it goes on.
//!
//! Fed by `check` (events and the report), printed by `cli` through `term`. Nothing here decides anything.
//!
//! | file | format |
//! | --- | --- |
//! | [`terminal`] | what a person reads: [`lines`] for every case, [`failure`] blocks, [`summary`] |
//! | [`junit`] | `--report junit=FILE` |
//! | [`json`] | `--format json` |
//! | [`trace_json`] | `devstack trace --format json` |
//! | [`stack`] | `devstack up`, `status`, `logs`, `tail` |

mod enqueued;
pub mod failure;
pub mod file;
mod fold;
pub mod json;
pub mod junit;
pub mod lines;
pub mod reporter;
pub mod sources;
pub mod stack;
pub mod summary;
pub mod terminal;
pub mod trace_json;

pub use file::ReportFile;
pub use reporter::{Format, Reporter};
pub use sources::Sources;
