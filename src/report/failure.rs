//! The block of a case that did not hold: the sentence a person needs, the change in the tree, the place, what to do next.
//!
//! Read by [`super::terminal`], and by [`super::junit`] as the text of a failure.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Sources, enqueued, fold, lines::label_of};
use crate::{
    check::{CaseReport, Evidence, Exchange, Finding, Mark, RunReport, SourceSpan, TreeRow, Verdict},
    model::TraceId,
    term::{
        Look, Role, ServiceNames,
        links::file_link,
        snippet::{self, Snippet},
        text::{self, clean, push_line, wrap},
        tree,
    },
};

/// Columns before the text of a block.
const INDENT: usize = 4;
/// At most so many findings of a case are told; JSON has all.
const FINDINGS: usize = 8;

/// What all blocks of a report share.
#[derive(Debug)]
pub struct Blocks<'a> {
    sources: &'a Sources,
    look: &'a Look,
    names: ServiceNames,
    /// How a command names the target; empty where it is the demo's services.
    target: String,
    /// The shortest prefix, of four digits at least, that no other trace of the report has.
    prefixes: BTreeMap<TraceId, String>,
}

impl<'a> Blocks<'a> {
    /// Reads from the whole report what single blocks need: names of services and prefixes of ids.
    pub fn new(report: &RunReport, sources: &'a Sources, look: &'a Look) -> Self {
        let of_cases = report.cases.iter().flat_map(|case| case.services.iter());
        let of_rows = report.cases.iter().flat_map(|case| &case.tree).map(|row| &row.service);
        let names = ServiceNames::new(of_cases.chain(of_rows).map(String::as_str).filter(|name| !name.is_empty()));
        let target = match report.target.as_str() {
            "" | "demo" => String::new(),
            target => format!(" --target {}", clean(target)),
        };
        Self { sources, look, names, target, prefixes: unique_prefixes(report.cases.iter().map(|case| case.trace_id)) }
    }

    /// The block without its heading, ended.
    pub fn render(&self, case: &CaseReport) -> String {
        let mut out = String::new();
        let findings = distinct(&case.findings);
        let (first, others) = findings.split_first().map_or((None, &[][..]), |(first, others)| (Some(*first), others));
        match first {
            Some(first) => self.sentences(&mut out, first),
            None => out += &text::paragraph(without_finding(case.verdict), INDENT, self.look),
        }
        if !case.tree.is_empty() {
            out.push('\n');
            out += &tree::render(&rows(&case.tree, self.look), INDENT, &self.names, self.look);
        }
        if let Some((first, _)) = first {
            self.place(&mut out, first);
        }
        for finding in others.iter().take(FINDINGS - 1) {
            out.push('\n');
            self.sentences(&mut out, *finding);
            self.place(&mut out, finding.0);
        }
        if others.len() >= FINDINGS {
            let more = format!("{} more (--format json has all)", text::count(others.len() + 1 - FINDINGS, "finding"));
            push_line(&mut out, &format!("\n{:INDENT$}{more}", ""));
        }
        if !case.tree.is_empty() && findings.iter().all(|(finding, _)| finding.at.is_none()) && others.is_empty() {
            out.push('\n');
        }
        self.footer(&mut out, case);
        out
    }

    fn sentences(&self, out: &mut String, (finding, times): (&Finding, usize)) {
        let again = if times > 1 { format!(" ({times} times)") } else { String::new() };
        for line in wrap(&format!("{}{again}", clean(&finding.headline)), self.look.width.min(100) - INDENT) {
            push_line(out, &format!("{:INDENT$}{}", "", self.look.paint(Role::Heading, &line)));
        }
        for detail in &finding.details {
            *out += &text::paragraph(&clean(detail), INDENT, self.look);
        }
        if let Some(hint) = &finding.hint {
            self.labelled(out, "hint:", Role::Hint, &clean(hint), 6);
        }
    }

    fn place(&self, out: &mut String, finding: &Finding) {
        let Some(at) = &finding.at else { return };
        let source = self.sources.text(&at.file);
        let shown = clean(&at.file);
        let file = self.sources.path(&at.file).map_or_else(|| shown.to_string(), |path| file_link(self.look, &path, &shown));
        let snippet = Snippet {
            file: &file,
            source,
            line: at.line,
            column: at.column,
            length: source.map_or(1, |source| characters(source, at)),
            label: &finding.label,
        };
        out.push('\n');
        *out += &snippet::render(&snippet, INDENT - 2, self.look);
    }

    fn footer(&self, out: &mut String, case: &CaseReport) {
        let dot = format!(" {} ", self.look.dot());
        let mut facts = vec![evidence_name(case.evidence).to_owned()];
        facts.extend(answers(&case.exchanges));
        facts.extend(case.stored.map(|(stored, received)| format!("stored {stored}/{received}")));
        self.labelled(out, "evidence", Role::Dim, &facts.join(&dot), 9);
        for line in enqueued::lines([case]) {
            self.labelled(out, "enqueued", Role::Dim, &clean(&line), 9);
        }
        if let Some(waited) = &case.waited {
            *out += &text::paragraph(&clean(waited), INDENT, self.look);
        }
        // Commands are for copying: they are never wrapped.
        self.command(out, "again", &format!("devstack replay {}{}", clean(&case.id), self.target));
        if case.spans > 0 {
            let prefix = self.prefixes.get(&case.trace_id).cloned().unwrap_or_else(|| case.trace_id.short());
            self.command(out, "look", &format!("devstack trace {prefix}"));
        }
    }

