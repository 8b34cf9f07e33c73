//! What a person reads after `devstack replay`: a line per case in the order of the plan, the blocks of those that did not hold,
//! warnings, and the counts.
//!
//! Printed whole by whoever has a finished report, and in pieces by [`super::reporter`] while the run goes on.

use super::{
    Sources,
    failure::Blocks,
    lines::{CaseLines, label_of},
    summary,
};
use crate::{
    check::{CaseReport, Finding, RunReport, Verdict},
    term::{
        Look, Role,
        text::{self, clean, push_line, wrap},
    },
};

/// Of one repeated fixture, at most so many repetitions that did not hold get a block.
const BLOCKS_OF_ONE: usize = 3;

/// The whole report.
pub fn render(report: &RunReport, sources: &Sources, look: &Look) -> String {
    let ids = report.cases.iter().map(|case| case.id.as_str());
    let lines = CaseLines::new(ids, look);
    let mut out = header(&report.stack, count_fixtures(report.cases.iter().map(|case| case.id.as_str())), look);
    for group in by_fixture(&report.cases) {
        out += &lines.render(&group);
    }
    out + &rest(report, sources, &lines, look)
}

/// The line above the cases: `embedded stack · demo services · 18 fixtures`, and an empty one.
pub fn header(stack: &str, fixtures: usize, look: &Look) -> String {
    // Whoever described the stack did not know the terminal.
    let stack = if look.unicode { clean(stack).into_owned() } else { clean(stack).replace('·', look.dot()) };
    format!("{stack} {} {}\n\n", look.dot(), text::count(fixtures, "fixture"))
}

/// Everything below the lines of the cases: blocks, warnings, summary.
pub fn rest(report: &RunReport, sources: &Sources, lines: &CaseLines, look: &Look) -> String {
    let blocks = Blocks::new(report, sources, look);
    let mut out = String::new();
    for group in by_fixture(&report.cases) {
        let bad: Vec<_> = group.into_iter().filter(|case| case.verdict != Verdict::Held).collect();
        for case in bad.iter().take(BLOCKS_OF_ONE) {
            // A run of one case has just shown its line.
            if report.cases.len() > 1 {
                out.push('\n');
                out += &lines.heading(case);
            }
            out.push('\n');
            out += &blocks.render(case);
        }
        if let Some(more) = bad.len().checked_sub(BLOCKS_OF_ONE).filter(|more| *more > 0) {
            let more =
                format!("{} of {} did not hold either (--format json has all)", text::count(more, "more repetition"), bad[0].id);
            out.push('\n');
            out += &text::paragraph(&clean(&more), 4, look);
        }
    }
    out += &warnings(&report.cases, look);
    out += &waits(&report.cases, look);
    if !out.is_empty() {
        out.push('\n');
    }
    out + &summary::render(report, look)
}

/// The cases in runs of the same fixture; the report has them side by side.
pub fn by_fixture(cases: &[CaseReport]) -> Vec<Vec<&CaseReport>> {
    cases.chunk_by(|a, b| a.id == b.id).map(|group| group.iter().collect()).collect()
}

fn count_fixtures<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    ids.collect::<std::collections::BTreeSet<_>>().len()
}

/// What cases that held have waited for, the same reason once with its longest wait: it is what makes a run slow.
fn waits(cases: &[CaseReport], look: &Look) -> String {
    let mut reasons: Vec<(String, Vec<&CaseReport>)> = Vec::new();
    for case in cases.iter().filter(|case| case.verdict == Verdict::Held) {
        let Some(waited) = &case.waited else { continue };
        // `waited 1.2 s: worker had 5 spans not exported yet`: numbers differ from case to case, the reason does not.
        let reason: String = waited.chars().filter(|ch| !ch.is_ascii_digit()).collect();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, of)) => of.push(case),
            None => reasons.push((reason, vec![case])),
        }
    }
    let mut out = String::new();
    for (_, of) in reasons {
        let Some(longest) = of.iter().max_by_key(|case| case.elapsed) else { continue };
        let others = if of.len() > 1 { format!(", as {} did", text::count(of.len() - 1, "other case")) } else { String::new() };
        let sentence = format!("{} {}{others}", label_of(longest), longest.waited.as_deref().unwrap_or_default());
        out.push('\n');
        out += &text::paragraph(&clean(&sentence), 2, look);
    }
    out
}

/// Warnings, the same one of several cases once.
fn warnings(cases: &[CaseReport], look: &Look) -> String {
    let mut grouped: Vec<(&Finding, Vec<&CaseReport>)> = Vec::new();
    for case in cases {
        for warning in &case.warnings {
            match grouped.iter_mut().find(|(known, _)| known.code == warning.code && known.headline == warning.headline) {
                Some((_, of)) => of.push(case),
                None => grouped.push((warning, vec![case])),
            }
        }
    }
    let mut out = String::new();
    for (warning, of) in grouped {
        out.push('\n');
        for (index, line) in wrap(&clean(&warning.headline), look.width.min(100) - 4).into_iter().enumerate() {
            let sign = if index == 0 { look.paint(Role::Warning, "!") } else { " ".to_owned() };
            push_line(&mut out, &format!("  {sign} {line}"));
        }
        for detail in warning.details.iter().chain(warning.hint.as_ref()) {
            out += &text::paragraph(&clean(detail), 4, look);
        }
        let others = if of.len() > 1 { format!(" and {} more", of.len() - 1) } else { String::new() };
        let origin = format!("{} {} {}{others}", warning.code, look.dot(), label_of(of[0]));
        out += &look.paint(Role::Dim, text::paragraph(&clean(&origin), 4, look).trim_end());
        out.push('\n');
    }
    out
}
