//! `up` from the outside: looks what there is, starts a supervisor where one is needed, and follows it until the stack is ready.
//!
//! Called by `cli`. One that is up and is what was asked for is left alone; any other is told to let go, and the next one takes over what
//! did not change.

use std::{process::Stdio, time::Duration};

use futures_util::StreamExt;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStdin, Command},
};
use tokio_util::{io::ReaderStream, sync::CancellationToken};

use super::{Control, Found, ask, beside, find, lock::Phase, process::Word, wait_until_free};
use crate::{
    runtime::{Events, Note, Order, Pull, Ready, RuntimeKind, StackState, UpEvent, UpFailure},
    support::{
        clock::{self, Stopwatch},
        env::Os,
        process,
    },
};

/// The hidden command under which this program is a supervisor.
pub const SUPERVISE: &str = "supervise";

/// How long a supervisor may take to let go before it is killed.
const LET_GO: Duration = Duration::from_secs(10);

/// How long a supervisor on its way up may say nothing beyond the time that the order gives it.
const SILENCE: Duration = Duration::from_mins(1);

/// How often a stack on its way is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Makes sure that the stack of this order is up. With `stop` everything that was made is removed again.
pub async fn up(order: &Order, events: &Events, stop: &CancellationToken) -> Result<Ready, UpFailure> {
    let clock = Stopwatch::start();
    beside::leftovers(&order.owner, events).await;
    loop {
        match settled(order, events, stop, &clock).await? {
            Some(note) if fits(order, &note).await => {
                return Ok(Ready { note: *note, unchanged: true, after: clock.elapsed() });
            }
            Some(note) => make_way(order, &note, events).await?,
            None if order.runtime != RuntimeKind::Docker && left_containers(order)? => clear(order, events).await?,
            None => {}
        }
        match launch(order, events, stop).await {
            // Somebody took the lock between the look and the start: look again.
            Err(failure) if failure.overtaken && clock.elapsed() < order.deadline => {}
            ended => return ended,
        }
    }
}

/// Ends what is up, so that the next supervisor can take over what did not change. One that has no use for containers would not remove
/// them either, so they go at once.
async fn make_way(order: &Order, note: &Note, events: &Events) -> Result<(), UpFailure> {
    if note.runtime == RuntimeKind::Docker && order.runtime != RuntimeKind::Docker {
        clear(order, events).await
    } else {
        release(order, note).await
    }
}

async fn clear(order: &Order, events: &Events) -> Result<(), UpFailure> {
    super::down(&order.owner, false, events, &Os).await.map(drop)
}

/// Whether a supervisor of containers died.
fn left_containers(order: &Order) -> Result<bool, UpFailure> {
    let found = find(&order.owner).map_err(|error| failed(&error))?;
    Ok(matches!(found, Found::Dead(note) if note.runtime == RuntimeKind::Docker))
}

