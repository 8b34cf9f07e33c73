//! Keeping runs: save, list, load, and let the oldest go.
//!
//! Read by [`super::find`] and by `cli`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{otlp_file, private};
use crate::{
    check::{RunReport, outcome::REPORT_VERSION},
    model::{Span, TraceId, otlp},
    support::{clock, project::Project, random},
};

/// How many runs are kept (DESIGN section 4).
pub const KEPT: usize = 20;

/// What a run is called while it is written; never listed.
const UNFINISHED: &str = ".unfinished-";

/// An unfinished run of this age was left behind by a process that died.
const STALE: Duration = Duration::from_hours(1);

/// The runs of one project.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    keep: usize,
}

/// A run on disk, not read yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunEntry {
    /// The id of the run: its start, with `-2` and so on where two started in the same millisecond.
    pub id: String,
    path: PathBuf,
}

/// The runs there are, newest first, and what was skipped on the way.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The runs.
    pub runs: Vec<RunEntry>,
    /// Why something was skipped, in words.
    pub warnings: Vec<String>,
}

/// The newest run, read.
#[derive(Debug, Clone)]
pub struct Latest {
    /// The run.
    pub run: RunEntry,
    /// Its report.
    pub report: RunReport,
    /// Why newer ones were skipped, in words.
    pub warnings: Vec<String>,
}

/// What saving did.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The run.
    pub run: RunEntry,
    /// What could not be cleaned up, in words.
    pub warnings: Vec<String>,
}

/// Why the store cannot do something. None of it fails a run of fixtures: `cli` turns it into a warning.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The environment names no place for state.
    #[error("there is no place for state: neither `XDG_STATE_HOME` nor `HOME` is an absolute path")]
    NoHome,
    /// The run cannot be written.
    #[error("cannot keep the run in `{}`: {source}", path.display())]
    Save {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder of the runs cannot be read.
    #[error("cannot list the runs in `{}`: {source}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A report cannot be read.
    #[error("cannot read the report of run `{run}`: {source}")]
    Load {
        /// The run.
        run: String,
        /// Why.
        source: io::Error,
    },
    /// A report is not one.
    #[error("the report of run `{run}` is damaged: {source}")]
    Damaged {
        /// The run.
        run: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A report was written by another version of devstack.
    #[error("the report of run `{run}` has version {version}, this devstack reads version {REPORT_VERSION}")]
    Version {
        /// The run.
        run: String,
        /// The version found.
        version: u64,
    },
}

impl Store {
    /// The store of a project. Nothing is made on disk before something is saved.
    pub fn of(project: &Project) -> Result<Self, StoreError> {
        project.state().map(|state| Self::at(state.join("runs"))).ok_or(StoreError::NoHome)
    }

    /// The store in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), keep: KEPT }
    }

    /// Keeps a run with its traces, and lets go what is older than the last [`KEPT`].
    pub fn save<'a>(
        &self,
        report: &RunReport,
        traces: impl IntoIterator<Item = (TraceId, &'a [Arc<Span>])>,
    ) -> Result<Saved, StoreError> {
        let unfinished = self.folder.join(format!("{UNFINISHED}{}", const_hex::encode(random::bytes::<8>())));
        let run = write_run(&unfinished, report, traces).and_then(|()| self.publish(&unfinished, &report.run));
        if run.is_err() {
            let _ = fs::remove_dir_all(&unfinished);
        }
        let run = run?;
        Ok(Saved { run, warnings: self.clean_up() })
    }

    /// The runs there are, newest first. A store that has never been written to has none.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
            Err(source) => return Err(StoreError::List { path: self.folder.clone(), source }),
        };
        for entry in entries.flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            let run = RunEntry { path: entry.path(), id };
            if run.path.join("report.json").is_file() && !run.id.starts_with('.') {
                listing.runs.push(run);
            } else if !run.id.starts_with('.') {
                listing.warnings.push(format!("`{}` is not a run and was skipped", run.path.display()));
            }
        }
        // Names are times in one form, so that their order is that of time.
        listing.runs.sort_by(|a, b| b.cmp(a));
        Ok(listing)
    }

    /// The newest run whose report can be read; `None` when there is none, what was skipped on the way comes along.
    pub fn latest(&self) -> Result<Option<Latest>, StoreError> {
        let Listing { runs, mut warnings } = self.list()?;
        for run in runs {
            match run.report() {
                Ok(report) => return Ok(Some(Latest { run, report, warnings })),
                Err(error) => warnings.push(format!("{error}; skipped")),
            }
        }
        Ok(None)
    }

    /// Gives the finished run its name. Two runs of the same millisecond get different ones.
    fn publish(&self, unfinished: &Path, id: &str) -> Result<RunEntry, StoreError> {
        let mut number = 1;
        loop {
            let id = if number == 1 { id.to_owned() } else { format!("{id}-{number}") };
            let path = self.folder.join(&id);
            // Renaming onto a folder that has something in it fails, also when another process made it a moment ago.
            match fs::rename(unfinished, &path) {
                Ok(()) => return Ok(RunEntry { id, path }),
                Err(error) if taken(&error) && number < 1000 => number += 1,
                Err(source) => return Err(StoreError::Save { path, source }),
            }
        }
    }

    fn clean_up(&self) -> Vec<String> {
        let Ok(Listing { runs, mut warnings }) = self.list() else { return Vec::new() };
        let stale = self.unfinished().into_iter().filter(|path| is_stale(path));
        for path in runs.into_iter().skip(self.keep).map(|run| run.path).chain(stale) {
            match fs::remove_dir_all(&path) {
                // Another run may have let it go at the same time.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    warnings.push(format!("cannot delete the old run `{}`: {error}", path.display()));
                }
                _ => {}
            }
        }
        warnings
    }

    fn unfinished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)).map(|entry| entry.path()).collect()
    }
}

