//! What can be known of fixtures and stacks without running them: every error of loading, and what is allowed but cannot be meant.
//!
//! Called by `cli` with paths; gives a [`LintReport`] as text or JSON.

mod across;
mod report;
mod run;
mod stacks;
mod within;

pub use report::{LINT_VERSION, LintReport};
pub use run::lint;
