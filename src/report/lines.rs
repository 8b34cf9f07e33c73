//! One line per case, or one per fixture when it was repeated.
//!
//! ```text
//!   ✓ crm/person-updated               6 spans · 1 service      44 ms
//!   ✗ stripe/payment-failed     18/20 held  p50    61 ms  max   112 ms
//! ```
//!
//! Read by [`super::terminal`] for a whole report and by [`super::reporter`] line by line while the run goes on.

use std::time::Duration;

use crate::{
    check::{CaseReport, Verdict},
    term::{
        Look, Role,
        text::{self, clean, pad_end, pad_start, width},
    },
};

/// Columns of `NN spans · N services`.
const FACTS: usize = 24;
/// Columns of a time.
const TIME: usize = 8;
/// Columns of `400/400 held`.
const HELD: usize = 12;

/// The layout of the lines of one run, known from its plan before the first case ends.
#[derive(Debug, Clone)]
pub struct CaseLines {
    id: usize,
    look: Look,
}

impl CaseLines {
    /// The layout for these fixture ids.
    pub fn new<'a>(ids: impl IntoIterator<Item = &'a str>, look: &Look) -> Self {
        let most = look.width.min(100).saturating_sub(4 + 2 + FACTS + 2 + TIME);
        let id = ids.into_iter().map(width).max().unwrap_or(0).min(most).max(16);
        Self { id, look: look.clone() }
    }

    /// The line of the cases of one fixture, ended; several cases are its repetitions.
    pub fn render(&self, cases: &[&CaseReport]) -> String {
        match cases {
            [] => String::new(),
            [case] => self.single(case),
            cases => self.repeated(cases),
        }
    }

    /// The heading of a case's own block: mark, id, repetition, time.
    pub fn heading(&self, case: &CaseReport) -> String {
        let label = label_of(case);
        let room = 4 + self.id + 2 + FACTS + 2 + TIME;
        let gap = room.saturating_sub(4 + width(&label) + TIME).max(2);
        let time = pad_start(&text::time(case.elapsed), TIME);
        format!("  {} {}{}{time}\n", mark(case.verdict, &self.look), self.look.paint(Role::Heading, &label), " ".repeat(gap))
    }

    fn single(&self, case: &CaseReport) -> String {
        let (number, services) = (case.spans, case.services.len());
        let facts = match case.verdict {
            Verdict::Broken => match case.stored {
                Some((found, of)) if found < of => format!("stored {found}/{of}"),
                _ => "could not run".to_owned(),
            },
            _ if services == 0 => format!("{:>4} {}", number, if number == 1 { "span" } else { "spans" }),
            _ => {
                let spans = if number == 1 { "span " } else { "spans" };
                format!("{number:>4} {spans} {} {}", self.look.dot(), text::count(services, "service"))
            }
        };
        self.line(case.verdict, &label_of(case), &facts, case.elapsed)
    }

    fn line(&self, verdict: Verdict, id: &str, facts: &str, elapsed: Duration) -> String {
        let time = pad_start(&text::time(elapsed), TIME);
        // An id is what a person copies: the facts give way, never the id.
        let over = width(id).saturating_sub(self.id);
        let facts =
            if over + width(facts) > FACTS { pad_end("", FACTS.saturating_sub(over)) } else { pad_end(facts, FACTS - over) };
        format!("  {} {}  {}  {time}\n", mark(verdict, &self.look), pad_end(id, self.id), self.look.paint(Role::Dim, &facts))
    }

    fn repeated(&self, cases: &[&CaseReport]) -> String {
        let worst = cases.iter().map(|case| case.verdict).max_by_key(|verdict| gravity(*verdict)).unwrap_or(Verdict::Held);
        let mut times: Vec<_> = cases.iter().map(|case| case.elapsed).collect();
        times.sort_unstable();
        let time = |time: Option<&Duration>| pad_start(&text::time(time.copied().unwrap_or_default()), TIME);
        let held = cases.iter().filter(|case| case.verdict == Verdict::Held).count();
        let held = pad_start(&format!("{held}/{} held", cases.len()), HELD);
        let facts = format!("{held}  p50 {}  max {}", time(median(&times)), time(times.last()));
        let id = clean(&cases[0].id);
        format!("  {} {}  {}\n", mark(worst, &self.look), pad_end(&id, self.id), self.look.paint(Role::Dim, &facts))
    }
}

/// The sign of a verdict in its style.
pub fn mark(verdict: Verdict, look: &Look) -> String {
    match verdict {
        Verdict::Held => look.paint(Role::Good, look.glyph("✓", "o")),
        Verdict::Failed => look.paint(Role::Bad, look.glyph("✗", "x")),
        Verdict::Undecided | Verdict::Unobserved => look.paint(Role::Unsure, "?"),
        Verdict::Broken => look.paint(Role::Bad, "!"),
    }
}

/// The id of a case, with its repetition where there is one: `stripe/payment-failed #3`.
pub fn label_of(case: &CaseReport) -> String {
    match case.repetition {
        Some(number) => format!("{} #{number}", clean(&case.id)),
        None => clean(&case.id).into_owned(),
    }
}

fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Held => 0,
        Verdict::Undecided => 1,
        Verdict::Unobserved => 2,
        Verdict::Broken => 3,
        Verdict::Failed => 4,
    }
}

/// The middle of sorted times, the lower one of two.
fn median(sorted: &[Duration]) -> Option<&Duration> {
    sorted.get((sorted.len().max(1) - 1) / 2)
}
