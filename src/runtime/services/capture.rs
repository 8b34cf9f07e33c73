//! What a service writes: read as it comes, kept line by line in a bounded log, and its last lines at hand for whoever must explain.
//!
//! Fed by the pipes of a `process`; read by `logs`, by `ready` (a line that matches) and by every failure.

use std::{
    collections::VecDeque,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use regex::Regex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::watch,
};

use crate::{runtime::LogLine, support::clock};

/// How large a log may become before it is set aside as the one before, in bytes. So at most twice as much is kept a service.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The longest line that is kept whole, in bytes; a longer one becomes several.
const LONGEST_LINE: usize = 64 * 1024;

/// How long the rest of a line may take before what is there counts as one: a prompt has no end.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many of the last lines are at hand.
const TAIL: usize = 20;

/// Who is told each line.
pub type Sink = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// Who gets every piece of output as it came: whether it is stderr's, and the bytes.
pub type Raw = Arc<dyn Fn(bool, &[u8]) + Send + Sync>;

/// Where the output of a service goes besides its log.
#[derive(Clone, Default)]
pub struct Output {
    /// Each line.
    pub sink: Option<Sink>,
    /// Each piece, as it came.
    pub raw: Option<Raw>,
}

/// Keeps what a service writes; clones share it.
#[derive(Clone)]
pub(super) struct Capture(Arc<Shared>);

struct Shared {
    name: String,
    output: Output,
    log: Mutex<Log>,
    tail: Mutex<VecDeque<String>>,
    pattern: Option<Regex>,
    matched: watch::Sender<bool>,
}

/// The file, and how much is in it.
struct Log {
    path: PathBuf,
    file: Option<fs::File>,
    bytes: u64,
}

impl Capture {
    /// The capture of a service; `pattern` is waited for.
    pub(super) fn new(name: &str, folder: &Path, output: Output, pattern: Option<Regex>) -> Self {
        let log = Mutex::new(Log::open(path(folder, name)));
        let shared =
            Shared { name: name.to_owned(), output, log, tail: Mutex::default(), pattern, matched: watch::Sender::new(false) };
        Self(Arc::new(shared))
    }

    /// Reads a stream to its end.
    pub(super) async fn read(self, mut stream: impl AsyncRead + Unpin, stderr: bool) {
        let (mut held, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            let read = if held.is_empty() {
                stream.read(&mut piece).await
            } else {
                match tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await {
                    Ok(read) => read,
                    Err(_) => {
                        self.line(&std::mem::take(&mut held), stderr);
                        continue;
                    }
                }
            };
            // A pipe that breaks has ended, too.
            let count = read.unwrap_or(0);
            if count == 0 {
                break;
            }
            if let Some(raw) = &self.0.output.raw {
                raw(stderr, &piece[..count]);
            }
            held.extend_from_slice(&piece[..count]);
            self.lines(&mut held, stderr);
        }
        if !held.is_empty() {
            self.line(&held, stderr);
        }
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        locked(&self.0.tail).iter().cloned().collect()
    }

    /// Whether a line has matched.
    pub(super) fn matched(&self) -> watch::Receiver<bool> {
        self.0.matched.subscribe()
    }

    /// Takes the whole lines out of what is held.
    fn lines(&self, held: &mut Vec<u8>, stderr: bool) {
        let mut from = 0;
        while let Some(end) = held[from..].iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') {
            self.line(&held[from..from + end], stderr);
            from += end + 1;
        }
        while held.len() - from >= LONGEST_LINE {
            self.line(&held[from..from + LONGEST_LINE], stderr);
            from += LONGEST_LINE;
        }
        held.drain(..from);
    }

    fn line(&self, bytes: &[u8], stderr: bool) {
        let text = String::from_utf8_lossy(bytes);
        let text = anstream::adapter::strip_str(text.trim_end_matches('\r')).to_string();
        let line = LogLine { name: self.0.name.clone(), at_ns: clock::unix_nanos(), stderr, text };
        locked(&self.0.log).write(&line);
        if let Some(sink) = &self.0.output.sink {
            sink(&line);
        }
        if self.0.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&line.text)) {
            self.0.matched.send_replace(true);
        }
        let mut tail = locked(&self.0.tail);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.text);
    }
}

/// The log of a service in the folder of logs.
pub(super) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.jsonl"))
}

/// What its log was before the one that is written.
pub(super) fn older(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

impl Log {
    /// A log that cannot be written costs its lines and nothing else.
    fn open(path: PathBuf) -> Self {
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).ok();
        let bytes = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |about| about.len());
        Self { path, file, bytes }
    }

    fn write(&mut self, line: &LogLine) {
        if self.bytes > LARGEST && fs::rename(&self.path, older(&self.path)).is_ok() {
            *self = Self::open(std::mem::take(&mut self.path));
        }
        let Some(file) = &mut self.file else { return };
        let mut text = serde_json::to_vec(line).expect("a line has only text keys");
        text.push(b'\n');
        if file.write_all(&text).is_ok() {
            self.bytes += text.len() as u64;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random;

    async fn captured(bytes: &[u8], pattern: Option<&str>) -> (Vec<String>, bool, PathBuf) {
        let folder = std::env::temp_dir().join(format!("devstack-capture-{}", random::uuid()));
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&lines);
        let sink: Sink = Arc::new(move |line| locked(&seen).push(line.text.clone()));
        let pattern = pattern.map(|pattern| Regex::new(pattern).unwrap());
        let capture = Capture::new("api", &folder, Output { sink: Some(sink), raw: None }, pattern);
        let matched = capture.matched();
        capture.read(bytes, false).await;
        let lines = locked(&lines).clone();
        (lines, *matched.borrow(), folder)
    }

    #[tokio::test]
    async fn lines_end_at_their_ends_or_with_the_stream() {
        let (lines, matched, folder) = captured(b"one\r\n\x1b[31mtwo\x1b[0m\n\nlistening on 3000", Some("^listening")).await;
        assert_eq!(lines, ["one", "two", "", "listening on 3000"]);
        assert!(matched);
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_loses_nothing() {
        let (lines, _, folder) = captured(&vec![b'x'; 3 * LONGEST_LINE + 5], None).await;
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [LONGEST_LINE, LONGEST_LINE, LONGEST_LINE, 5]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn megabytes_are_bounded_on_disk_and_the_last_lines_are_there() {
        let text = "a line of a program that says too much\n".repeat(400_000);
        let (lines, _, folder) = captured(text.as_bytes(), None).await;
        assert_eq!(lines.len(), 400_000);
        let sizes = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        let sizes: Vec<_> = sizes.collect();
        assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= LARGEST + 1024), "{sizes:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}
