//! The run: plan cases, drive them, gather evidence, judge, diagnose; emits events and ends in a [`RunReport`].
//!
//! Fed by `cli` with fixtures and addresses; read by `report` (text), `runs` (kept on disk) and `cli` (exit code).

mod aim;
mod answers;
mod case;
mod compare;
mod diagnose;
mod drive;
mod enqueued;
pub mod event;
mod examine;
mod findings;
mod foundling;
mod given;
mod grounds;
mod isolation;
mod judge;
mod observe;
pub mod outcome;
mod quiet;
mod run;
mod steps;
mod stored;
mod unheard;
mod witness;

pub use aim::{Aim, TARGET_DEADLINE, TARGET_JOBS};
pub use event::{CaseKey, RunEvent};
pub use examine::{Before, Cause, ENDED, Examiner};
pub use grounds::{Grounds, Judge, STORE_PATIENCE, ServiceAddress};
pub use isolation::{Isolated, Isolation};
pub use outcome::{
    CaseReport, EnqueuedContext, EnqueuedRun, Evidence, Exchange, Finding, Mark, Mismatch, RunReport, Severity, SourceSpan,
    Stored, Totals, TreeRow, Verdict,
};
pub use quiet::SDK_DELAY;
pub use run::{DEFAULT_JOBS, Finished, Plan, PlannedCase, run};
