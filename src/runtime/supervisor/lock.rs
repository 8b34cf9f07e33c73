//! One supervisor a project: a file lock that the operating system lets go of when its holder dies, however it dies.
//!
//! Taken by the supervisor for its whole life; looked at by everybody who wants to know whether one is alive. So no pid is ever trusted
//! on its own.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::runtime::Owner;

/// The file's name in the project's state folder.
const FILE: &str = "stack.lock";

/// What a supervisor is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// On the way up.
    Starting,
    /// Up.
    Up,
    /// On the way down.
    Ending,
}

/// Who holds the lock, as the holder wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// What it is at.
    pub phase: Phase,
}

/// The lock could not be used.
#[derive(Debug, thiserror::Error)]
#[error("could not use the lock `{}`", path.display())]
pub struct LockError {
    path: PathBuf,
    source: io::Error,
}

/// A lock that is held; let go of when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock; `None` when somebody has it.
    pub(super) fn take(owner: &Owner) -> Result<Option<Self>, LockError> {
        let path = owner.file(FILE);
        let failed = |source| LockError { path: path.clone(), source };
        std::fs::create_dir_all(&owner.state).map_err(failed)?;
        let file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file, path: path.clone() };
                lock.enter(Phase::Starting)?;
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Says what its holder is at now.
    pub(super) fn enter(&mut self, phase: Phase) -> Result<(), LockError> {
        let holder = Holder { pid: std::process::id(), phase };
        let text = serde_json::to_vec(&holder).expect("a holder has only text keys");
        self.file.set_len(0).map_err(|source| self.failed(source))?;
        self.file.rewind().map_err(|source| self.failed(source))?;
        self.file.write_all(&text).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> LockError {
        LockError { path: self.path.clone(), source }
    }
}

/// Who holds the lock of a project; `None` when nobody does.
pub(super) fn holder(owner: &Owner) -> Result<Option<Holder>, LockError> {
    let path = owner.file(FILE);
    let failed = |source| LockError { path: path.clone(), source };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    match file.try_lock_shared() {
        // Let go of again when the file is closed, at once.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(failed)?;
            // Between two writes it may be empty: its holder is about to say what it is at.
            Ok(Some(serde_json::from_str(&text).unwrap_or(Holder { pid: 0, phase: Phase::Starting })))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn open(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random;

    #[test]
    fn one_at_a_time_and_the_next_after_the_last() {
        let state = std::env::temp_dir().join(format!("devstack-lock-{}", random::uuid()));
        let owner = Owner { id: "x".to_owned(), root: state.clone(), state: state.clone() };
        assert_eq!(holder(&owner).unwrap(), None);
        let mut lock = Lock::take(&owner).unwrap().expect("nobody has it");
        assert!(Lock::take(&owner).unwrap().is_none());
        lock.enter(Phase::Up).unwrap();
        assert_eq!(holder(&owner).unwrap(), Some(Holder { pid: std::process::id(), phase: Phase::Up }));
        drop(lock);
        assert_eq!(holder(&owner).unwrap(), None);
        assert!(Lock::take(&owner).unwrap().is_some());
        std::fs::remove_dir_all(state).unwrap();
    }
}
