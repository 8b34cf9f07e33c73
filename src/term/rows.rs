//! A trace as rows in drawing order: what [`waterfall`](super::waterfall) and [`trace_tree`](super::trace_tree) have in common.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use super::{
    Look, Role, links,
    text::{self, clean, push_line},
};
use crate::model::{CriticalPath, Span, SpanId, Spender, Trace};

/// The shortest time that does not read `0.0` in milliseconds.
const SHORTEST: Duration = Duration::from_micros(50);
/// So many spenders of the critical path are named.
const SPENDERS: usize = 8;

/// What to draw besides the spans.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// What the trace is of: the id of a fixture.
    pub title: Option<String>,
    /// Spans that were left out on purpose (devstack's own); their children are no orphans.
    pub hidden: HashSet<SpanId>,
    /// At most so many rows; `None` draws all.
    pub limit: Option<usize>,
    /// The file that holds the trace; its id becomes a link to it.
    pub file: Option<PathBuf>,
}

/// One span in drawing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Position in [`Trace::spans`].
    pub(super) span: usize,
    pub(super) depth: usize,
    pub(super) last: bool,
    /// Its parent never arrived.
    pub(super) orphan: bool,
}

/// All spans in drawing order. Spans that only lie in a cycle come last, each cycle cut once.
pub(super) fn rows_of(trace: &Trace, hidden: &HashSet<SpanId>) -> Vec<Row> {
    let spans = trace.spans();
    let mut rows = Vec::with_capacity(spans.len());
    let mut drawn = vec![false; spans.len()];
    let tops = trace.tops().into_iter().chain(0..spans.len());
    for top in tops {
        let parent = spans[top].parent_id;
        let orphan = parent.is_some_and(|parent| trace.get(parent).is_none() && !hidden.contains(&parent));
        let mut stack = vec![Row { span: top, depth: 0, last: true, orphan }];
        while let Some(row) = stack.pop() {
            if std::mem::replace(&mut drawn[row.span], true) {
                continue;
            }
            rows.push(row);
            let children: Vec<_> = trace.children(spans[row.span].span_id).iter().filter(|child| !drawn[**child]).collect();
            let below = children.iter().enumerate().map(|(at, child)| Row {
                span: **child,
                depth: row.depth + 1,
                last: at + 1 == children.len(),
                orphan: false,
            });
            stack.extend(below.rev());
        }
    }
    rows
}

/// The name of a span as it is drawn.
pub(super) fn name_of(span: &Span) -> String {
    clean(&span.name).into_owned()
}

/// The heading: `4bf92f35…4736 · whatsapp/text-message · 14 spans · 86 ms · 1 error`.
pub(super) fn heading(trace: &Trace, view: &View, look: &Look) -> String {
    let (start, end) = trace.bounds();
    let errors = trace.spans().iter().filter(|span| span.is_error()).count();
    let dot = format!(" {} ", look.dot());
    let mut facts = vec![text::count(trace.spans().len(), "span")];
    facts.push(text::span_time(Duration::from_nanos(end - start), look));
    if errors > 0 {
        facts.push(text::count(errors, "error"));
    }
    let counts = facts.join(&dot);
    // The short id and the counts are always there; a long title gives way.
    let room = look.width.saturating_sub(13 + text::width(&counts) + 2 * text::width(&dot));
    let title = view.title.iter().map(|title| text::clip(&clean(title), room, look));
    let facts = title.filter(|title| !title.is_empty()).chain([counts]).collect::<Vec<_>>().join(&dot);
    let id = trace.id().map(|id| id.to_string()).unwrap_or_default();
    let whole = text::width(&id) + text::width(&dot) + text::width(&facts) <= look.width;
    let shown =
        if whole || id.len() < 12 { id.clone() } else { format!("{}{}{}", &id[..8], look.ellipsis(), &id[id.len() - 4..]) };
    let shown = look.paint(Role::Heading, &shown);
    let shown = view.file.as_ref().map_or_else(|| shown.clone(), |file| links::file_link(look, file, &shown));
    format!("{shown}{dot}{facts}\n")
}

