//! What services wrote, read back from their logs: the last lines, and those that come.
//!
//! Asked by the supervisor and, where there is none, by `cli`. The files are read and not the processes, so that a service that has ended
//! and one that another devstack runs are told like any other.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Seek as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};

use super::{
    capture::{older, path},
    process::logs_folder,
};
use crate::{
    runtime::{LogLine, LogsWanted},
    support::clock,
};

/// How often files that are followed are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The names of all services that have a log.
pub fn names(state: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(logs_folder(state)).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned);
    // What was set aside is `NAME.1.jsonl`, and no name has a dot.
    entries.filter_map(name).filter(|name| !name.contains('.')).collect()
}

/// The lines of the services that are wanted, those of all in the order of time; without end where they are followed.
pub fn follow(state: &Path, wanted: &LogsWanted) -> impl Stream<Item = LogLine> + Send + use<> {
    let names = names(state);
    let chosen: Vec<String> = if wanted.names.is_empty() {
        names.into_iter().collect()
    } else {
        // One that is followed may begin to write later.
        wanted.names.iter().filter(|name| wanted.follow || names.contains(*name)).cloned().collect()
    };
    let mut files: Vec<Followed> = chosen.iter().map(|name| Followed::new(path(&logs_folder(state), name))).collect();
    let recent = {
        let since = wanted.since;
        move |line: &LogLine| since.is_none_or(|since| (line.at_ns / 1_000_000_000) as i64 >= since)
    };
    let mut first = Vec::new();
    for file in &mut files {
        let mut lines: Vec<LogLine> = file.all().into_iter().filter(recent).collect();
        lines.drain(..lines.len().saturating_sub(wanted.tail.unwrap_or(usize::MAX)));
        first.extend(lines);
    }
    first.sort_by_key(|line| line.at_ns);
    let coming = stream::unfold(files, |mut files| async move {
        loop {
            let mut lines: Vec<LogLine> = files.iter_mut().flat_map(Followed::fresh).collect();
            if !lines.is_empty() {
                lines.sort_by_key(|line| line.at_ns);
                return Some((stream::iter(lines), files));
            }
            clock::pause(LOOK).await;
        }
    });
    let coming = if wanted.follow { coming.flatten().boxed() } else { stream::empty().boxed() };
    stream::iter(first).chain(coming)
}

/// A log of which some has been read.
struct Followed {
    path: PathBuf,
    read: u64,
    /// Which file it was: another one of the same name is read from its beginning.
    file: Option<u64>,
}

impl Followed {
    fn new(path: PathBuf) -> Self {
        Self { path, read: 0, file: None }
    }

    /// Everything that is kept: what was set aside, and what is written.
    fn all(&mut self) -> Vec<LogLine> {
        let aside = File::open(older(&self.path)).map(|file| lines(file, 0).0).unwrap_or_default();
        aside.into_iter().chain(self.fresh()).collect()
    }

    /// What has come since the last look.
    fn fresh(&mut self) -> Vec<LogLine> {
        let Ok(file) = File::open(&self.path) else { return Vec::new() };
        let Ok(about) = file.metadata() else { return Vec::new() };
        let mut found = Vec::new();
        if self.file.is_some_and(|known| known != about.ino()) {
            // The rest of what has been set aside in the meantime.
            found.extend(File::open(older(&self.path)).map(|file| lines(file, self.read).0).unwrap_or_default());
            self.read = 0;
        }
        self.file = Some(about.ino());
        let (fresh, read) = lines(file, self.read);
        self.read += read;
        found.extend(fresh);
        found
    }
}

/// The whole lines of a file from a place on, and how many bytes they have.
fn lines(mut file: File, from: u64) -> (Vec<LogLine>, u64) {
    let (mut lines, mut read) = (Vec::new(), 0);
    if file.seek(io::SeekFrom::Start(from)).is_err() {
        return (lines, 0);
    }
    let (mut file, mut line) = (BufReader::new(file), Vec::new());
    while file.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) && line.ends_with(b"\n") {
        read += line.len() as u64;
        lines.extend(serde_json::from_slice(&line).ok());
        line.clear();
    }
    (lines, read)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::support::random;

    fn write(state: &Path, name: &str, at_ns: u64, text: &str) {
        let path = path(&logs_folder(state), name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let line = LogLine { name: name.to_owned(), at_ns, stderr: false, text: text.to_owned() };
        writeln!(file, "{}", serde_json::to_string(&line).unwrap()).unwrap();
    }

    #[tokio::test]
    async fn lines_of_all_come_in_the_order_of_time_and_later_ones_as_they_come() {
        let state = std::env::temp_dir().join(format!("devstack-logs-{}", random::uuid()));
        write(&state, "api", 1, "a");
        write(&state, "worker", 2, "b");
        write(&state, "api", 3, "c");
        assert_eq!(names(&state).into_iter().collect::<Vec<_>>(), ["api", "worker"]);
        let text = |line: LogLine| line.text;
        let all: Vec<_> = follow(&state, &LogsWanted::default()).map(text).collect().await;
        assert_eq!(all, ["a", "b", "c"]);

        let wanted = LogsWanted { names: vec!["api".to_owned()], follow: true, tail: Some(1), ..LogsWanted::default() };
        let mut following = Box::pin(follow(&state, &wanted));
        assert_eq!(following.next().await.map(text).as_deref(), Some("c"));
        write(&state, "api", 4, "d");
        assert_eq!(following.next().await.map(text).as_deref(), Some("d"));
        // Set aside, as a log that has become too large.
        let log = path(&logs_folder(&state), "api");
        write(&state, "api", 5, "e");
        fs::rename(&log, older(&log)).unwrap();
        write(&state, "api", 6, "f");
        assert_eq!(following.next().await.map(text).as_deref(), Some("e"));
        assert_eq!(following.next().await.map(text).as_deref(), Some("f"));
        fs::remove_dir_all(state).unwrap();
    }
}
