//! `--format json`: the report as it is, times in milliseconds, its shape named by `version`.
//!
//! ```json
//! { "version": 1, "run": "20261122T173000.123Z", "stack": "embedded stack · demo services", "target": "demo", "cases": [ … ], "elapsed_ms": 581.2, "interrupted": false }
//! ```
//!
//! For programs; the fields are documented on [`RunReport`] and may grow, the version changes when one changes its meaning.

use crate::check::RunReport;

/// The report as indented JSON, ended.
pub fn render(report: &RunReport) -> String {
    serde_json::to_string_pretty(report).expect("a report has only text keys and finite numbers") + "\n"
}
