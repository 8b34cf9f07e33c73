//! Shows a run while it goes on: a line per fixture as soon as it and all before it in the plan are done, and a bar below.
//!
//! Fed by `cli` with the events of `check`. The order is the plan's, never that of completion.

use std::collections::{HashMap, HashSet};

use super::{
    Sources, json,
    lines::{CaseLines, label_of},
    terminal,
};
use crate::{
    check::{CaseKey, CaseReport, RunEvent, RunReport, Verdict},
    term::{Progress, Ui, text::clean},
};

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Lines for a person, as they come.
    #[default]
    Text,
    /// JSON at the end.
    Json,
}

/// The live view of one run.
pub struct Reporter<'ui> {
    ui: &'ui Ui,
    format: Format,
    progress: Option<Progress<'ui>>,
    lines: CaseLines,
    /// Fixtures in the order of the plan, each with how many of its cases are still out.
    plan: Vec<(String, usize)>,
    /// How many fixtures of the plan have their line.
    shown: usize,
    /// Ended cases, latest verdict, of fixtures without a line yet.
    waiting: HashMap<String, Vec<CaseReport>>,
    /// Every case that has ended, with the verdict it was shown with.
    ended: HashMap<CaseKey, Verdict>,
}

impl<'ui> Reporter<'ui> {
    /// A reporter that has heard nothing yet.
    pub fn new(ui: &'ui Ui, format: Format) -> Self {
        Self {
            ui,
            format,
            progress: None,
            lines: CaseLines::new([], ui.look()),
            plan: Vec::new(),
            shown: 0,
            waiting: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// Takes in what happened.
    pub fn on(&mut self, event: RunEvent) {
        match event {
            RunEvent::Started { stack, cases } => self.start(&stack, &cases),
            RunEvent::CaseStarted(key) => {
                if let Some(progress) = &mut self.progress {
                    progress.started(&progress_label(&key));
                }
            }
            RunEvent::CaseWaits(key) => self.relabel(&progress_label(&key), &waiting_label(&key)),
            RunEvent::CaseSends(key) => self.relabel(&waiting_label(&key), &progress_label(&key)),
            RunEvent::CaseFinished(case) => self.end_case(*case),
            RunEvent::Finished => self.progress = None,
        }
    }

    /// Shows the rest: blocks of what did not hold, warnings, the counts; or all of it as JSON.
    pub fn finish(mut self, report: &RunReport, sources: &Sources) {
        self.progress = None;
        if self.format == Format::Json {
            self.ui.data(&json::render(report));
            return;
        }
        let unseen: Vec<_> = self.plan[self.shown..].iter().map(|(id, _)| id.clone()).collect();
        for group in terminal::by_fixture(&report.cases) {
            // An interrupted run has fixtures whose turn never came; a late span may have turned a verdict after its line.
            let id = &group[0].id;
            let planned = self.plan.iter().any(|(known, _)| known == id);
            if !planned || unseen.contains(id) {
                self.ui.data(&self.lines.render(&group));
            }
        }
        self.turned(report);
        self.ui.data(&terminal::rest(report, sources, &self.lines, self.ui.look()));
    }

    fn relabel(&mut self, old: &str, new: &str) {
        if let Some(progress) = &mut self.progress {
            progress.relabelled(old, new);
        }
    }

    fn start(&mut self, stack: &str, cases: &[CaseKey]) {
        for key in cases {
            match self.plan.last_mut().filter(|(id, _)| *id == key.id) {
                Some((_, cases)) => *cases += 1,
                None => self.plan.push((key.id.clone(), 1)),
            }
        }
        self.lines = CaseLines::new(self.plan.iter().map(|(id, _)| id.as_str()), self.ui.look());
        if self.format == Format::Text {
            let distinct: HashSet<_> = self.plan.iter().map(|(id, _)| id).collect();
            self.ui.status(&terminal::header(stack, distinct.len(), self.ui.err_look()));
        }
        self.progress = Some(self.ui.progress(cases.len()));
    }

    fn end_case(&mut self, case: CaseReport) {
        let key = case.key();
        let again = self.ended.contains_key(&key);
        if let Some(progress) = self.progress.as_mut().filter(|_| !again) {
            progress.finished(&progress_label(&key));
        }
        let Some(at) = self.plan.iter().position(|(id, _)| *id == key.id) else { return };
        if at < self.shown {
            return; // Its line stands; what changed is told at the end.
        }
        self.ended.insert(key.clone(), case.verdict);
        let group = self.waiting.entry(key.id).or_default();
        match group.iter_mut().find(|known| known.repetition == key.repetition) {
            Some(known) => *known = case,
            None => group.push(case),
        }
        if !again {
            self.plan[at].1 = self.plan[at].1.saturating_sub(1);
        }
        self.show_ready();
    }

    /// Lines of all fixtures at the front of the plan that are complete.
    fn show_ready(&mut self) {
        let mut text = String::new();
        while let Some((id, 0)) = self.plan.get(self.shown) {
            let mut group = self.waiting.remove(id).unwrap_or_default();
            group.sort_by_key(|case| case.repetition);
            text += &self.lines.render(&group.iter().collect::<Vec<_>>());
            self.shown += 1;
        }
        if self.format == Format::Text {
            self.ui.data(&text);
        }
    }

    /// Verdicts that are not those of the lines above.
    fn turned(&self, report: &RunReport) {
        for case in &report.cases {
            let shown = self.ended.get(&case.key());
            if shown.is_some_and(|verdict| *verdict != case.verdict) {
                let sentence = format!("{}: judged again after a late span, see below", label_of(case));
                self.ui.warn(&sentence);
            }
        }
    }
}

/// While a rate holds it back.
fn waiting_label(key: &CaseKey) -> String {
    format!("{} (waits for its turn)", progress_label(key))
}

fn progress_label(key: &CaseKey) -> String {
    match key.repetition {
        Some(number) => format!("{} #{number}", clean(&key.id)),
        None => clean(&key.id).into_owned(),
    }
}
