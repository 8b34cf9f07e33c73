//! The run: plan cases, drive them, gather evidence, judge, diagnose; emits events and ends in a [`RunReport`].
//!
//! Fed by `cli` with fixtures and addresses; read by `report` (text), `runs` (kept on disk) and `cli` (exit code).

pub mod event;
pub mod outcome;

pub use event::{CaseKey, RunEvent};
pub use outcome::{
    CaseReport, Evidence, Exchange, Finding, Mark, Mismatch, RunReport, Severity, SourceSpan, Totals, TreeRow, Verdict,
};
