//! Files that people name: read whole and bounded, listed, and called by names that people recognise.
//!
//! Used by the shelves of `fixture` and `stack`. Sizes are looked at before anything is read, so that a huge file costs nothing.

use std::{
    fs, io,
    io::Read,
    path::{Component, Path, PathBuf},
};

use super::source::Problem;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is there.
    #[error("it is not there")]
    Missing,
    /// A folder, a pipe, a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Larger than what is read.
    #[error("it has {}, more than the {} that are read", mebibytes(*.size), mebibytes(*.limit))]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// The most that are read.
        limit: u64,
    },
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

impl ReadError {
    /// The error as a problem of the file itself.
    pub fn problem(&self) -> Problem {
        let code = if matches!(self, Self::TooLarge { .. }) { "too-large" } else { "unreadable" };
        Problem::of_file(code, format!("cannot use this file: {self}"))
    }
}

/// The bytes as text; what keeps them from being text is a problem of the file.
pub fn text(bytes: Vec<u8>) -> Result<String, Box<Problem>> {
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = String::from_utf8_lossy(&bytes[..at]).matches('\n').count() + 1;
        let byte = bytes.get(at).copied().unwrap_or_default();
        let problem = Problem::of_file("not-utf8", format!("not UTF-8 text: byte 0x{byte:02x} on line {line}"));
        Box::new(problem.help("save the file as UTF-8"))
    })
}

/// Adds every file below `folder`, unsorted; hidden files and folders are left out. What cannot be listed is added to `problems`.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>, problems: &mut Vec<(PathBuf, Problem)>) {
    walk_below(folder, &mut Vec::new(), files, problems);
}

/// A path that is the same for the same file however it is reached.
pub fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The path as the user is shown it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// The whole file, unless it is larger than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let told = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { ReadError::Missing } else { ReadError::Io(error) };
    // A pipe or a device would block or never end: asked before it is opened.
    let about = fs::metadata(path).map_err(told)?;
    if !about.is_file() {
        return Err(ReadError::NotAFile);
    }
    if about.len() > limit {
        return Err(ReadError::TooLarge { size: about.len(), limit });
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    fs::File::open(path).map_err(told)?.take(limit + 1).read_to_end(&mut bytes).map_err(told)?;
    Ok(bytes)
}

fn walk_below(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>, problems: &mut Vec<(PathBuf, Problem)>) {
    // A link may lead back up.
    let identity = identity(folder);
    if above.contains(&identity) {
        return;
    }
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push((folder.to_owned(), Problem::of_file("unreadable", format!("the folder cannot be read: {error}"))));
            return;
        }
    };
    above.push(identity);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            walk_below(&path, above, files, problems);
        } else {
            files.push(path);
        }
    }
    above.pop();
}

/// The name of a path inside the binary: `a/../b.json` is `b.json`.
pub fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.extend(part.to_str()),
            Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    parts.join("/")
}

/// A size for people.
pub fn mebibytes(size: u64) -> String {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    let size = size as f64 / MEBIBYTE;
    if size < 10.0 && size.fract() > 0.05 { format!("{size:.1} MiB") } else { format!("{size:.0} MiB") }
}
