//! A compared tree: spans as they came, marked where they differ from what was expected.
//!
//! ```text
//!   POST /webhooks/stripe                              api        4 ms
//! ~ └─ trigger.task.payment-failed-handler             trigger   61 ms
//!      status   expected error   got unset
//!      └─ hubspot POST                       ✗ 500     trigger   48 ms
//! ```
//!
//! Fed by `report`, which turns its rows into [`Row`]s.

use std::{borrow::Cow, time::Duration};

use super::{
    Look, Role, ServiceNames,
    branches::Branches,
    text::{clean, clip, clip_name, pad_end, pad_start, push_line, span_time, width, wrap},
};

/// How a row differs from what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    Same,
    /// `~`
    Changed,
    /// `-`
    Missing,
    /// `+`
    Unexpected,
}

/// A row, in drawing order.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Depth from 0.
    pub depth: usize,
    /// Whether it is the last of its siblings.
    pub last: bool,
    /// How it differs.
    pub mark: Mark,
    /// Span name.
    pub name: Cow<'a, str>,
    /// Service; may be empty.
    pub service: &'a str,
    /// Whether it comes from what stands in for the service.
    pub stand_in: bool,
    /// How long it took.
    pub elapsed: Option<Duration>,
    /// Ended in error.
    pub error: bool,
    /// A short note.
    pub note: &'a str,
    /// What differs: what, expected, actual.
    pub mismatches: Vec<(&'a str, &'a str, &'a str)>,
}

/// Columns of a mark and the gap after it.
const MARK: usize = 2;
/// Columns of a time: `123.4 ms`.
const TIME: usize = 8;
/// At most so many columns for the name of a service and for a note.
const SERVICE: usize = 16;
const NOTE: usize = 12;
/// What differs is aligned up to so many columns.
const WHAT: usize = 16;

/// Draws the rows, each line after `indent` spaces, each ended.
pub fn render(rows: &[Row<'_>], indent: usize, names: &ServiceNames, look: &Look) -> String {
    let layout = Layout::of(rows, indent, names, look);
    let mut branches = Branches::new(3, layout.name / 2);
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        let front = branches.row(row.depth, row.last, look);
        layout.row(&mut out, row, &front, names, look);
        let children = rows.get(index + 1).is_some_and(|next| next.depth > row.depth);
        let front = branches.below(children, look);
        layout.mismatches(&mut out, row, &front, look);
    }
    out
}

/// Columns of the parts of a row.
struct Layout {
    indent: usize,
    name: usize,
    note: usize,
    service: usize,
}

impl Layout {
    fn of(rows: &[Row<'_>], indent: usize, names: &ServiceNames, look: &Look) -> Self {
        let widest = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let service = widest(&|row| width(&service_of(row, names, look)));
        let note = widest(&|row| note_width(row)).min(NOTE);
        let right = (note + 2) + (service + 2) + TIME;
        Self { indent, name: look.width.min(100).saturating_sub(indent + MARK + right).max(12), note, service }
    }

    fn row(&self, out: &mut String, row: &Row<'_>, front: &str, names: &ServiceNames, look: &Look) {
        let (sign, role) = sign_of(row.mark);
        let sign = role.map_or_else(|| sign.to_owned(), |role| look.paint(role, sign));
        let room = self.name.saturating_sub(width(front));
        let name = clip_name(&clean(&row.name), room, look);
        let gap = " ".repeat(room.saturating_sub(width(&name)));
        let name = role.map_or_else(|| name.clone(), |role| look.paint(role, &name));
        let note = self.note_of(row, look);
        let service = pad_end(&service_of(row, names, look), self.service);
        let time = pad_start(&row.elapsed.map(|time| span_time(time, look)).unwrap_or_default(), TIME);
        let line = format!(
            "{:indent$}{sign} {}{name}{gap}  {note}  {}{time}",
            "",
            look.paint(Role::Dim, front),
            look.paint_service(row.service, &service),
            indent = self.indent,
        );
        push_line(out, line.trim_end());
    }

    /// Right-aligned, with a cross where the span ended in error.
    fn note_of(&self, row: &Row<'_>, look: &Look) -> String {
        let cross = if row.error { look.glyph("✗ ", "x ") } else { "" };
        let note = clip(&clean(row.note), self.note.saturating_sub(width(cross)), look);
        let text = pad_start(format!("{cross}{note}").trim_end(), self.note);
        if row.error { look.paint(Role::Bad, &text) } else { text }
    }

    fn mismatches(&self, out: &mut String, row: &Row<'_>, front: &str, look: &Look) {
        let lead = self.indent + MARK + width(front);
        let columns = look.width.min(100).saturating_sub(lead);
        let what_width = row.mismatches.iter().map(|(what, ..)| width(what)).filter(|what| *what <= WHAT).max().unwrap_or(0);
        let start = format!("{:indent$}{:MARK$}{}", "", "", look.paint(Role::Dim, front), indent = self.indent);
        for (what, expected, actual) in &row.mismatches {
            let (what, expected, actual) = (clean(what), clean(or_nothing(expected)), clean(or_nothing(actual)));
            let line = format!("{}   expected {expected}   got {actual}", pad_end(&what, what_width));
            let lines = if width(&line) <= columns { vec![line] } else { stacked(&what, &expected, &actual, columns) };
            for line in lines {
                push_line(out, &format!("{start}{}", look.paint(Role::Changed, &line)));
            }
        }
    }
}

/// A difference whose values do not fit one line, one under the other and whole.
fn stacked(what: &str, expected: &str, actual: &str, columns: usize) -> Vec<String> {
    let mut lines = wrap(what, columns);
    for (label, value) in [("  expected ", expected), ("  got      ", actual)] {
        for (index, line) in wrap(value, columns.saturating_sub(label.len())).into_iter().enumerate() {
            lines.push(format!("{}{line}", if index == 0 { label } else { "           " }));
        }
    }
    lines
}

fn service_of(row: &Row<'_>, names: &ServiceNames, look: &Look) -> String {
    names.column(row.service, row.stand_in, SERVICE, look)
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn note_width(row: &Row<'_>) -> usize {
    width(row.note) + if row.error { 2 } else { 0 }
}

fn sign_of(mark: Mark) -> (&'static str, Option<Role>) {
    match mark {
        Mark::Same => (" ", None),
        Mark::Changed => ("~", Some(Role::Changed)),
        Mark::Missing => ("-", Some(Role::Missing)),
        Mark::Unexpected => ("+", Some(Role::Unexpected)),
    }
}
