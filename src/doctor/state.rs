//! The state folder, and the stack that this project has up or has left behind.

use std::path::Path;

use super::{check::Check, disk::nearest, engine_facts::EngineFacts};
use crate::{
    runtime::{NOTE_FILE, NOTE_VERSION, Note, build},
    support::process,
};

/// The note of a stack is there and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoteProblem {
    /// Reading failed.
    #[error("could not read `{file}`")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Another build of devstack wrote it, or nobody did.
    #[error("`{file}` is not a note of this build of devstack")]
    Foreign {
        /// The file.
        file: String,
    },
}

/// The note that the stack of a project left in its state folder; whether its supervisor still runs is not asked.
// lead: replace by the runtime's reader of notes.
pub fn read_note(folder: &Path) -> Result<Option<Note>, NoteProblem> {
    let path = folder.join(NOTE_FILE);
    let file = path.display().to_string();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(NoteProblem::Read { file, source }),
    };
    match serde_json::from_slice::<Note>(&text) {
        Ok(note) if note.version == NOTE_VERSION => Ok(Some(note)),
        _ => Err(NoteProblem::Foreign { file }),
    }
}

/// What is known of the project's stack.
pub(super) struct StackFound {
    /// The note, as it was read.
    note: Result<Option<Note>, NoteProblem>,
    /// Whether the supervisor it names runs.
    runs: bool,
}

impl StackFound {
    /// Looks into the state folder. Blocks.
    pub(super) fn look(folder: &Path) -> Self {
        let note = read_note(folder);
        let runs = matches!(&note, Ok(Some(note)) if process::alive(note.pid, &note.pid_started));
        Self { note, runs }
    }

    /// The note of a stack whose supervisor runs.
    pub(super) fn up(&self) -> Option<&Note> {
        self.note.as_ref().ok().and_then(Option::as_ref).filter(|_| self.runs)
    }
}

/// Judges the state folder (`None`: the environment names no home for it). Blocks.
pub(super) fn folder(folder: Option<&Path>) -> Check {
    const CODE: &str = "state";
    let Some(folder) = folder else {
        return Check::broken(CODE, "there is no place for state: neither HOME nor XDG_STATE_HOME is set")
            .fix("export XDG_STATE_HOME=/tmp/devstack-state");
    };
    let shown = folder.display().to_string();
    let detailed = |check: Check| check.detail("folder", shown.clone());
    let Some(there) = nearest(folder).filter(|there| there.is_dir()) else {
        return detailed(
            Check::broken(CODE, format!("{shown} cannot be made: a file is in its way"))
                .fix(format!("ls -ld {}", quoted(&shown))),
        );
    };
    // Asked, not tried: a check leaves nothing behind.
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    detailed(match writable {
        Ok(()) => Check::ok(CODE, format!("state folder {shown} is writable")),
        Err(rustix::io::Errno::ROFS) => {
            Check::broken(CODE, format!("{shown} is on a read-only file system")).fix("export XDG_STATE_HOME=/tmp/devstack-state")
        }
        Err(_) => Check::broken(CODE, format!("{shown} cannot be written: {} belongs to another user", there.display()))
            .fix(format!("sudo chown -R \"$(id -u)\" {}", quoted(&there.display().to_string()))),
    })
}

/// Judges the stack of the project; `None` where there is none, and nothing of one.
pub(super) fn stack(found: &StackFound, engine: Option<&EngineFacts>) -> Option<Check> {
    const CODE: &str = "stack";
    let left = engine.map_or(0, |facts| facts.owned.len());
    let remains = if left == 0 { String::new() } else { format!(", and {} of it {} left", containers(left), are(left)) };
    let down = |words: String| Some(Check::attention(CODE, words).fix("devstack down").detail("containers", left));
    match &found.note {
        Err(problem) => down(problem.to_string()),
        Ok(Some(note)) if !found.runs => {
            down(format!("stack {} is orphaned: its supervisor (pid {}) is gone{remains}", note.stack, note.pid))
        }
        Ok(Some(note)) if note.build != build() => Some(
            Check::attention(CODE, format!("stack {} is up, started by another build of devstack ({})", note.stack, note.build))
                .fix("devstack down && devstack up"),
        ),
        Ok(Some(note)) => Some(
            Check::ok(CODE, format!("stack {} is up ({} runtime)", note.stack, note.runtime))
                .detail("otlp_http", note.otlp_http.clone()),
        ),
        Ok(None) if left > 0 => down(format!("{} of this project {} left over", containers(left), are(left))),
        Ok(None) => None,
    }
}