impl RunEntry {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads its report.
    pub fn report(&self) -> Result<RunReport, StoreError> {
        let run = || self.id.clone();
        let text = fs::read_to_string(self.path.join("report.json")).map_err(|source| StoreError::Load { run: run(), source })?;
        let damaged = |source| StoreError::Damaged { run: run(), source };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        // Asked before the fields are: another version may have others.
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version != u64::from(REPORT_VERSION) => Err(StoreError::Version { run: run(), version }),
            _ => serde_json::from_value(value).map_err(damaged),
        }
    }

    /// Ids of the traces it keeps, sorted.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        let entries = fs::read_dir(self.path.join("traces")).into_iter().flatten().flatten();
        let mut ids: Vec<_> = entries
            .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.strip_suffix(".json")).and_then(TraceId::parse))
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Where one of its traces lies, or would.
    pub fn trace_path(&self, id: TraceId) -> PathBuf {
        self.path.join("traces").join(format!("{id}.json"))
    }

    /// Reads one of its traces.
    pub fn trace(&self, id: TraceId) -> Result<Vec<Span>, otlp_file::OtlpFileError> {
        otlp_file::read(&self.trace_path(id)).map(|reading| reading.spans)
    }
}

fn write_run<'a>(
    folder: &Path,
    report: &RunReport,
    traces: impl IntoIterator<Item = (TraceId, &'a [Arc<Span>])>,
) -> Result<(), StoreError> {
    let save = |path: PathBuf, outcome: io::Result<()>| outcome.map_err(|source| StoreError::Save { path, source });
    let traces_folder = folder.join("traces");
    save(traces_folder.clone(), private::create_folder(&traces_folder))?;
    for (id, spans) in traces {
        let path = traces_folder.join(format!("{id}.json"));
        let outcome =
            to_json(&otlp::traces_data(spans.iter().map(AsRef::as_ref))).and_then(|json| private::write_new(&path, &json));
        save(path, outcome)?;
    }
    let path = folder.join("report.json");
    let outcome = to_json(report).and_then(|json| private::write_new(&path, &json));
    save(path, outcome)
}

fn to_json(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::other)
}

fn taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory)
}

fn is_stale(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.duration_since(std::time::UNIX_EPOCH).ok());
    age.is_some_and(|at| Duration::from_nanos(clock::unix_nanos()).saturating_sub(at) > STALE)
}
