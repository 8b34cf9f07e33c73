//! The book of starts and ends: `services.jsonl` in the project's state folder, a JSON document a line.
//!
//! A start is written by the process itself before it becomes the program, an end by whoever waited for it; so whatever dies at whatever
//! moment, a start without an end names something that may still run. Read by `left`, `status`, `doctor`.

use std::{
    fmt, fs,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::support::{clock, millis, process};

/// The file's name in the project's state folder.
const FILE: &str = "services.jsonl";

/// How large the file may become before its first half is forgotten, in bytes.
const LARGEST: u64 = 512 * 1024;

/// Who started a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starter {
    /// What for.
    pub kind: StarterKind,
    /// The process that waits for it.
    pub pid: u32,
    /// When that process started: a pid alone may be someone else's by now.
    pub pid_started: String,
}

/// What a service was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StarterKind {
    /// A stack that is up.
    Up,
    /// `devstack run`.
    Run,
    /// The length of a replay.
    Replay,
}

/// The start of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// Its name in commands.
    pub(super) name: String,
    /// Its name in traces.
    pub(super) service: String,
    /// Its process, which leads a session and a group of the same number; 0 until it is there.
    pub(super) pid: u32,
    /// When that process started, as the operating system tells it.
    pub(super) pid_started: String,
    /// When, in nanoseconds since the Unix epoch.
    pub(super) at_ns: u64,
    /// Its address.
    pub(super) url: Option<String>,
    /// How long it may take to end.
    #[serde(rename = "grace_ms", with = "millis")]
    pub(super) grace: Duration,
    /// Who started it.
    pub(super) by: Starter,
}

/// A line of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Entry {
    Started(Start),
    Ended { pid: u32, pid_started: String, at_ns: u64, how: How, by: EndedBy },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody was there to see it.
    Unseen,
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The program itself, or somebody who is none of devstack's.
    Itself,
    /// devstack asked it to (SIGTERM), and it did.
    Asked,
    /// devstack, by SIGKILL: it did not end within its grace, or somebody was in a hurry. What it had not sent is lost.
    Killed,
}

/// A service that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// Its name in commands.
    pub name: String,
    /// Its name in traces.
    pub service: String,
    /// Its process.
    pub pid: u32,
    /// When it started, in nanoseconds since the Unix epoch.
    pub started_ns: u64,
    /// When it ended, or was found to have ended.
    pub ended_ns: u64,
    /// How.
    pub how: How,
    /// Who ended it.
    pub by: EndedBy,
    /// What it had been started for.
    pub kind: StarterKind,
}

/// A service that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alive {
    /// Its name in commands.
    pub name: String,
    /// Its name in traces.
    pub service: String,
    /// Its process.
    pub pid: u32,
    /// When it started, in nanoseconds since the Unix epoch.
    pub started_ns: u64,
    /// Its address.
    pub url: Option<String>,
    /// Who started it.
    pub by: Starter,
}

/// The book of a project.
#[derive(Debug, Clone)]
pub(super) struct Book(PathBuf);

/// Every end that the book of this state folder still knows, in the order of the ends.
pub fn exits(state: &Path) -> Vec<Exit> {
    let entries = Book::of(state).entries();
    let start_of = |pid: u32, started: &str| {
        entries.iter().rev().find_map(|entry| match entry {
            Entry::Started(start) if start.pid == pid && start.pid_started == started => Some(start.clone()),
            _ => None,
        })
    };
    let exit = |entry: &Entry| match entry {
        Entry::Started(_) => None,
        Entry::Ended { pid, pid_started, at_ns, how, by } => {
            let start = start_of(*pid, pid_started)?;
            let (name, service, kind) = (start.name, start.service, start.by.kind);
            Some(Exit { name, service, pid: *pid, started_ns: start.at_ns, ended_ns: *at_ns, how: *how, by: *by, kind })
        }
    };
    entries.iter().filter_map(exit).collect()
}

/// The services that run now and whose starter does, too.
pub fn alive(state: &Path) -> Vec<Alive> {
    let runs = |start: &Start| process::alive(start.pid, &start.pid_started) && start.by.is_alive();
    Book::of(state).open_starts().into_iter().filter(runs).map(Alive::from).collect()
}

/// The services that run although their starter has died.
pub fn orphans(state: &Path) -> Vec<Alive> {
    let runs = |start: &Start| process::alive(start.pid, &start.pid_started) && !start.by.is_alive();
    Book::of(state).open_starts().into_iter().filter(runs).map(Alive::from).collect()
}

impl From<Start> for Alive {
    fn from(start: Start) -> Self {
        Self { name: start.name, service: start.service, pid: start.pid, started_ns: start.at_ns, url: start.url, by: start.by }
    }
}

