//! What comes out of a run, without what may differ between runtimes: a verdict and the codes of the findings a case.
//!
//! Filled from a report, compared by `same` with what every runtime must say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::project::text;

/// A case's verdict and the codes of its findings.
pub(super) type Row = (String, BTreeSet<String>);

/// Rows by case.
pub(super) type Table = BTreeMap<String, Row>;

/// The table of a report.
pub(super) fn table(report: &Json) -> Table {
    let cases = report["cases"].as_array().unwrap().iter();
    cases.map(|case| (text(&case["id"]).to_owned(), row_of(case))).collect()
}

fn row_of(case: &Json) -> Row {
    let findings = case["findings"].as_array().unwrap().iter();
    (text(&case["verdict"]).to_owned(), findings.map(|finding| text(&finding["code"]).to_owned()).collect())
}

/// A row as it is expected.
pub(super) fn row(verdict: &str, codes: &[&str]) -> Row {
    (verdict.to_owned(), codes.iter().map(|code| (*code).to_owned()).collect())
}

/// Asserts that every case of the report has strongest evidence among these.
pub(super) fn assert_evidence(report: &Json, allowed: &[&str]) {
    for case in report["cases"].as_array().unwrap() {
        assert!(allowed.contains(&text(&case["evidence"])), "{}: {}", case["id"], case["evidence"]);
    }
}
