//! Traces from OTLP JSON: a `TracesData` or `ExportTraceServiceRequest` object, or many of them one after the other, as the
//! Collector's file exporter writes (a line each).
//!
//! Read by [`super::store`] for kept traces and by `cli trace FILE`. Other tools' exports are recognised and named, not guessed at.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use opentelemetry_proto::tonic::trace::v1::TracesData;
use serde_json::Value;

use crate::model::{Span, otlp};

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Its spans, in file order.
    pub spans: Vec<Span>,
    /// What was left out and why, in words.
    pub warnings: Vec<String>,
}

/// Why a file gives no trace.
#[derive(Debug, thiserror::Error)]
pub enum OtlpFileError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON.
    #[error("`{name}` is not JSON: {source}")]
    NotJson {
        /// The file.
        name: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is JSON of another kind.
    #[error("`{name}` is not OTLP JSON: {looks_like}")]
    NotOtlp {
        /// The file.
        name: String,
        /// What it looks like.
        looks_like: String,
    },
    /// It claims to be OTLP and has something in it that OTLP does not.
    #[error("`{name}` is not valid OTLP JSON: {source}")]
    Malformed {
        /// The file.
        name: String,
        /// What.
        source: serde_json::Error,
    },
    /// It has no span.
    #[error("`{name}` has no spans")]
    NoSpans {
        /// The file.
        name: String,
    },
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Reading, OtlpFileError> {
    let text = fs::read_to_string(path).map_err(|source| OtlpFileError::Read { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

/// Reads the spans of a text that is called `name` in messages.
pub fn parse(text: &str, name: &str) -> Result<Reading, OtlpFileError> {
    let mut reading = Reading::default();
    let mut documents = 0;
    for document in serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Value>() {
        match document {
            Ok(document) => take(document, name, &mut reading)?,
            // A Collector that was killed leaves half a line; what is before it is good.
            Err(error) if error.is_eof() && !reading.spans.is_empty() => {
                reading
                    .warnings
                    .push(format!("`{name}` ends in the middle of line {}; the spans before it are shown", error.line()));
            }
            Err(source) => return Err(OtlpFileError::NotJson { name: name.to_owned(), source }),
        }
        documents += 1;
    }
    if documents == 0 || reading.spans.is_empty() {
        return Err(OtlpFileError::NoSpans { name: name.to_owned() });
    }
    Ok(reading)
}

fn take(document: Value, name: &str, reading: &mut Reading) -> Result<(), OtlpFileError> {
    if document.get("resourceSpans").is_none() {
        // A file exporter with several pipelines writes all signals into one file.
        if let Some(signal) = ["resourceMetrics", "resourceLogs"].iter().find(|key| document.get(**key).is_some()) {
            let warning = format!("`{name}` also has `{signal}`, which were left out");
            if !reading.warnings.contains(&warning) {
                reading.warnings.push(warning);
            }
            return Ok(());
        }
        return match looks_like(&document) {
            Some(looks_like) => Err(OtlpFileError::NotOtlp { name: name.to_owned(), looks_like }),
            None => Ok(()),
        };
    }
    let data: TracesData =
        serde_json::from_value(document).map_err(|source| OtlpFileError::Malformed { name: name.to_owned(), source })?;
    let (spans, bad) = otlp::spans_of(data.resource_spans);
    reading.spans.extend(spans);
    reading.warnings.extend(bad.iter().map(|bad| format!("{bad}; left out")));
    Ok(())
}

/// What a document that is not OTLP seems to be; `None` for an empty object, which is an empty request.
fn looks_like(document: &Value) -> Option<String> {
    let has = |value: &Value, key: &str| value.get(key).is_some();
    let first = |value: &Value| value.as_array().and_then(|list| list.first()).cloned().unwrap_or(Value::Null);
    let said = match document {
        Value::Object(map) if map.is_empty() => return None,
        value if has(value, "resource_spans") => {
            "its keys are written `resource_spans`, OTLP JSON writes `resourceSpans` (lowerCamelCase)".to_owned()
        }
        value if value.get("trace").is_some_and(|trace| has(trace, "resourceSpans")) => {
            "it looks like an answer of Tempo's `/api/v2/traces`; save what is under `trace`".to_owned()
        }
        value if has(value, "batches") => {
            "it looks like an answer of Tempo's `/api/traces`; rename `batches` to `resourceSpans`, ids must be hex".to_owned()
        }
        value if value.get("data").map(first).is_some_and(|trace| has(&trace, "traceID") || has(&trace, "processes")) => {
            "it looks like a Jaeger export (`data`, `traceID`, `processes`)".to_owned()
        }
        value if has(value, "traceID") && has(value, "processes") => "it looks like a trace out of a Jaeger export".to_owned(),
        value if has(&first(value), "traceId") && has(&first(value), "timestamp") => {
            "it looks like a Zipkin export (a list of spans with `timestamp`)".to_owned()
        }
        value if has(value, "cases") && has(value, "run") => "it is a report of devstack, not a trace".to_owned(),
        Value::Object(map) => {
            let keys: Vec<_> = map.keys().take(5).map(|key| format!("`{key}`")).collect();
            format!("it has no `resourceSpans`, only {}", keys.join(", "))
        }
        other => format!("it is {}, not an object with `resourceSpans`", json_kind(other)),
    };
    Some(said)
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
