//! Recorded deliveries by trace id, so that `devstack trace ID --save-as` has the body that no trace has.
//!
//! Written by `record`, always redacted, into the project's state folder with mode 0600; the last [`KEPT`] stay.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::redact::{Redacted, Redaction};
use crate::{model::TraceId, support::clock, webhook::Providers};

/// How many are kept.
pub const KEPT: usize = 100;

/// Characters of a file's name: a time, a trace id, and what stands around them.
const NAME_LENGTH: usize = 20 + 1 + 32 + 5;

/// The largest that is read back.
const LARGEST: u64 = 4 * crate::fixture::LARGEST_BODY;

/// The recorded deliveries of one project.
#[derive(Debug, Clone)]
pub struct Deliveries {
    folder: PathBuf,
}

impl Deliveries {
    /// Those in a project's state folder. Nothing is made on disk before one is kept.
    pub fn of(state: &Path) -> Self {
        Self { folder: state.join("deliveries") }
    }

    /// Keeps one and lets the oldest go.
    pub fn keep(&self, trace: TraceId, redaction: &Redaction) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Names are times in one form, so that their order is that of time.
        let path = self.folder.join(format!("{:020}-{trace}.json", clock::unix_nanos()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&serde_json::to_vec(redaction.redacted()).map_err(io::Error::other)?)?;
        let mut names = self.names();
        names.sort_unstable();
        for old in names.iter().rev().skip(KEPT) {
            // Another recorder may have let it go at the same time.
            let _ = fs::remove_file(self.folder.join(old));
        }
        Ok(())
    }

    /// The last one of a trace; its sender is looked for among `providers`. What was replaced in it is not known any more, so less is
    /// proposed of its trace.
    pub fn find(&self, trace: TraceId, providers: &Providers) -> Option<Redaction> {
        let end = format!("-{trace}.json");
        let mut names: Vec<String> = self.names().into_iter().filter(|name| name.ends_with(&end)).collect();
        names.sort_unstable();
        let bytes = crate::support::disk::read(&self.folder.join(names.pop()?), LARGEST).ok()?;
        serde_json::from_slice::<Redacted>(&bytes).ok().map(|redacted| Redaction::of_kept(redacted, providers.clone()))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name.len() == NAME_LENGTH).collect()
    }
}
