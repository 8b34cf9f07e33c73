//! What a run with the stand-in for the Trigger.dev API proves of the worker: which tasks were enqueued, and which span each payload names.
//!
//! Read by [`super::summary`] for all cases and by [`super::failure`] for one.

use crate::check::{CaseReport, EnqueuedContext, EnqueuedRun};

/// At most so many lines; JSON has every run.
const LINES: usize = 6;

/// Runs of a task whose payloads name the same sort of span.
struct Group<'a> {
    task: &'a str,
    named: Named<'a>,
    /// Runs that were made, and calls that got an earlier one.
    made: usize,
    again: usize,
}

/// What payloads name, without what differs from run to run.
#[derive(PartialEq)]
enum Named<'a> {
    Nothing,
    Invalid,
    Span(&'a str, &'static str),
    Unseen,
    Elsewhere,
}

/// A line for each task and sort of span, in the order in which they came: `1 run of send-mail, its traceparent names …`.
pub(super) fn lines<'a>(cases: impl IntoIterator<Item = &'a CaseReport>) -> Vec<String> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for run in cases.into_iter().flat_map(|case| &case.enqueued) {
        let named = named(run);
        let at = groups.iter().position(|group| group.task == run.task && group.named == named);
        let at = at.unwrap_or_else(|| {
            groups.push(Group { task: &run.task, named, made: 0, again: 0 });
            groups.len() - 1
        });
        *(if run.cached { &mut groups[at].again } else { &mut groups[at].made }) += 1;
    }
    let mut lines: Vec<String> = groups.iter().take(LINES).map(Group::line).collect();
    if let Some(more) = groups.len().checked_sub(LINES).filter(|more| *more > 0) {
        lines.push(format!("{more} more of other tasks or spans (--format json has all)"));
    }
    lines
}

fn named(run: &EnqueuedRun) -> Named<'_> {
    match &run.context {
        EnqueuedContext::Absent => Named::Nothing,
        EnqueuedContext::Invalid => Named::Invalid,
        EnqueuedContext::Span { name, kind, .. } => Named::Span(name, kind.name()),
        EnqueuedContext::Unseen { .. } => Named::Unseen,
        EnqueuedContext::OtherTrace { .. } => Named::Elsewhere,
    }
}

impl Group<'_> {
    fn line(&self) -> String {
        let counted = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        let runs = counted(self.made, "run", "runs");
        let what = match (self.made, self.again) {
            (_, 0) => format!("{runs} of {}", self.task),
            (0, again) => format!("{} of a known run of {}", counted(again, "repetition", "repetitions"), self.task),
            (_, again) => format!("{runs} of {} and {}", self.task, counted(again, "repetition", "repetitions")),
        };
        let (its, names) =
            if self.made + self.again == 1 { ("its traceparent", "names") } else { ("their traceparents", "name") };
        match self.named {
            Named::Nothing => format!("{what}, without a traceparent"),
            Named::Invalid => format!("{what}, {its} {} not valid", if names == "names" { "is" } else { "are" }),
            Named::Span(name, kind) => format!("{what}, {its} {names} `{name}` ({kind})"),
            Named::Unseen => format!("{what}, {its} {names} a span that did not arrive"),
            Named::Elsewhere => format!("{what}, {its} {names} another trace"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SpanId, SpanKind, TraceId};

    fn run(task: &str, cached: bool, context: EnqueuedContext) -> EnqueuedRun {
        EnqueuedRun { task: task.to_owned(), run_id: "run_1".to_owned(), cached, context }
    }

    fn names(name: &str, kind: SpanKind) -> EnqueuedContext {
        EnqueuedContext::Span { span_id: SpanId::random(), name: name.to_owned(), kind, service: "api".to_owned() }
    }

    #[test]
    fn each_task_and_sort_of_span_has_a_line() {
        let mut one = case();
        one.enqueued = vec![
            run("mail", false, names("mail send", SpanKind::Producer)),
            run("mail", true, names("mail send", SpanKind::Producer)),
            run("score", false, EnqueuedContext::Absent),
        ];
        let mut other = one.clone();
        other.enqueued = vec![
            run("mail", false, names("mail send", SpanKind::Producer)),
            run("mail", false, names("POST /order", SpanKind::Server)),
            run("bill", true, EnqueuedContext::Invalid),
            run("score", false, EnqueuedContext::Absent),
            run("call", false, EnqueuedContext::OtherTrace { trace_id: TraceId::random() }),
            run("fax", false, EnqueuedContext::Unseen { span_id: SpanId::random() }),
        ];
        assert_eq!(
            lines([&one, &other]),
            [
                "2 runs of mail and 1 repetition, their traceparents name `mail send` (producer)",
                "2 runs of score, without a traceparent",
                "1 run of mail, its traceparent names `POST /order` (server)",
                "1 repetition of a known run of bill, its traceparent is not valid",
                "1 run of call, its traceparent names another trace",
                "1 run of fax, its traceparent names a span that did not arrive",
            ]
        );
        other.enqueued.push(run("more", false, EnqueuedContext::Absent));
        assert_eq!(lines([&one, &other]).pop().unwrap(), "1 more of other tasks or spans (--format json has all)");
        one.enqueued.clear();
        assert!(lines([&one]).is_empty());
    }

    fn case() -> CaseReport {
        serde_json::from_value(serde_json::json!({
            "id": "a", "repetition": null, "name": "a", "tags": [], "file": "a.yaml", "verdict": "held", "evidence": "drained",
            "trace_id": TraceId::random(), "correlation_id": "c", "spans": 0, "services": [], "elapsed_ms": 1.0, "judged_after_ms": 1.0,
            "exchanges": [], "stored": null, "findings": [], "warnings": [], "tree": [], "waited": null,
        }))
        .unwrap()
    }
}