    fn command(&self, out: &mut String, label: &str, command: &str) {
        push_line(out, &format!("{:INDENT$}{} {command}", "", self.look.paint(Role::Dim, &text::pad_end(label, 8))));
    }

    /// A label and text that goes on under its own beginning.
    fn labelled(&self, out: &mut String, label: &str, role: Role, text: &str, columns: usize) {
        for (index, line) in wrap(text, self.look.width.min(100) - INDENT - columns).into_iter().enumerate() {
            let label = if index == 0 { text::pad_end(label, columns) } else { " ".repeat(columns) };
            push_line(out, &format!("{:INDENT$}{}{line}", "", self.look.paint(role, &label)));
        }
    }
}

/// The headline of a case in one line, for formats that have one: the first finding, or what its verdict means.
pub fn headline(case: &CaseReport) -> &str {
    case.findings.first().map_or(without_finding(case.verdict), |finding| &finding.headline)
}

/// A heading for formats without marks: `stripe/payment-failed #3 failed`.
pub fn title(case: &CaseReport) -> String {
    let word = match case.verdict {
        Verdict::Held => "held",
        Verdict::Failed => "failed",
        Verdict::Undecided => "is undecided",
        Verdict::Unobserved => "was never observed",
        Verdict::Broken if case.is_stored_in_part() => "was not stored whole",
        Verdict::Broken => "could not run",
    };
    format!("{} {word}", label_of(case))
}

fn without_finding(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "All expectations held.",
        Verdict::Failed => "An expectation failed.",
        Verdict::Undecided => "The deadline came before there was enough evidence.",
        Verdict::Unobserved => "No span of this trace arrived, and nothing proves that one could have.",
        Verdict::Broken => "The case could not be run.",
    }
}

/// Findings that say the same of the same place, once, with how often: a retried task breaks a rule with every attempt.
fn distinct(findings: &[Finding]) -> Vec<(&Finding, usize)> {
    let mut out: Vec<(&Finding, usize)> = Vec::new();
    for finding in findings {
        match out.iter_mut().find(|(known, _)| *known == finding) {
            Some((_, times)) => *times += 1,
            None => out.push((finding, 1)),
        }
    }
    out
}

fn evidence_name(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Arrived => "arrived",
        Evidence::Quiet => "quiet",
        Evidence::Complete => "complete",
        Evidence::Barrier => "barrier",
        Evidence::Drained => "drained",
    }
}

/// What came back: each answer while they are few, else how many of each status.
fn answers(exchanges: &[Exchange]) -> Vec<String> {
    let said = |exchange: &Exchange| match (exchange.status, &exchange.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => format!("no answer: {}", clean(error)),
        (None, None) => "no answer".to_owned(),
    };
    if exchanges.len() <= 3 {
        let one = |exchange: &Exchange| format!("{} in {}", said(exchange), text::time(exchange.elapsed));
        return exchanges.iter().map(one).collect();
    }
    let mut counts: Vec<(String, usize)> = Vec::new();
    for exchange in exchanges {
        let word = said(exchange);
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.into_iter().map(|(word, count)| format!("{count} x {word}")).collect()
}

fn rows<'a>(tree: &'a [TreeRow], look: &Look) -> Vec<tree::Row<'a>> {
    let row = |shown: &fold::Shown<'a>| match *shown {
        fold::Shown::Row(row) => row_of(row),
        fold::Shown::Folded { depth, last, count } => tree::Row {
            depth,
            last,
            mark: tree::Mark::Same,
            name: format!("{} {}", look.ellipsis(), text::count(count, "more span")).into(),
            service: "",
            stand_in: false,
            elapsed: None,
            error: false,
            note: "",
            mismatches: Vec::new(),
        },
    };
    fold::fold(tree).iter().map(row).collect()
}

fn row_of(row: &TreeRow) -> tree::Row<'_> {
    tree::Row {
        depth: row.depth,
        last: row.last,
        mark: match row.mark {
            Mark::Same => tree::Mark::Same,
            Mark::Changed => tree::Mark::Changed,
            Mark::Missing => tree::Mark::Missing,
            Mark::Unexpected => tree::Mark::Unexpected,
        },
        name: Cow::Borrowed(&row.name),
        service: &row.service,
        stand_in: row.stand_in,
        elapsed: row.elapsed,
        error: row.error,
        note: &row.note,
        mismatches: row.mismatches.iter().map(|m| (m.what.as_str(), m.expected.as_str(), m.actual.as_str())).collect(),
    }
}

/// The length of a place in characters, within its first line.
fn characters(source: &str, at: &SourceSpan) -> usize {
    let end = at.offset.saturating_add(at.length).min(source.len());
    let marked = source.get(at.offset..end).unwrap_or_default();
    marked.lines().next().unwrap_or_default().trim_end().chars().count().max(1)
}

fn unique_prefixes(ids: impl Iterator<Item = TraceId>) -> BTreeMap<TraceId, String> {
    let ids: std::collections::BTreeSet<_> = ids.collect();
    let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Sorted, so that the nearest relatives of an id stand beside it.
    let length = |at: usize| {
        let before = at.checked_sub(1).map_or(0, |before| shared(&texts[at], &texts[before]));
        let after = texts.get(at + 1).map_or(0, |after| shared(&texts[at], after));
        (before.max(after) + 1).clamp(4, texts[at].len())
    };
    ids.iter().enumerate().map(|(at, id)| (*id, texts[at][..length(at)].to_owned())).collect()
}
