//! The last line: how many cases ended how, and how long it all took.
//!
//! `17 held, 1 failed in 0.61 s`, below it what was enqueued and whose stand-ins answered, and `· stored 512/512` where the spans were read back from a store of another make. Read by [`super::terminal`] and [`super::reporter`].

use super::enqueued;
use crate::{
    check::{RunReport, Verdict},
    term::{
        Look, Role,
        text::{self, clean},
    },
};

/// Columns of a time and of what was stored.
const ROOM: usize = 40;

/// The summary line, ended.
pub fn render(report: &RunReport, look: &Look) -> String {
    let totals = report.totals();
    // What ran and is not in the store could run, and is told apart.
    let lost = report.cases.iter().filter(|case| case.verdict == Verdict::Broken && case.is_stored_in_part()).count();
    let parts = [
        (totals.held, "held", Role::Good),
        (totals.failed, "failed", Role::Bad),
        (totals.undecided, "undecided", Role::Unsure),
        (totals.unobserved, "never observed", Role::Unsure),
        (lost, "not stored whole", Role::Bad),
        (totals.broken - lost, "could not run", Role::Bad),
    ];
    let said: Vec<_> =
        parts.iter().filter(|part| part.0 > 0).map(|(number, word, role)| (format!("{number} {word}"), *role)).collect();
    let columns: usize = said.iter().map(|(words, _)| words.len() + 2).sum();
    let said: Vec<_> = said.into_iter().map(|(words, role)| look.paint(role, &words)).collect();
    let said = if said.is_empty() { "nothing ran".to_owned() } else { said.join(", ") };
    let interrupted = if report.interrupted { "interrupted: " } else { "" };
    let line = format!("{interrupted}{said} in {}{}\n", text::long_time(report.elapsed), stored(report, columns, look));
    line + &enqueued(report, look) + &not_tested(report, look)
}

/// What stands in for a worker was handed: what was tested of it.
fn enqueued(report: &RunReport, look: &Look) -> String {
    let lines = enqueued::lines(&report.cases);
    let painted = lines.iter().map(|line| text::paragraph(&clean(&format!("enqueued: {line}")), 0, look));
    painted.collect()
}

/// Whose stand-ins answered: what held says nothing of the services themselves.
fn not_tested(report: &RunReport, look: &Look) -> String {
    let services = report.stand_ins();
    let Some((last, others)) = services.split_last() else { return String::new() };
    let (services, were) = match others {
        [] => ((*last).to_owned(), "was"),
        others => (format!("{} and {last}", others.join(", ")), "were"),
    };
    look.paint(
        Role::Unsure,
        text::paragraph(&clean(&format!("your {services} {were} not tested (stand-in)")), 0, look).trim_end(),
    ) + "\n"
}

/// What the witness read back. A store that is devstack itself is named only when it lost something.
fn stored(report: &RunReport, before: usize, look: &Look) -> String {
    let told = report.stored.filter(|stored| stored.apart || stored.found < stored.of);
    told.map_or_else(String::new, |stored| {
        let role = if stored.found < stored.of { Role::Bad } else { Role::Dim };
        let words = look.paint(role, &format!("stored {}/{}", stored.found, stored.of));
        let fits = before + ROOM <= look.width;
        if fits { format!(" {} {words}", look.dot()) } else { format!("\n{words}") }
    })
}
