//! What `lint` found, as text and as JSON.
//!
//! Made by `run`; printed by `cli`.

use serde_json::{Value, json};

use crate::support::source::{Level, Paint, Problems};

/// The version of the JSON shape; grows when a field changes its meaning or goes away.
pub const LINT_VERSION: u32 = 1;

/// Everything that was found.
#[derive(Debug)]
pub struct LintReport {
    /// Errors and warnings, by file.
    pub problems: Problems,
    /// How many fixture files were read.
    pub fixtures: usize,
    /// How many suite files were read.
    pub suites: usize,
    /// How many stack files were read, those of projects (`devstack.yaml`) among them.
    pub stacks: usize,
}

impl LintReport {
    /// How many errors there are; with one, `replay` would not start.
    pub fn errors(&self) -> usize {
        self.problems.count(Level::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.problems.count(Level::Warning)
    }

    /// The problems as drawings, without the [`Self::summary`].
    pub fn render(&self, paint: Paint) -> String {
        self.problems.render(paint)
    }

    /// One line: `37 fixtures, 1 suite: 2 errors, 1 warning`.
    pub fn summary(&self) -> String {
        let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let counts = [(self.fixtures, "fixture"), (self.suites, "suite"), (self.stacks, "stack")];
        let mut files: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| plural(*count, noun)).collect();
        if files.is_empty() {
            files.push(plural(0, "fixture"));
        }
        let found = match (self.errors(), self.warnings()) {
            (0, 0) => "nothing to complain about".to_owned(),
            (0, warnings) => plural(warnings, "warning"),
            (errors, 0) => plural(errors, "error"),
            (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        };
        format!("{}: {found}", files.join(", "))
    }

    /// The report as a versioned document: `{"version", "fixtures", "suites", "stacks", "errors", "warnings", "problems": […]}`.
    pub fn to_json(&self) -> Value {
        json!({
            "version": LINT_VERSION,
            "fixtures": self.fixtures,
            "suites": self.suites,
            "stacks": self.stacks,
            "errors": self.errors(),
            "warnings": self.warnings(),
            "problems": self.problems.to_json()["problems"],
        })
    }
}
