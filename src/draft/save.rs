//! Writing a draft: both files or neither, and nothing that was there before.
//!
//! Called by `cli` for every command that drafts.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    Place, Seen,
    redact::Redaction,
    text::{Draft, DraftError, Origin, draft},
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The fixture.
    pub fixture: PathBuf,
    /// Its body file.
    pub body: Option<PathBuf>,
    /// Spans that the proposal rests on.
    pub spans: usize,
    /// Services that sent them.
    pub services: usize,
}

/// Drafts a fixture and writes it.
pub fn save(redaction: &mut Redaction, seen: Seen<'_>, origin: Origin, place: &Place) -> Result<Saved, DraftError> {
    let mut taken = PathBuf::new();
    for nth in 1.. {
        let Some(stem) = place.stem(&redaction.redacted, nth) else { break };
        let name = stem.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = stem.parent().unwrap_or(Path::new("")).to_owned();
        let fixture = folder.join(format!("{name}.yaml"));
        // Asked before the work is done; whoever is faster is noticed when the file is made.
        if fixture.exists() && !place.may_replace() {
            taken = fixture;
            continue;
        }
        let draft = draft(redaction, seen, origin, &name)?;
        let body = draft.body.as_ref().map(|(name, _)| folder.join(name));
        match write(&folder, &fixture, body.as_deref(), &draft, place.may_replace()) {
            Ok(()) => return Ok(Saved { fixture, body, spans: draft.spans, services: draft.services }),
            Err((path, error)) if error.kind() == io::ErrorKind::AlreadyExists => taken = path,
            Err((path, source)) => return Err(DraftError::Write { path, source }),
        }
    }
    Err(DraftError::Exists { path: taken })
}

fn write(folder: &Path, fixture: &Path, body: Option<&Path>, draft: &Draft, replace: bool) -> Result<(), (PathBuf, io::Error)> {
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(|error| (folder.to_owned(), error))?;
    }
    if let (Some(path), Some((_, bytes))) = (body, &draft.body) {
        put(path, bytes, replace).map_err(|error| (path.to_owned(), error))?;
    }
    put(fixture, draft.fixture.as_bytes(), replace).map_err(|error| {
        // A body that no fixture sends would be in the way of the next try.
        if let Some(path) = body.filter(|_| !replace) {
            let _ = fs::remove_file(path);
        }
        (fixture.to_owned(), error)
    })
}

fn put(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    if replace {
        options.write(true).create(true).truncate(true);
    } else {
        options.write(true).create_new(true);
    }
    options.open(path)?.write_all(bytes)
}
