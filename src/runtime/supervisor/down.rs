//! `down` from the outside: asks the supervisor, and where none answers, removes by label what it left.
//!
//! Called by `cli`. Ends with nothing left of this project's stack, and nothing of anybody else's touched.

use std::time::Duration;

use futures_util::StreamExt;

use super::{Control, Found, files, find, wait_until_free};
use crate::{
    runtime::{Events, Note, Owner, RuntimeKind, Step, UpEvent, UpFailure, base::not_removed, docker, services},
    support::{clock, clock::Stopwatch, env::Env, process},
};

/// How long a supervisor that is taking a stack down may be silent.
const SILENCE: Duration = Duration::from_mins(1);

/// How long a supervisor may take to let go of its lock once it said that all is gone.
const LET_GO: Duration = Duration::from_secs(5);

/// What there was to take down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The stack's name, where one was known.
    pub stack: Option<String>,
    /// Components whose containers were removed, and services that were ended.
    pub removed: Vec<String>,
    /// What else there is to say, in sentences.
    pub warnings: Vec<String>,
}

/// Takes a project's stack down.
pub async fn down(owner: &Owner, volumes: bool, events: &Events, env: &dyn Env) -> Result<Ended, UpFailure> {
    let mut ended = Ended { stack: None, removed: Vec::new(), warnings: Vec::new() };
    let found = find(owner).map_err(|error| UpFailure::new(error.to_string()))?;
    leftovers(owner, events, &mut ended).await;
    let note = match found {
        Found::Up(note) => {
            ended.stack = Some(note.stack.clone());
            if asked(owner, &note, volumes, events, &mut ended).await? {
                return Ok(ended);
            }
            kill(owner, &note).await?;
            Some(note)
        }
        Found::Changing { pid, .. } => {
            stop_changing(owner, pid).await?;
            None
        }
        Found::Dead(note) => Some(note),
        Found::Nothing => None,
    };
    if let Some(note) = &note {
        ended.stack = Some(note.stack.clone());
        files::remove_control(&note.control, owner);
    }
    // Those of a supervisor that had to be killed.
    leftovers(owner, events, &mut ended).await;
    // Containers may be left even where no note says so: the state folder may have been deleted.
    let embedded = note.as_ref().is_some_and(|note| note.runtime == RuntimeKind::Embedded);
    if !embedded {
        clear(owner, volumes, note.as_deref(), events, env, &mut ended).await?;
    }
    files::remove_note(owner);
    Ok(ended)
}

/// Ends services whose starter has died. Who sends goes first, as from a supervisor that lives.
async fn leftovers(owner: &Owner, events: &Events, ended: &mut Ended) {
    for left in services::end_leftovers(&owner.state).await {
        events.component(&left.name, Step::Stopped);
        ended.removed.push(left.name);
    }
}

/// Lets the supervisor do it. False when it does not answer.
async fn asked(owner: &Owner, note: &Note, volumes: bool, events: &Events, ended: &mut Ended) -> Result<bool, UpFailure> {
    let Ok(control) = Control::of(note) else { return Ok(false) };
    let Ok(told) = control.down(volumes).await else { return Ok(false) };
    let mut told = std::pin::pin!(told);
    let (mut gone, mut failed) = (false, None);
    while let Ok(Some(event)) = tokio::time::timeout(SILENCE, told.next()).await {
        match &event {
            UpEvent::Component { name, step: Step::Removed | Step::Stopped } => ended.removed.push(name.clone()),
            UpEvent::Warning { words } => ended.warnings.push(words.clone()),
            UpEvent::Gone => gone = true,
            UpEvent::Failed(failure) => failed = Some(*failure.clone()),
            _ => {}
        }
        events.tell(event);
    }
    let free = wait_until_free(owner, LET_GO).await.map_err(|error| UpFailure::new(error.to_string()))?;
    // It has ended and says what it could not do: nobody else could do it now.
    match failed.filter(|_| free) {
        Some(failure) => Err(failure),
        None => Ok(gone && free),
    }
}

/// A supervisor that does not answer is ended by force; what it started is removed by label.
async fn kill(owner: &Owner, note: &Note) -> Result<(), UpFailure> {
    if process::alive(note.pid, &note.pid_started) {
        let _ = process::kill(note.pid);
    }
    free_or(owner, note.pid).await
}

/// One that is on its way up or down is asked to end, as by Ctrl-C; it takes back what it made.
async fn stop_changing(owner: &Owner, pid: u32) -> Result<(), UpFailure> {
    // The lock is held at this moment, so the pid in it is its holder's.
    let _ = process::terminate(pid);
    let (clock, mut told) = (Stopwatch::start(), pid);
    while clock.elapsed() < SILENCE {
        match find(owner).map_err(|error| UpFailure::new(error.to_string()))? {
            Found::Nothing | Found::Dead(_) => return Ok(()),
            // It had not yet said who it is.
            Found::Changing { pid, .. } if pid != told => {
                let _ = process::terminate(pid);
                told = pid;
            }
            Found::Changing { .. } | Found::Up(_) => {}
        }
        clock::pause(Duration::from_millis(20)).await;
    }
    let _ = process::kill(told);
    free_or(owner, pid).await
}

async fn free_or(owner: &Owner, pid: u32) -> Result<(), UpFailure> {
    let free = wait_until_free(owner, LET_GO).await.map_err(|error| UpFailure::new(error.to_string()))?;
    let stuck = || UpFailure::new(format!("the supervisor (pid {pid}) neither answers nor ends"));
    if free { Ok(()) } else { Err(stuck().hint(format!("end it by hand: kill -9 {pid}"))) }
}

/// Removes by label. An engine that is not there can have nothing left, unless the note says that it had.
async fn clear(
    owner: &Owner,
    volumes: bool,
    note: Option<&Note>,
    events: &Events,
    env: &dyn Env,
    ended: &mut Ended,
) -> Result<(), UpFailure> {
    let engine = match docker::Engine::discover(env).await {
        Ok(engine) => engine,
        Err(docker::EngineError::Absent { .. }) if note.is_none_or(|note| note.runtime != RuntimeKind::Docker) => return Ok(()),
        Err(error) if note.is_none_or(|note| note.runtime != RuntimeKind::Docker) => {
            warn(format!("containers were not looked for: {error}"), events, ended);
            return Ok(());
        }
        Err(error) => {
            return Err(not_removed(&error.to_string()));
        }
    };
    let removed = docker::Containers::new(engine, owner.clone()).remove(volumes, events).await;
    let removed = removed.map_err(|error| not_removed(&error.sentence()))?;
    ended.removed.extend(removed.containers);
    for words in removed.left {
        warn(words, events, ended);
    }
    Ok(())
}

fn warn(words: String, events: &Events, ended: &mut Ended) {
    events.tell(UpEvent::Warning { words: words.clone() });
    ended.warnings.push(words);
}
