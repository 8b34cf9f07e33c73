//! A trace over time, as lines of text.
//!
//! ```text
//! 4bf92f35…4736 · whatsapp/text-message · 14 spans · 86 ms · 1 error
//!
//! api      POST /webhooks/whatsapp        4.1 ms │█▌                       │ 200
//!          └ …whatsapp-message-h… send    2.2 ms │ ▐▌                      │
//! trigger    └ …task.whatsapp-mess…      78.0 ms │  ▐█████████████████████▌│ HOT
//!              ├ redis.set               0.4 ms  │  ▐                      │
//!              └ hubspot POST            22.6 ms │     ▐█████▌             │ 429 ✗
//! critical path 81.9 ms: api 3.9 · trigger 12.3 · hubspot 41.7 · openai 24.0
//! ```
//!
//! Fed by `cli trace`. The service stands where it changes; a cross marks errors; all of it is told without colour.

use super::{
    Look, Role, ServiceNames,
    bar::{self, Stretch},
    branches::Branches,
    rows::{self, Row, View},
    text::{self, clean, clip, clip_name, pad_end, pad_start, push_line, width},
};
use crate::model::{Span, Trace, note::note_of};

/// Columns of a duration: `999.9 ms`.
const TIME: usize = 8;
/// A bar with fewer columns says nothing.
const LEAST_BAR: usize = 16;
/// At most so many columns for a service and for a note.
const SERVICE: usize = 12;
const NOTE: usize = 10;
/// Of a name, at least so many columns are shown.
const LEAST_NAME: usize = 20;

/// Draws the trace with its heading, what is odd about it, and its critical path; ended.
pub fn render(trace: &Trace, view: &View, look: &Look) -> String {
    let rows = rows::rows_of(trace, &view.hidden);
    let names = ServiceNames::new(trace.services());
    let shown = &rows[..view.limit.unwrap_or(rows.len()).min(rows.len())];
    let layout = Layout::of(trace, shown, &names, look);
    let mut out = rows::heading(trace, view, look) + "\n";
    let mut branches = Branches::new(2, layout.name / 2);
    let mut before = String::new();
    for row in shown {
        let span = &trace.spans()[row.span];
        let front = front_of(row, &mut branches, look);
        let service = service_of(span, &names, look);
        layout.line(&mut out, span, &front, if service == before { "" } else { &service }, look);
        before = service;
    }
    out += &rows::cut_line(trace, &rows, view.limit, look);
    out += &rows::oddities(trace, &rows, look);
    out + &rows::critical_line(trace, &names, look)
}

fn front_of(row: &Row, branches: &mut Branches, look: &Look) -> String {
    let front = branches.row(row.depth, row.last, look);
    if row.orphan { look.glyph("┄ ", "~ ").to_owned() } else { front }
}

/// Columns of the parts of a line, and the time the bars span.
struct Layout {
    service: usize,
    name: usize,
    bar: usize,
    note: usize,
    bounds: (u64, u64),
}

impl Layout {
    fn of(trace: &Trace, rows: &[Row], names: &ServiceNames, look: &Look) -> Self {
        let spans = || rows.iter().map(|row| (row, &trace.spans()[row.span]));
        let service = spans().map(|(_, span)| width(&service_of(span, names, look))).max().unwrap_or(0);
        let note = spans().map(|(_, span)| width(&note_text(span, look))).max().unwrap_or(0).min(NOTE);
        let wanted = spans().map(|(row, span)| 2 * row.depth + width(&rows::name_of(span))).max().unwrap_or(0);
        // service, 2, name, 1, time, 1, border, bar, border, 1, note
        let fixed = service + 2 + 1 + TIME + 3 + if note > 0 { note + 1 } else { 0 };
        let room = look.width.saturating_sub(fixed);
        // Names get what they need as long as the bar keeps half; a wide terminal is for the bars.
        let name = wanted.min((room / 2).max(LEAST_NAME + 8)).max(LEAST_NAME).min(room.saturating_sub(LEAST_BAR)).max(8);
        Self { service, name, bar: room.saturating_sub(name).max(4), note, bounds: trace.bounds() }
    }

    fn line(&self, out: &mut String, span: &Span, front: &str, service: &str, look: &Look) {
        let service = look.paint_service(span.service(), &pad_end(service, self.service));
        let room = self.name.saturating_sub(width(front));
        let name = clip_name(&rows::name_of(span), room, look);
        let gap = " ".repeat(room.saturating_sub(width(&name)));
        let name = if span.is_error() { look.paint(Role::Bad, &name) } else { name };
        let time = pad_start(&text::fine_time(span.duration(), look), TIME);
        let drawn = bar::draw(Stretch::within(span.start_ns, span.end_ns.max(span.start_ns), self.bounds), self.bar, look);
        let border = look.paint(Role::Dim, look.glyph("│", "|"));
        let note = clip(&note_text(span, look), self.note, look);
        let note = if span.is_error() { look.paint(Role::Bad, &note) } else { note };
        let bar = look.paint_service(span.service(), &drawn);
        let line = format!("{service}  {}{name}{gap} {time} {border}{bar}{border} {note}", look.paint(Role::Dim, front));
        push_line(out, line.trim_end());
    }
}

fn service_of(span: &Span, names: &ServiceNames, look: &Look) -> String {
    names.column(span.service(), span.is_stand_in(), SERVICE, look)
}

/// The note, with a cross where the span ended in error: `429 ✗`.
fn note_text(span: &Span, look: &Look) -> String {
    let note = note_of(span);
    let note = clean(&note);
    if !span.is_error() {
        return note.into_owned();
    }
    let cross = look.glyph("✗", "x");
    // The cross is what must not be cut.
    format!("{} {cross}", clip(&note, NOTE - 2, look)).trim_start().to_owned()
}