impl Book {
    pub(super) fn of(state: &Path) -> Self {
        Self(state.join(FILE))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Writes that a process has started.
    pub(super) fn started(&self, start: Start) -> io::Result<()> {
        self.write(&Entry::Started(start))
    }

    /// Writes that a process has ended, now.
    pub(super) fn ended(&self, pid: u32, pid_started: &str, how: How, by: EndedBy) -> io::Result<()> {
        self.write(&Entry::Ended { pid, pid_started: pid_started.to_owned(), at_ns: clock::unix_nanos(), how, by })
    }

    /// Starts without an end.
    pub(super) fn open_starts(&self) -> Vec<Start> {
        let mut open: Vec<Start> = Vec::new();
        for entry in self.entries() {
            match entry {
                Entry::Started(start) => open.push(start),
                Entry::Ended { pid, pid_started, .. } => {
                    open.retain(|start| (start.pid, &start.pid_started) != (pid, &pid_started));
                }
            }
        }
        open
    }

    /// A line of another build is left out.
    fn entries(&self) -> Vec<Entry> {
        let Ok(file) = fs::File::open(&self.0) else { return Vec::new() };
        let _ = file.lock_shared();
        let mut text = String::new();
        let _ = (&file).read_to_string(&mut text);
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.0)?;
        // Let go of when the file is closed.
        file.lock()?;
        if file.metadata()?.len() > LARGEST {
            forget_half(&mut file)?;
        }
        let mut line = serde_json::to_vec(entry).map_err(io::Error::other)?;
        line.push(b'\n');
        file.write_all(&line)
    }
}

/// Forgets the older half, but no start that has no end yet.
fn forget_half(file: &mut fs::File) -> io::Result<()> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let half = text[text.floor_char_boundary(text.len() / 2)..].find('\n').map_or(text.len(), |at| text.len() / 2 + at + 1);
    let entry = |line: &str| serde_json::from_str::<Entry>(line).ok();
    let ended: Vec<(u32, String)> = text
        .lines()
        .filter_map(entry)
        .filter_map(|entry| match entry {
            Entry::Ended { pid, pid_started, .. } => Some((pid, pid_started)),
            Entry::Started(_) => None,
        })
        .collect();
    let open = |line: &&str| match entry(line) {
        Some(Entry::Started(start)) => !ended.contains(&(start.pid, start.pid_started)),
        _ => false,
    };
    let mut kept: String = text[..half].lines().filter(open).flat_map(|line| [line, "\n"]).collect();
    kept.push_str(&text[half..]);
    file.set_len(0)?;
    file.write_all(kept.as_bytes())
}

impl Starter {
    /// This process.
    pub fn this(kind: StarterKind) -> Self {
        let pid = std::process::id();
        Self { kind, pid, pid_started: process::started(pid).unwrap_or_default() }
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        process::alive(self.pid, &self.pid_started)
    }
}

impl fmt::Display for StarterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Run => "run",
            Self::Replay => "replay",
        })
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(number) => match process::signal_name(*number) {
                Some(name) => write!(f, "was ended by {name}"),
                None => write!(f, "was ended by signal {number}"),
            },
            Self::Unseen => f.write_str("ended, and nobody saw how"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random;

    fn start(pid: u32, name: &str) -> Start {
        Start {
            name: name.to_owned(),
            service: format!("shop-{name}"),
            pid,
            pid_started: "then".to_owned(),
            at_ns: 1,
            url: None,
            grace: Duration::from_secs(1),
            by: Starter::this(StarterKind::Up),
        }
    }

    #[test]
    fn a_start_without_an_end_is_open_and_an_end_is_an_exit() {
        let state = std::env::temp_dir().join(format!("devstack-book-{}", random::uuid()));
        let book = Book::of(&state);
        assert!(exits(&state).is_empty());
        book.started(start(7, "api")).unwrap();
        book.started(start(8, "worker")).unwrap();
        book.ended(7, "then", How::Signal(9), EndedBy::Killed).unwrap();
        let found = exits(&state);
        assert_eq!((found[0].name.as_str(), found[0].service.as_str(), found[0].how), ("api", "shop-api", How::Signal(9)));
        assert_eq!(book.open_starts(), [start(8, "worker")]);
        assert!(alive(&state).is_empty(), "a pid that started at another time is somebody else's");
        fs::remove_dir_all(state).unwrap();
    }

    #[test]
    fn a_long_book_forgets_old_ends_but_nothing_that_runs() {
        let state = std::env::temp_dir().join(format!("devstack-book-{}", random::uuid()));
        let book = Book::of(&state);
        book.started(start(1, "oldest")).unwrap();
        let line = serde_json::to_string(&Entry::Started(start(2, "x"))).unwrap().len() as u64;
        for _ in 0..LARGEST / line {
            book.started(start(2, "x")).unwrap();
            book.ended(2, "then", How::Code(0), EndedBy::Itself).unwrap();
        }
        assert!(book.path().metadata().unwrap().len() <= LARGEST + 2 * line);
        assert_eq!(book.open_starts(), [start(1, "oldest")]);
        fs::remove_dir_all(state).unwrap();
    }

    #[test]
    fn ends_are_told_in_words() {
        assert_eq!(How::Code(1).to_string(), "ended with exit code 1");
        assert_eq!(How::Signal(9).to_string(), "was ended by SIGKILL");
    }
}