/// The line that says what a cut left out; empty when nothing was.
pub(super) fn cut_line(trace: &Trace, rows: &[Row], limit: Option<usize>, look: &Look) -> String {
    let Some(cut) = limit.and_then(|limit| rows.get(limit..)).filter(|cut| !cut.is_empty()) else { return String::new() };
    let errors = cut.iter().filter(|row| trace.spans()[row.span].is_error()).count();
    let errors = if errors == 0 { String::new() } else { format!(", {} among them", text::count(errors, "error")) };
    format!("{} {}{errors} (--all draws them)\n", look.glyph("…", "..."), text::count(cut.len(), "more span"))
}

/// What is odd about the trace: orphans, several roots, clocks that disagree; a line each.
pub(super) fn oddities(trace: &Trace, rows: &[Row], look: &Look) -> String {
    let mut out = String::new();
    let orphans = rows.iter().filter(|row| row.orphan).count();
    if orphans > 0 {
        let have = if orphans == 1 { "has" } else { "have" };
        let sign = look.glyph("┄", "~");
        push_line(&mut out, &format!("{sign} {} {have} a parent that never arrived", text::count(orphans, "span")));
    }
    if let Some((behind, ahead, by)) = skew(trace) {
        let by = text::span_time(Duration::from_nanos(by), look);
        out += &text::paragraph(
            &format!("the clocks disagree: `{behind}` starts work up to {by} before `{ahead}` asks for it"),
            0,
            look,
        );
    }
    out
}

/// The two services whose clocks disagree most, by how much a child starts before its parent.
fn skew(trace: &Trace) -> Option<(&str, &str, u64)> {
    let early = |span: &'_ Span| -> Option<(u64, usize)> {
        let parent = trace.parent(span)?;
        let by = parent.start_ns.checked_sub(span.start_ns).filter(|by| *by > 0)?;
        (parent.service() != span.service()).then(|| (by, trace.index_of(span.span_id).unwrap_or_default()))
    };
    let (by, at) = trace.spans().iter().filter_map(|span| early(span)).max_by_key(|(by, _)| *by)?;
    let span = &trace.spans()[at];
    Some((span.service(), trace.parent(span)?.service(), by))
}

/// `critical path 81.9 ms: hubspot 41.7 · openai 24.0 · trigger 12.3 · api 3.9`, the longest first, on further lines where one does not
/// hold it; what is beyond the first eight is summed up as `others`.
pub(super) fn critical_line(trace: &Trace, names: &super::ServiceNames, look: &Look) -> String {
    let path = CriticalPath::of(trace);
    if path.segments.is_empty() {
        return String::new();
    }
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let mut parts = path.by_spender(trace);
    // What would read `0.0` says nothing, unless all of it is that short.
    if parts.iter().any(|(_, time)| *time >= SHORTEST) {
        parts.retain(|(_, time)| *time >= SHORTEST);
    }
    let (largest, others) = parts.split_at(parts.len().min(SPENDERS));
    let mut said: Vec<_> =
        largest.iter().map(|(spender, time)| format!("{} {}", spender_name(spender, names), millis(*time))).collect();
    if !others.is_empty() {
        said.push(format!("others {}", millis(others.iter().map(|(_, time)| *time).sum())));
    }
    let mut line = format!("critical path {} ms:", millis(path.duration()));
    let mut out = String::new();
    for (at, part) in said.iter().enumerate() {
        let part = text::clip(part, look.width - 4, look);
        let dot = if at + 1 < said.len() { format!(" {}", look.dot()) } else { String::new() };
        if text::width(&line) + 1 + text::width(&part) + text::width(&dot) > look.width {
            push_line(&mut out, &line);
            line = String::from(" ");
        }
        line.push(' ');
        line += &part;
        line += &dot;
    }
    push_line(&mut out, &line);
    out
}

fn spender_name(spender: &Spender, names: &super::ServiceNames) -> String {
    match spender {
        Spender::Service(name) => clean(names.short(name)).into_owned(),
        Spender::External(name) => clean(name).into_owned(),
        Spender::Waiting => "waiting".to_owned(),
    }
}
