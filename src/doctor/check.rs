//! A finding, and all of them: what the subjects give and what `cli` shows.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The version of the JSON shape; grows when a field changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, and may not do what is wanted.
    Attention,
    /// `devstack up` will not work with it.
    Broken,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at, for programs: `engine`, `port`, `otel.headers`. Never changes its meaning.
    pub code: &'static str,
    /// How it is to be taken.
    pub level: Level,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do: a command to paste, or a sentence with one in it.
    pub fix: Option<String>,
    /// The facts the sentence was made of, for programs. Of variables only the names, except for endpoints.
    pub details: BTreeMap<&'static str, Value>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Findings, by subject.
    pub checks: Vec<Check>,
    /// How many are as they should be.
    pub ok: usize,
    /// How many want attention.
    pub attention: usize,
    /// How many are broken.
    pub broken: usize,
}

impl Check {
    /// As it should be.
    pub fn ok(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, level: Level::Ok, message: message.into(), fix: None, details: BTreeMap::new() }
    }

    /// Works, and may not do what is wanted.
    pub fn attention(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Attention, ..Self::ok(code, message) }
    }

    /// Will not work.
    pub fn broken(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Broken, ..Self::ok(code, message) }
    }

    /// The same with what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The same with a fact.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.insert(name, value.into());
        self
    }
}

impl Report {
    /// The report of these findings.
    pub fn new(checks: Vec<Check>) -> Self {
        let count = |level| checks.iter().filter(|check| check.level == level).count();
        let (ok, attention, broken) = (count(Level::Ok), count(Level::Attention), count(Level::Broken));
        Self { version: REPORT_VERSION, checks, ok, attention, broken }
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, Report};

    #[test]
    fn the_json_shape() {
        let report = Report::new(vec![
            Check::ok("ports", "ports 4317 and 4318 are free").detail("ports", vec![4317, 4318]),
            Check::attention("otel.headers", "OTEL_EXPORTER_OTLP_HEADERS is JSON").fix("unset OTEL_EXPORTER_OTLP_HEADERS"),
            Check::broken("port", "port 9090 (prometheus) is held by prometheus (pid 812)").detail("pid", 812),
        ]);
        let expected = serde_json::json!({
            "version": 1,
            "checks": [
                { "code": "ports", "level": "ok", "message": "ports 4317 and 4318 are free", "fix": null, "details": { "ports": [4317, 4318] } },
                {
                    "code": "otel.headers",
                    "level": "attention",
                    "message": "OTEL_EXPORTER_OTLP_HEADERS is JSON",
                    "fix": "unset OTEL_EXPORTER_OTLP_HEADERS",
                    "details": {}
                },
                {
                    "code": "port",
                    "level": "broken",
                    "message": "port 9090 (prometheus) is held by prometheus (pid 812)",
                    "fix": null,
                    "details": { "pid": 812 }
                },
            ],
            "ok": 1,
            "attention": 1,
            "broken": 1,
        });
        assert_eq!(serde_json::to_value(report).unwrap(), expected);
    }
}
