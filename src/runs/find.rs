//! Finding a trace again: by the beginning of its id, by correlation id, or the one worth looking at in the last run.
//!
//! Read by `cli trace`.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Latest, Listing, RunEntry, Store, StoreError, otlp_file::OtlpFileError};
use crate::{
    check::{CaseReport, RunReport, Verdict},
    model::{Span, TraceId},
};

/// At most so many candidates are listed.
const CANDIDATES: usize = 10;

/// A trace from disk, and what is known of it.
#[derive(Debug, Clone)]
pub struct StoredTrace {
    /// Its id.
    pub id: TraceId,
    /// The run that kept it.
    pub run: String,
    /// The fixture whose case it was, with its repetition; `None` when no case names it.
    pub case: Option<String>,
    /// The file it lies in.
    pub file: PathBuf,
    /// Its spans.
    pub spans: Vec<Span>,
}

/// Traces that were found, and what was skipped on the way.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The traces; one, unless they share a correlation id.
    pub traces: Vec<StoredTrace>,
    /// Why something was skipped, in words.
    pub warnings: Vec<String>,
}

/// One of several traces that were meant, perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: TraceId,
    /// The run that kept it.
    pub run: String,
    /// The fixture whose case it was.
    pub case: Option<String>,
}

/// Why no trace is shown.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No run was ever kept.
    #[error("no run of this project has been kept yet")]
    NoRuns,
    /// The last run has no trace.
    #[error("run `{run}` kept no trace")]
    NoTraces {
        /// The run.
        run: String,
    },
    /// Nothing begins with it.
    #[error("no trace id begins with `{query}`, and no case has it as its correlation id (runs searched: {runs})")]
    Unknown {
        /// What was asked for.
        query: String,
        /// How many runs were searched.
        runs: usize,
    },
    /// Several traces begin with it.
    #[error("`{query}` is the beginning of {} trace ids{}", candidates.len(), listed(candidates))]
    Ambiguous {
        /// What was asked for.
        query: String,
        /// The traces, newest run first.
        candidates: Vec<Candidate>,
    },
    /// The file of the trace is damaged.
    #[error("cannot read trace `{id}` of run `{run}`: {source}")]
    Trace {
        /// The trace.
        id: TraceId,
        /// The run.
        run: String,
        /// Why.
        source: OtlpFileError,
    },
}

impl Store {
    /// The trace to look at first in the last run: of its first case that did not hold, else of its last case.
    pub fn last_trace(&self) -> Result<Found, FindError> {
        let Latest { run, report, warnings } = self.latest()?.ok_or(FindError::NoRuns)?;
        let kept = run.trace_ids();
        let has_trace = |case: &&CaseReport| kept.binary_search(&case.trace_id).is_ok();
        let not_held = report.cases.iter().filter(has_trace).find(|case| case.verdict != Verdict::Held);
        let case = not_held.or_else(|| report.cases.iter().rfind(has_trace));
        let id = case.map(|case| case.trace_id).or_else(|| kept.last().copied());
        let id = id.ok_or_else(|| FindError::NoTraces { run: run.id.clone() })?;
        Ok(Found { traces: vec![load(&run, Some(&report), id)?], warnings })
    }

    /// The trace whose id begins with `query`, else the traces of the newest run that has it as a correlation id.
    pub fn find_trace(&self, query: &str) -> Result<Found, FindError> {
        let Listing { runs, mut warnings } = self.list()?;
        if runs.is_empty() {
            return Err(FindError::NoRuns);
        }
        let prefix = query.to_ascii_lowercase();
        // The same trace may be kept by several runs (a service that goes on sending): the newest has most of it.
        let mut matching: BTreeMap<TraceId, &RunEntry> = BTreeMap::new();
        for run in &runs {
            for id in run.trace_ids().into_iter().filter(|id| id.to_string().starts_with(&prefix)) {
                matching.entry(id).or_insert(run);
            }
        }
        let mut reports = Reports::default();
        let traces = match matching.len() {
            0 => return by_correlation(query, &runs, reports, warnings),
            1 => matching.iter().map(|(id, run)| load(run, reports.of(run), *id)).collect::<Result<_, _>>()?,
            _ => {
                let candidates = matching.iter().map(|(id, run)| candidate(run, reports.of(run), *id)).collect();
                return Err(FindError::Ambiguous { query: query.to_owned(), candidates });
            }
        };
        warnings.extend(reports.warnings);
        Ok(Found { traces, warnings })
    }
}

fn by_correlation(query: &str, runs: &[RunEntry], mut reports: Reports, mut warnings: Vec<String>) -> Result<Found, FindError> {
    for run in runs {
        let Some(report) = reports.of(run) else { continue };
        let kept = run.trace_ids();
        let matches = |case: &&CaseReport| case.correlation_id == query && kept.binary_search(&case.trace_id).is_ok();
        let traces: Vec<_> =
            report.cases.iter().filter(matches).map(|case| load(run, Some(report), case.trace_id)).collect::<Result<_, _>>()?;
        if !traces.is_empty() {
            warnings.extend(reports.warnings);
            return Ok(Found { traces, warnings });
        }
    }
    Err(FindError::Unknown { query: query.to_owned(), runs: runs.len() })
}

/// Reports read so far; a damaged one is told once.
#[derive(Debug, Default)]
struct Reports {
    read: BTreeMap<String, Option<RunReport>>,
    warnings: Vec<String>,
}

impl Reports {
    fn of(&mut self, run: &RunEntry) -> Option<&RunReport> {
        if !self.read.contains_key(&run.id) {
            let report = run.report().map_err(|error| self.warnings.push(format!("{error}; skipped"))).ok();
            self.read.insert(run.id.clone(), report);
        }
        self.read.get(&run.id).and_then(Option::as_ref)
    }
}

fn load(run: &RunEntry, report: Option<&RunReport>, id: TraceId) -> Result<StoredTrace, FindError> {
    let spans = run.trace(id).map_err(|source| FindError::Trace { id, run: run.id.clone(), source })?;
    Ok(StoredTrace { id, run: run.id.clone(), case: case_of(report, id), file: run.trace_path(id), spans })
}

fn candidate(run: &RunEntry, report: Option<&RunReport>, id: TraceId) -> Candidate {
    Candidate { id, run: run.id.clone(), case: case_of(report, id) }
}

fn case_of(report: Option<&RunReport>, id: TraceId) -> Option<String> {
    let case = report?.cases.iter().find(|case| case.trace_id == id)?;
    Some(match case.repetition {
        Some(number) => format!("{} #{number}", case.id),
        None => case.id.clone(),
    })
}

fn listed(candidates: &[Candidate]) -> String {
    let mut lines = Vec::new();
    for candidate in candidates.iter().take(CANDIDATES) {
        lines.push(format!("{}  {}  {}", candidate.id, candidate.run, candidate.case.as_deref().unwrap_or_default()));
    }
    if candidates.len() > CANDIDATES {
        lines.push(format!("and {} more", candidates.len() - CANDIDATES));
    }
    lines.iter().flat_map(|line| ["\n  ", line.trim_end()]).collect()
}
