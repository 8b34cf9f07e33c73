//! The last line: how many cases ended how, and how long it all took.
//!
//! `17 held, 1 failed in 0.61 s`. Read by [`super::terminal`] and [`super::reporter`].

use crate::{
    check::RunReport,
    term::{Look, Role, text},
};

/// The summary line, ended.
pub fn render(report: &RunReport, look: &Look) -> String {
    let totals = report.totals();
    let parts = [
        (totals.held, "held", Role::Good),
        (totals.failed, "failed", Role::Bad),
        (totals.undecided, "undecided", Role::Unsure),
        (totals.unobserved, "never observed", Role::Unsure),
        (totals.broken, "could not run", Role::Bad),
    ];
    let said: Vec<_> = parts
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, word, role)| look.paint(*role, &format!("{number} {word}")))
        .collect();
    let said = if said.is_empty() { "nothing ran".to_owned() } else { said.join(", ") };
    let interrupted = if report.interrupted { "interrupted: " } else { "" };
    format!("{interrupted}{said} in {}\n", text::long_time(report.elapsed))
}
