//! What a run tells while it goes on: the vocabulary between the engine, which does not print, and reporters, which do not decide.
//!
//! Emitted by the run, consumed by `report` (lines, progress bar).

use super::CaseReport;

/// A case of the plan: which fixture, which repetition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseKey {
    /// The fixture's id.
    pub id: String,
    /// Which repetition, from 1; `None` when the run repeats nothing.
    pub repetition: Option<u32>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The plan stands and everything it needs is up.
    Started {
        /// What the run stands on, in a few words: `embedded stack · demo services`.
        stack: String,
        /// Every case that will run, in the order of the report.
        cases: Vec<CaseKey>,
    },
    /// A case sends its first byte.
    CaseStarted(CaseKey),
    /// A case waits for its turn to send, because of a rate.
    CaseWaits(CaseKey),
    /// Its turn has come.
    CaseSends(CaseKey),
    /// A case has its verdict. Comes again for the same case when a late span has changed it.
    CaseFinished(Box<CaseReport>),
    /// No case will come any more.
    Finished,
}

impl CaseReport {
    /// Which case of the plan this is of.
    pub fn key(&self) -> CaseKey {
        CaseKey { id: self.id.clone(), repetition: self.repetition }
    }
}
