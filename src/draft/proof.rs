//! Whether a draft can be read as a fixture and holds on the trace it was made from, by the same reader and the same judge that will replay
//! it.
//!
//! Called by [`super::text`] before anything is written where a person would look.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Draft, DraftError, redact::Redacted};
use crate::{
    expect,
    fixture::{self, LoadOptions},
    model::Trace,
    support::{random, source::Level},
    webhook::Providers,
};

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether every expectation of the draft holds on `trace`; without a trace only whether the draft can be read.
pub(super) fn holds(draft: &Draft, trace: Option<&Trace>, of: &Redacted, providers: &Providers) -> Result<bool, DraftError> {
    let scratch = Scratch(std::env::temp_dir().join(format!("devstack-draft-{}", random::uuid())));
    let path = scratch.0.join("draft.yaml");
    write(&scratch.0, &path, draft).map_err(|source| DraftError::Write { path: path.clone(), source })?;
    let options = LoadOptions { home: scratch.0.clone(), providers: providers.clone(), ..LoadOptions::default() };
    let loaded = fixture::load_all(&[path], &options);
    let problem = loaded.problems.files().iter().flat_map(|file| &file.problems).find(|problem| problem.level == Level::Error);
    let fixture = match (loaded.fixtures.first(), problem) {
        (Some(fixture), None) => fixture,
        (_, problem) => {
            let why = problem.map_or_else(|| "it cannot be read".to_owned(), |problem| problem.message.clone());
            return Err(DraftError::Unreadable { method: of.method.clone(), path: of.path.clone(), why });
        }
    };
    Ok(trace.is_none_or(|trace| expect::judge(&fixture.trace, trace).iter().all(|standing| standing.holds)))
}

fn write(folder: &Path, path: &Path, draft: &Draft) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(path, &draft.fixture)?;
    match &draft.body {
        Some((name, bytes)) => fs::write(folder.join(name), bytes),
        None => Ok(()),
    }
}