fn containers(number: usize) -> String {
    if number == 1 { "1 container".to_owned() } else { format!("{number} containers") }
}

fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{StackFound, folder, stack};
    use crate::{
        doctor::{EngineFacts, Level},
        runtime::{NOTE_FILE, build},
        support::{process, random},
    };

    /// A state folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("devstack-{}", random::uuid()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn with_note(pid: u32, started: &str, build: &str, version: u32) -> Self {
            let folder = Self::new();
            let note = serde_json::json!({
                "version": version, "build": build, "pid": pid, "pid_started": started, "since": 0, "runtime": "docker",
                "stack": "default", "digest": "0", "control": "/x", "otlp_grpc": "http://127.0.0.1:4317",
                "otlp_http": "http://127.0.0.1:4318", "ledger": "http://127.0.0.1:1", "judge": "ledger", "store": null,
                "prometheus": null, "grafana": null, "hops": [], "components": {}, "network": null, "demo": null,
            });
            fs::write(folder.0.join(NOTE_FILE), note.to_string()).unwrap();
            folder
        }

        fn judged(&self, owned: &[&str]) -> Option<(Level, String)> {
            let owned = owned.iter().map(|name| (*name).to_owned()).collect();
            let facts = EngineFacts { owned, ..EngineFacts::sample() };
            stack(&StackFound::look(&self.0), Some(&facts)).map(|check| (check.level, check.message))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_stack_is_up_while_the_very_process_of_its_note_runs() {
        let pid = std::process::id();
        let started = process::started(pid).unwrap();
        let up = Folder::with_note(pid, &started, &build(), 1);
        assert_eq!(up.judged(&[]), Some((Level::Ok, "stack default is up (docker runtime)".to_owned())));
        assert_eq!(StackFound::look(&up.0).up().map(|note| note.pid), Some(pid));
        let other = Folder::with_note(pid, &started, "0.0.9+00000000", 1);
        let words = "stack default is up, started by another build of devstack (0.0.9+00000000)";
        assert_eq!(other.judged(&[]), Some((Level::Attention, words.to_owned())));
        let gone = Folder::with_note(pid, "another start", &build(), 1);
        let words = format!("stack default is orphaned: its supervisor (pid {pid}) is gone, and 2 containers of it are left");
        assert_eq!(gone.judged(&["a", "b"]), Some((Level::Attention, words)));
        assert!(StackFound::look(&gone.0).up().is_none());
    }

    #[test]
    fn nothing_a_foreign_note_and_containers_without_one() {
        let none = Folder::new();
        assert_eq!(none.judged(&[]), None);
        assert_eq!(none.judged(&["a"]), Some((Level::Attention, "1 container of this project is left over".to_owned())));
        let foreign = Folder::with_note(1, "", "", 99);
        let (level, words) = foreign.judged(&[]).unwrap();
        assert!(level == Level::Attention && words.ends_with("is not a note of this build of devstack"), "{words}");
    }

    #[test]
    fn a_state_folder_can_be_made_or_says_why_not() {
        let there = Folder::new();
        let deeper = there.0.join("devstack/shop");
        assert_eq!(folder(Some(&deeper)).level, Level::Ok);
        assert!(!deeper.exists(), "a check leaves nothing behind");
        fs::write(there.0.join("devstack"), "a file").unwrap();
        let check = folder(Some(&deeper));
        assert_eq!(check.level, Level::Broken);
        assert!(check.message.ends_with("a file is in its way"), "{}", check.message);
        assert_eq!(folder(None).level, Level::Broken);
    }
}