/// The stack that is up, once nobody is changing it any more.
async fn settled(
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
    clock: &Stopwatch,
) -> Result<Option<Box<Note>>, UpFailure> {
    let mut told = false;
    loop {
        match find(&order.owner).map_err(|error| failed(&error))? {
            Found::Up(note) => return Ok(Some(note)),
            Found::Nothing | Found::Dead(_) => return Ok(None),
            Found::Changing { pid, phase } => {
                let doing = if phase == Phase::Ending { "stopping" } else { "starting" };
                if !told {
                    events.tell(UpEvent::Warning { words: format!("the stack is just {doing} (pid {pid}); waiting for it") });
                    told = true;
                }
                if clock.elapsed() > order.deadline {
                    let failure = UpFailure::new(format!("the stack is still {doing} (pid {pid})"));
                    return Err(failure.hint("`devstack status` says how far it is, `devstack down` ends it"));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Err(UpFailure::cancelled()),
            () = clock::pause(LOOK) => {}
        }
    }
}

/// Whether what is up is what was asked for, whole, and of this build.
async fn fits(order: &Order, note: &Note) -> bool {
    let same = note.digest == order.digest() && note.build == order.build && order.pull != Pull::Always;
    let Some(control) = Control::of(note).ok().filter(|_| same) else { return false };
    control.status().await.is_ok_and(|status| status.state == StackState::Up)
}

/// Ends a supervisor and leaves its containers; one that does not answer is killed, which leaves them too.
async fn release(order: &Order, note: &Note) -> Result<(), UpFailure> {
    if let Ok(control) = Control::of(note)
        && let Ok(told) = control.release().await
    {
        let _ = tokio::time::timeout(LET_GO, told.collect::<Vec<_>>()).await;
    }
    let free = wait_until_free(&order.owner, Duration::from_secs(1)).await.map_err(|error| failed(&error))?;
    if free { Ok(()) } else { kill(order, note).await }
}

/// Kills a supervisor that does not answer. Its pid is trusted only together with the moment at which the process started.
async fn kill(order: &Order, note: &Note) -> Result<(), UpFailure> {
    if process::alive(note.pid, &note.pid_started) {
        let _ = process::kill(note.pid);
    }
    let free = wait_until_free(&order.owner, LET_GO).await.map_err(|error| failed(&error))?;
    let stuck = || UpFailure::new(format!("the supervisor (pid {}) neither answers nor ends", note.pid));
    if free { Ok(()) } else { Err(stuck().hint(format!("end it by hand: kill -9 {}", note.pid))) }
}

/// Starts a supervisor and follows it.
async fn launch(order: &Order, events: &Events, stop: &CancellationToken) -> Result<Ready, UpFailure> {
    let mut child = spawn().map_err(|error| UpFailure::new(format!("could not start the supervisor: {error}")))?;
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let stdout = child.stdout.take().expect("stdout is a pipe");
    say(&mut stdin, &ask::line(order)).await;
    let parts = ReaderStream::new(stdout).map(|part| part.map_err(|error| error.to_string()));
    let mut told = std::pin::pin!(ask::documents::<UpEvent>(parts));
    let mut cancelled = false;
    // Whatever it waits for has an end within the order's time; taking back may take a little more.
    let silence = order.deadline + SILENCE;
    loop {
        let event = tokio::select! {
            event = tokio::time::timeout(silence, told.next()) => match event {
                Ok(event) => event,
                Err(_) => return Err(silent(&mut child, silence).await),
            },
            () = stop.cancelled(), if !cancelled => {
                cancelled = true;
                say(&mut stdin, &ask::line(&Word::Cancel)).await;
                continue;
            }
        };
        match event {
            Some(UpEvent::Ready(ready)) if !cancelled => {
                say(&mut stdin, &ask::line(&Word::Detach)).await;
                return Ok(*ready);
            }
            Some(UpEvent::Failed(failure)) => return Err(*failure),
            Some(event) => events.tell(event),
            None if cancelled => return Err(UpFailure::cancelled()),
            None => return Err(died(&mut child).await),
        }
    }
}

fn spawn() -> std::io::Result<Child> {
    let program = std::env::current_exe()?;
    Command::new(program).arg(SUPERVISE).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// A supervisor that is gone shows on its stdout.
async fn say(stdin: &mut ChildStdin, line: &[u8]) {
    let _ = stdin.write_all(line).await;
    let _ = stdin.flush().await;
}

/// It hangs, or somebody stopped it. It is killed, so that the next `up` or `down` is not kept waiting as well.
async fn silent(child: &mut Child, silence: Duration) -> UpFailure {
    let _ = child.kill().await;
    let failure = UpFailure::new(format!("the supervisor said nothing for {} s and was killed", silence.as_secs()));
    failure.hint("`devstack down` removes what it left")
}

async fn died(child: &mut Child) -> UpFailure {
    let how = match child.wait().await {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    UpFailure::new(format!("the supervisor died on the way ({how})")).hint("`devstack down` removes what it left")
}

fn failed(error: &(dyn std::error::Error + 'static)) -> UpFailure {
    let mut failure = UpFailure::new(error.to_string());
    if let Some(source) = error.source() {
        failure = failure.detail(source.to_string());
    }
    failure
}
