//! The life of a supervisor: take the lock, bring the stack up, answer for it, take it down.
//!
//! Run in the background by [`process`](super::process), or in the foreground by `devstack up --attach`.

use std::{sync::Arc, time::Duration};

use tokio::sync::{RwLock, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    control::{self, Ending, EndingKind},
    files,
    journal::Journal,
    lock::{Lock, LockError, Phase},
    standing::{Shared, Standing},
};
use crate::{
    runtime::{Events, Order, Ready, RuntimeKind, UpEvent, UpFailure},
    support::clock::Stopwatch,
};

/// How long answers that are under way may take to be read to their end when all is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a supervisor is told besides its order.
pub struct Orders {
    /// Gives up while the stack is on its way up; everything that was made is removed.
    pub cancel: CancellationToken,
    /// Takes the stack down once it is up.
    pub end: CancellationToken,
}

/// Lives until the stack is ended by the control socket or by [`Orders::end`]. Tells [`UpEvent::Ready`] when it is up, and fails when it
/// cannot get there.
pub async fn supervise(order: Order, events: &Events, orders: &Orders, clock: Stopwatch) -> Result<(), UpFailure> {
    let owner = order.owner.clone();
    let mut lock = Lock::take(&owner).map_err(|error| broken(&error))?.ok_or_else(|| {
        let faster = UpFailure::new("another supervisor of this project is alive");
        UpFailure { overtaken: true, ..faster }.hint("`devstack status` says what it is at")
    })?;
    let journal = Journal::open(&files::journal(&owner));
    journal.note(&format!("brings up the stack `{}` ({})", order.stack.name, order.runtime));
    tell_begin(&order, events);

    let standing = match Box::pin(Standing::bring_up(order, events, journal.clone(), &orders.cancel)).await {
        Ok(standing) => standing,
        Err(failure) => {
            journal.note(&format!("could not: {}", failure.message));
            return Err(failure);
        }
    };
    let note = standing.note();
    let listener = control::bind(&note.control)
        .map_err(|error| UpFailure::new(format!("could not open the control socket `{}`: {error}", note.control.display())));
    let announced = listener.and_then(|listener| {
        files::write_note(&owner, &note).map_err(|error| broken(&error))?;
        lock.enter(Phase::Up).map_err(|error| broken(&error))?;
        Ok(listener)
    });
    let listener = match announced {
        Ok(listener) => listener,
        Err(failure) => {
            // What cannot be removed carries its label; why the stack is not up matters more.
            let _ = standing.end(false, events).await;
            return Err(failure);
        }
    };

    let stop = CancellationToken::new();
    let caring = stop.child_token();
    let care = tokio::spawn(standing.care(&caring));
    let standing: Shared = Arc::new(RwLock::new(Some(standing)));
    let (endings, mut asked) = mpsc::unbounded_channel();
    let control = tokio::spawn(control::serve(listener, Arc::clone(&standing), endings, stop.clone()));
    journal.note(&format!("ready after {} ms", clock.elapsed().as_millis()));
    events.tell(UpEvent::Ready(Box::new(Ready { note: note.clone(), unchanged: false, after: clock.elapsed() })));

    let ending = tokio::select! {
        Some(ending) = asked.recv() => Some(ending),
        () = orders.end.cancelled() => None,
    };
    lock.enter(Phase::Ending).map_err(|error| broken(&error))?;
    // It would write the note anew. One that panicked has ended as well.
    caring.cancel();
    let _ = care.await;
    let ended = end(ending, &standing, events, &journal).await;
    if ended.is_ok() {
        files::remove_note(&owner);
    }
    stop.cancel();
    // Answers that somebody does not read to their end are not waited for.
    let _ = tokio::time::timeout(LAST_WORDS, control).await;
    files::remove_control(&note.control, &owner);
    ended
}

/// Ends the stack as it was asked, and tells whoever asked. On failure the note stays: it says what is left, to `status` and the next
/// `down`.
async fn end(ending: Option<Ending>, standing: &Shared, events: &Events, journal: &Journal) -> Result<(), UpFailure> {
    let Some(standing) = standing.write().await.take() else { return Ok(()) };
    let (kind, told) = match ending {
        Some(Ending { kind, events }) => (kind, Events::of(events)),
        None => (EndingKind::Down { volumes: false }, events.clone()),
    };
    match kind {
        EndingKind::Down { volumes } => {
            journal.note("takes the stack down");
            match standing.end(volumes, &told).await {
                Ok(left) => {
                    for words in left {
                        journal.note(&words);
                        told.tell(UpEvent::Warning { words });
                    }
                }
                Err(failure) => {
                    journal.note(&failure.message);
                    told.tell(UpEvent::Failed(Box::new(failure.clone())));
                    return Err(failure);
                }
            }
        }
        EndingKind::Release => {
            journal.note("ends, and leaves the containers to the next supervisor");
            standing.release(&told).await;
        }
    }
    told.tell(UpEvent::Gone);
    Ok(())
}

/// The docker runtime says it itself, because it knows of which engine.
fn tell_begin(order: &Order, events: &Events) {
    if order.runtime == RuntimeKind::Docker {
        return;
    }
    let components = order.stack.components.iter().map(|component| component.name.clone()).collect();
    let stack = order.stack.name.clone();
    events.tell(UpEvent::Begun { runtime: order.runtime, engine: None, stack, components });
}

fn broken(error: &(impl std::error::Error + ?Sized)) -> UpFailure {
    let mut failure = UpFailure::new(error.to_string());
    if let Some(source) = error.source() {
        failure = failure.detail(source.to_string());
    }
    failure
}

impl From<LockError> for UpFailure {
    fn from(error: LockError) -> Self {
        broken(&error)
    }
}
