//! What the supervisor did and saw, a line each, in a file that `devstack logs devstack` shows.
//!
//! Written by the supervisor alone. A journal that cannot be written costs its lines and nothing else.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{runtime::LogLine, support::clock};

/// How large the file may be before it is begun anew, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The name under which its lines are shown.
pub(super) const NAME: &str = "devstack";

/// A journal; clones share it.
#[derive(Debug, Clone)]
pub(in crate::runtime) struct Journal(Arc<Mutex<Option<File>>>);

impl Journal {
    /// Opens the file to go on writing.
    pub(super) fn open(path: &Path) -> Self {
        let too_large = path.metadata().is_ok_and(|about| about.len() > LARGEST);
        let mut options = OpenOptions::new();
        options.create(true);
        if too_large {
            options.write(true).truncate(true)
        } else {
            options.append(true)
        };
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self(Arc::new(Mutex::new(options.open(path).ok())))
    }

    /// Writes a line.
    pub(in crate::runtime) fn note(&self, text: &str) {
        let line = LogLine { name: NAME.to_owned(), at_ns: clock::unix_nanos(), stderr: false, text: text.replace('\n', " ") };
        if let Some(file) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let text = serde_json::to_string(&line).expect("a line has only text keys");
            let _ = writeln!(file, "{text}");
        }
    }
}

/// The lines of a journal from `since` (seconds since the Unix epoch) on, at most the last `tail`.
pub fn lines(path: &Path, since: Option<i64>, tail: Option<usize>) -> Vec<LogLine> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let recent = |line: &LogLine| since.is_none_or(|since| (line.at_ns / 1_000_000_000) as i64 >= since);
    let mut lines: Vec<LogLine> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(recent).collect();
    lines.drain(..lines.len().saturating_sub(tail.unwrap_or(usize::MAX)));
    lines
}
