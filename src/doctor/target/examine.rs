//! The examination of a service: facts first, then the rules on them, then what is most probable.

use serde_json::{Value, json};

use super::{
    facts::{Facts, Subject, TargetUrlError},
    finding::{Cause, Finding},
    lists::{self, List},
    look, measure, measured, told,
};
use crate::doctor::{Check, Level, Report};

/// What is known of a service.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What was found out.
    pub facts: Facts,
    /// What is thought of it, in the order of the way: process, variables, arrival.
    findings: Vec<Finding>,
    /// The guide's two lists.
    pub lists: Vec<List>,
}

/// Why nothing arrives, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// Causes, the most probable first; without one, that none was found.
    pub lines: Vec<String>,
    /// What to do about the first.
    pub hint: Option<String>,
}

/// A cause with how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probable<'a> {
    /// What was found.
    pub check: &'a Check,
    /// Whether it keeps every trace away; else it may.
    pub certain: bool,
}

/// Examines a service. Waits at most [`Subject::wait`] and a few seconds.
///
/// # Errors
/// The URL is none of an HTTP server. A server that does not answer is a finding.
pub async fn examine(subject: &Subject) -> Result<Examination, TargetUrlError> {
    let mut facts = look::look(subject).await?;
    if subject.measure && facts.reach == super::Reach::Open {
        facts.measured = Some(measure::measure(subject, &mut facts).await);
    }
    Ok(Examination::of(facts))
}

impl Examination {
    /// Judges these facts.
    pub fn of(facts: Facts) -> Self {
        let arrived = facts.arrived();
        let found = told::findings(&facts).into_iter();
        let mut findings: Vec<_> = found.map(|finding| if arrived { finding.disproved() } else { finding }).collect();
        findings.extend(measured::findings(&facts));
        explained(&mut findings);
        let lists = lists::of(&facts);
        Self { facts, findings, lists }
    }

    /// The findings, as `doctor` has them.
    pub fn report(&self) -> Report {
        Report::new(self.checks().cloned().collect())
    }

    /// Every finding.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.findings.iter().map(|finding| &finding.check)
    }

    /// Why nothing arrives: what is certain before what may be, and of those the nearest to the service first.
    pub fn sentences(&self) -> Sentences {
        let causes = self.causes();
        let hint = causes.first().and_then(|cause| cause.check.fix.clone());
        let lines: Vec<_> = causes.iter().map(|cause| cause.check.message.clone()).collect();
        if lines.is_empty() {
            let words = format!("no cause was found in the process behind {}", self.facts.url);
            return Sentences { lines: vec![words], hint: Some("devstack tail".to_owned()) };
        }
        Sentences { lines, hint }
    }

    /// Why nothing arrives, the most probable first.
    pub fn causes(&self) -> Vec<Probable<'_>> {
        let mut causes: Vec<_> =
            self.findings.iter().filter(|finding| finding.check.level != Level::Ok && finding.cause < Cause::Aside).collect();
        causes.sort_by_key(|finding| (finding.check.level != Level::Broken, finding.cause));
        causes.into_iter().map(|Finding { check, .. }| Probable { check, certain: check.level == Level::Broken }).collect()
    }

    /// Everything as one JSON document: the fields of [`Report`], the facts and the lists. Of variables only names.
    pub fn to_json(&self) -> Value {
        let mut all = serde_json::to_value(self.report()).expect("a report has only text keys and finite numbers");
        all["target"] = json!(self.facts.url);
        all["process"] = self.facts.process.as_ref().map_or(Value::Null, |process| {
            let names = process.variables.as_ref().ok().map(|variables| variables.names().collect::<Vec<_>>());
            json!({
                "pid": process.pid, "name": process.name, "runs": process.runs, "language": process.language,
                "loading": process.loading, "started_by": process.started_by, "started": process.started,
                "container": process.is_container, "variables": names, "connected": process.connected,
            })
        });
        all["traces_to"] = json!(self.facts.traces_to);
        all["measured"] = json!(self.facts.measured);
        all["lists"] = json!(self.lists);
        all
    }
}

/// Where something certainly keeps every trace away, it is not guessed that nothing makes spans.
fn explained(findings: &mut Vec<Finding>) {
    let is_certain = |finding: &Finding| finding.check.level == Level::Broken && finding.cause < Cause::Instrumentation;
    if findings.iter().any(is_certain) {
        findings.retain(|finding| finding.cause != Cause::Instrumentation || finding.check.level != Level::Attention);
    }
}
