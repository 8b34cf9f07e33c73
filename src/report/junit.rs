//! `--report junit=FILE`: JUnit XML as CI systems read it.
//!
//! A suite per folder of fixtures, a test case per case; `failure` for an expectation that failed, `error` for a case that was
//! never decided or could not run. The text of the terminal goes along as `system-out`, so that nothing is told only on a terminal.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Sources, failure, failure::Blocks};
use crate::{
    check::{CaseReport, RunReport, Verdict},
    term::Look,
};

/// The suite of fixtures that lie in no folder.
const NO_FOLDER: &str = "fixtures";

/// The report as XML, ended.
pub fn render(report: &RunReport, sources: &Sources) -> String {
    let look = Look::plain();
    let blocks = Blocks::new(report, sources, &look);
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for case in &report.cases {
        let folder = split(&case.id).0;
        suites.entry(folder).or_insert_with(|| TestSuite::new(folder)).add_test_case(test_case(case, &blocks));
    }
    let mut out = Report::new("devstack replay");
    out.set_time(report.elapsed);
    for (folder, mut suite) in suites {
        // Cases run side by side: a suite took as long as its longest.
        let of_folder = report.cases.iter().filter(|case| split(&case.id).0 == folder);
        suite.set_time(of_folder.map(|case| case.elapsed).max().unwrap_or_default());
        suite.add_property(Property::new("stack", report.stack.as_str()));
        suite.add_property(Property::new("target", report.target.as_str()));
        suite.add_property(Property::new("run", report.run.as_str()));
        out.add_test_suite(suite);
    }
    out.to_string().expect("a report in memory can be written")
}

fn test_case(case: &CaseReport, blocks: &Blocks<'_>) -> TestCase {
    let text = blocks.render(case);
    let (folder, name) = split(&case.id);
    let name = case.repetition.map_or_else(|| name.to_owned(), |number| format!("{name} #{number}"));
    let mut out = TestCase::new(name, status(case, &text));
    out.set_classname(folder).set_time(case.elapsed);
    for (key, value) in [("trace_id", case.trace_id.to_string()), ("correlation_id", case.correlation_id.clone())] {
        out.add_property(Property::new(key, value));
    }
    if let Some((found, of)) = case.stored {
        out.add_property(Property::new("stored", format!("{found}/{of}")));
    }
    out.extra.insert("file".into(), case.file.as_str().into());
    let warnings: String = case.warnings.iter().map(|warning| ["warning: ", &warning.headline, "\n"].concat()).collect();
    out.set_system_out(format!("{}\n{}\n\n{text}{warnings}", failure::title(case), case.name));
    out
}

fn status(case: &CaseReport, text: &str) -> TestCaseStatus {
    let kind = match case.verdict {
        Verdict::Held => return TestCaseStatus::success(),
        Verdict::Failed => NonSuccessKind::Failure,
        Verdict::Undecided | Verdict::Unobserved | Verdict::Broken => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    let code = case.findings.first().map_or("verdict", |finding| finding.code.as_str());
    status.set_message(failure::headline(case)).set_type(code).set_description(text);
    status
}

/// Folder and name of a fixture id.
fn split(id: &str) -> (&str, &str) {
    id.rsplit_once('/').unwrap_or((NO_FOLDER, id))
}
