//! One service as a process: started in a session of its own, read, waited for, and ended with everything that it started.
//!
//! Made by `group` and by `cli` (`run`) from a [`Spec`]. Whatever ends it, its end is told to everybody who waits and written into the book.

use std::{
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use regex::Regex;
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

use super::{
    Place,
    book::{Book, EndedBy, How, Start},
    capture::{Capture, Output},
    launch::LAUNCH,
    resolve::Spec,
};
use crate::support::{clock, poll::Poll, process};

/// How long the rest of a group may take once its leader has ended, at most; less where the grace is shorter.
const REST: Duration = Duration::from_secs(2);

/// How long pipes may stay open when the whole group has ended: somebody who left the group may hold them.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process that was not asked to end.
const NOT_ASKED: u8 = 0;
/// One that was sent SIGTERM.
const ASKED: u8 = 1;
/// One that was sent SIGKILL.
const KILLED: u8 = 2;

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How.
    pub how: How,
    /// Who ended it.
    pub by: EndedBy,
}

/// A service that was started; clones share it. Dropping all of them leaves it running.
#[derive(Clone)]
pub struct Process(Arc<Shared>);

struct Shared {
    name: String,
    pid: u32,
    started_at: i64,
    grace: Duration,
    capture: Capture,
    asked: AtomicU8,
    ended: watch::Receiver<Option<End>>,
}

/// Where the input of a service comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// From nowhere.
    Nothing,
    /// From where this process has its own.
    Inherited,
}

impl Process {
    /// Starts it. `pattern` is what `ready` waits for in its output.
    pub fn start(spec: &Spec, place: &Place, input: Input, output: Output, pattern: Option<Regex>) -> io::Result<Self> {
        let book = Book::of(&place.state);
        let mut child = command(spec, place, &book, input).spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("it ended before it began"))?;
        let capture = Capture::new(&spec.name, &logs_folder(&place.state), output, pattern);
        let readers = readers(&mut child, &capture);
        let (tell, ended) = watch::channel(None);
        let shared = Arc::new(Shared {
            name: spec.name.clone(),
            pid,
            started_at: clock::unix_seconds(),
            grace: spec.grace,
            capture,
            asked: AtomicU8::new(NOT_ASKED),
            ended,
        });
        tokio::spawn(wait(child, readers, Arc::clone(&shared), book, tell));
        Ok(Self(shared))
    }

    /// Its name in commands.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its process, and its group.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// When it was started, in seconds since the Unix epoch.
    pub fn started_at(&self) -> i64 {
        self.0.started_at
    }

    /// The last lines that it wrote.
    pub fn tail(&self) -> Vec<String> {
        self.0.capture.tail()
    }

    /// Whether a line has matched what is waited for.
    pub(super) fn matched(&self) -> watch::Receiver<bool> {
        self.0.capture.matched()
    }

    /// How it ended; `None` while it runs.
    pub fn end(&self) -> Option<End> {
        *self.0.ended.borrow()
    }

    /// Waits for its end.
    pub async fn ended(&self) -> End {
        let mut ended = self.0.ended.clone();
        let end = ended.wait_for(Option::is_some).await;
        // Who tells it tells before it goes.
        end.ok().and_then(|end| *end).unwrap_or(End { how: How::Unseen, by: EndedBy::Itself })
    }

    /// Asks its group to end (SIGTERM), so that it sends what it has; ends it by force (SIGKILL) when its grace is over.
    pub async fn stop(&self) -> End {
        self.ask();
        if let Ok(end) = tokio::time::timeout(self.0.grace, self.ended()).await {
            return end;
        }
        self.kill();
        self.ended().await
    }

    /// Asks its group to end.
    pub fn ask(&self) {
        if self.end().is_none() {
            self.0.asked.fetch_max(ASKED, Ordering::Relaxed);
            // What cannot be signalled has ended, or will be ended by force.
            let _ = process::terminate_group(self.0.pid);
        }
    }

    /// Ends its group by force.
    pub fn kill(&self) {
        if self.end().is_none() {
            self.0.asked.fetch_max(KILLED, Ordering::Relaxed);
            let _ = process::kill_group(self.0.pid);
        }
    }
}

/// Where the logs of services lie.
pub(super) fn logs_folder(state: &Path) -> std::path::PathBuf {
    state.join("logs")
}

fn command(spec: &Spec, place: &Place, book: &Book, input: Input) -> Command {
    let start = Start {
        name: spec.name.clone(),
        service: spec.otel_name.clone(),
        pid: 0,
        pid_started: String::new(),
        at_ns: 0,
        url: spec.url.clone(),
        grace: spec.grace,
        by: place.by.clone(),
    };
    let start = serde_json::to_string(&start).expect("a start has only text keys");
    let mut command = Command::new(&place.launcher);
    command.arg(LAUNCH).arg(book.path()).arg(start).arg("--").args(&spec.program).current_dir(&spec.directory);
    for name in &spec.unset {
        command.env_remove(name);
    }
    command.envs(&spec.environment);
    let stdin = if input == Input::Inherited { Stdio::inherit() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn readers(child: &mut Child, capture: &Capture) -> Vec<JoinHandle<()>> {
    let stdout = child.stdout.take().map(|stream| tokio::spawn(capture.clone().read(stream, false)));
    let stderr = child.stderr.take().map(|stream| tokio::spawn(capture.clone().read(stream, true)));
    stdout.into_iter().chain(stderr).collect()
}

/// Waits for the end of the leader, ends what is left of its group, hears its last words, and tells.
async fn wait(mut child: Child, readers: Vec<JoinHandle<()>>, shared: Arc<Shared>, book: Book, tell: watch::Sender<Option<End>>) {
    let status = child.wait().await;
    end_group(shared.pid, shared.grace.min(REST)).await;
    let hearing = async {
        for reader in readers {
            // One that panicked has heard what it could.
            let mut reader = reader;
            if tokio::time::timeout(LAST_WORDS, &mut reader).await.is_err() {
                reader.abort();
            }
        }
    };
    hearing.await;
    let end = End { how: status.map_or(How::Unseen, how), by: by(shared.asked.load(Ordering::Relaxed)) };
    // A book that cannot be written costs its lines and nothing else. One that is not in it never became the program.
    if let Some(start) = book.open_starts().into_iter().rfind(|start| start.pid == shared.pid) {
        let _ = book.ended(shared.pid, &start.pid_started, end.how, end.by);
    }
    tell.send_replace(Some(end));
}

/// Ends what is left of a group: asked first, then by force.
pub(super) async fn end_group(leader: u32, grace: Duration) {
    if !process::group_alive(leader) {
        return;
    }
    let _ = process::terminate_group(leader);
    if !gone(leader, grace).await {
        let _ = process::kill_group(leader);
        gone(leader, REST).await;
    }
}

async fn gone(leader: u32, within: Duration) -> bool {
    let mut poll = Poll::until(within);
    while process::group_alive(leader) {
        if !poll.again().await {
            return false;
        }
    }
    true
}

fn how(status: ExitStatus) -> How {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().map(How::Code).or_else(|| status.signal().map(How::Signal)).unwrap_or(How::Unseen)
}

fn by(asked: u8) -> EndedBy {
    match asked {
        NOT_ASKED => EndedBy::Itself,
        ASKED => EndedBy::Asked,
        _ => EndedBy::Killed,
    }
}
