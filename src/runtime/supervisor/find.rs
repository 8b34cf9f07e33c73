//! Whether a project has a stack that is up: the lock says whether a supervisor lives, the note says where everything is.
//!
//! Asked by every command that uses or ends a stack.

use std::time::Duration;

use super::{
    files::{self, FileError},
    lock::{self, LockError, Phase},
};
use crate::{
    runtime::{Note, Owner},
    support::clock::{self, Stopwatch},
};

/// How often the lock is looked at while it changes hands.
const LOOK: Duration = Duration::from_millis(5);

/// What there is of a project's stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Nobody has started one, or it was ended properly.
    Nothing,
    /// A supervisor lives and its stack is up.
    Up(Box<Note>),
    /// A supervisor lives and brings a stack up or down.
    Changing {
        /// Its process.
        pid: u32,
        /// Which of the two.
        phase: Phase,
    },
    /// A supervisor died without cleaning up, and this is what it had left.
    Dead(Box<Note>),
}

/// Why nobody can tell.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The lock could not be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Looks.
pub fn find(owner: &Owner) -> Result<Found, FindError> {
    let holder = lock::holder(owner)?;
    let note = files::read_note(owner)?.map(Box::new);
    Ok(match (holder, note) {
        (None, None) => Found::Nothing,
        (None, Some(note)) => Found::Dead(note),
        (Some(holder), Some(note)) if holder.phase == Phase::Up => Found::Up(note),
        (Some(holder), _) => Found::Changing { pid: holder.pid, phase: holder.phase },
    })
}

/// Waits until nobody holds the lock; false when somebody still does after `patience`.
pub async fn wait_until_free(owner: &Owner, patience: Duration) -> Result<bool, LockError> {
    let clock = Stopwatch::start();
    loop {
        if lock::holder(owner)?.is_none() {
            return Ok(true);
        }
        if clock.elapsed() >= patience {
            return Ok(false);
        }
        clock::pause(LOOK).await;
    }
}
