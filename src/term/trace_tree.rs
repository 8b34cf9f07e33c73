//! A trace as a plain tree: what called what, without times on a line, and with what the waterfall has no room for.
//!
//! ```text
//! api      POST /webhooks/stripe  server  4.1 ms  200
//!          └─ trigger.dev.payment-failed-handler send  producer  2.2 ms
//! trigger     └─ trigger.task.payment-failed-handler  consumer  61.0 ms  error: no such contact
//!                · payment_failed
//! ```
//!
//! Fed by `cli trace --tree`. Lines are as long as they need to be up to the width; then they go on below.

use super::{
    Look, Role, ServiceNames,
    branches::Branches,
    rows::{self, Row, View},
    text::{self, clean, pad_end, push_line, width, wrap},
};
use crate::model::{Span, Trace, note::note_of};

/// At most so many columns for a service.
const SERVICE: usize = 16;

/// Draws the trace with its heading, what is odd about it, and its critical path; ended.
pub fn render(trace: &Trace, view: &View, look: &Look) -> String {
    let rows = rows::rows_of(trace, &view.hidden);
    let names = ServiceNames::new(trace.services());
    let shown = &rows[..view.limit.unwrap_or(rows.len()).min(rows.len())];
    let column_of = |span: &Span| names.column(span.service(), span.is_stand_in(), SERVICE, look);
    let service_width = trace.spans().iter().map(|span| width(&column_of(span))).max().unwrap_or(0);
    let mut branches = Branches::new(3, look.width.saturating_sub(service_width) / 2);
    let mut out = rows::heading(trace, view, look) + "\n";
    let mut before = String::new();
    for (at, row) in shown.iter().enumerate() {
        let span = &trace.spans()[row.span];
        let service = column_of(span);
        let column = pad_end(if service == before { "" } else { &service }, service_width);
        let front = front_of(row, &mut branches, look);
        let children = rows.get(at + 1).is_some_and(|next| next.depth > row.depth);
        let below = format!("{}  {}", " ".repeat(service_width), branches.below(children, look));
        let first = format!("{column}  {front}");
        span_lines(&mut out, span, (&first, &below), look, |text| look.paint_service(span.service(), text));
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

/// The span's line, then its error message, events and links.
fn span_lines(out: &mut String, span: &Span, (first, below): (&str, &str), look: &Look, paint: impl Fn(&str) -> String) {
    let time = text::fine_time(span.duration(), look);
    let note = note_of(span);
    let facts = [rows::name_of(span), span.kind.to_string(), time, clean(&note).into_owned()];
    let facts = facts.iter().filter(|fact| !fact.is_empty()).cloned().collect::<Vec<_>>().join("  ");
    let room = |front: &str| look.width.saturating_sub(width(front)).max(20);
    // Two spaces part the facts, which wrapping would lose: only what is too long is wrapped.
    let lines = if width(&facts) <= room(first) { vec![facts] } else { wrap(&facts, room(first).min(room(below))) };
    for (at, line) in lines.into_iter().enumerate() {
        let line = if span.is_error() { look.paint(Role::Bad, &line) } else { line };
        let front = if at == 0 { paint(first) } else { look.paint(Role::Dim, below) };
        push_line(out, format!("{front}{line}").trim_end());
    }
    let mut more = Vec::new();
    if span.is_error() {
        more.push(format!("error: {}", if span.status.message.is_empty() { "(no message)" } else { &span.status.message }));
    }
    more.extend(span.events.iter().map(|event| format!("{} {}", look.dot(), event.name)));
    more.extend(span.links.iter().map(|link| format!("links to {} of trace {}", link.span_id, link.trace_id)));
    for line in more.iter().flat_map(|text| wrap(&clean(text), room(below))) {
        push_line(out, &format!("{}{}", look.paint(Role::Dim, below), look.paint(Role::Dim, &line)));
    }
}
