//! Exit codes, in one place (DESIGN section 4). `devstack --help` and the README show this table.

use std::process::ExitCode;

use crate::check::{RunReport, Totals};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything held.
    Held,
    /// An expectation failed.
    Failed,
    /// Wrong usage, or a file with errors.
    Usage,
    /// The environment could not run it.
    Environment,
    /// Nothing matched the selection.
    NothingSelected,
    /// Undecided, or nothing was ever observed.
    Undecided,
    /// Ended by Ctrl-C or SIGTERM.
    Interrupted,
    /// `run`: as the command ended.
    Command(u8),
}

/// The table as `--help` prints it.
pub const TABLE: &str = "Exit codes:
  0    everything held
  1    an expectation failed
  2    wrong usage, or a file with errors
  3    the environment could not run it (port, backend, service)
  4    nothing matched the selection
  5    undecided, or nothing was ever observed
  130  interrupted";

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::NothingSelected => 4,
            Self::Undecided => 5,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }

    /// The code of a run: in mixed runs the first of 130, 2, 3, 1, 5 that applies.
    pub fn of_run(report: &RunReport) -> Self {
        let Totals { failed, undecided, unobserved, broken, .. } = report.totals();
        match () {
            () if report.interrupted => Self::Interrupted,
            () if broken > 0 => Self::Environment,
            () if failed > 0 => Self::Failed,
            () if undecided + unobserved > 0 => Self::Undecided,
            () if report.cases.is_empty() => Self::NothingSelected,
            () => Self::Held,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
