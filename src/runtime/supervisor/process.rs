//! The supervisor as a process of its own: the order on stdin, events on stdout, then silence.
//!
//! Started by [`up`](super::up). As long as whoever started it holds the other end of stdin, it can be told to give up; when that end
//! closes before it was told to detach, whoever started it has died, and everything is taken back.

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    net::unix::pipe,
    sync::mpsc::UnboundedReceiver,
};
use tokio_util::{io::ReaderStream, sync::CancellationToken};

use super::{ask, serve};
use crate::{
    runtime::{Events, Order, UpEvent, UpFailure},
    support::clock::Stopwatch,
};

/// What whoever started a supervisor tells it, a line each, after the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    /// It is up and known to be: go on alone.
    Detach,
    /// Give up and take everything back.
    Cancel,
}

/// Lives as the supervisor of the order on stdin. True when the stack was up and was ended as asked.
pub async fn run(clock: Stopwatch) -> bool {
    // A session of its own: neither Ctrl-C nor the end of the terminal reach it. A process that leads a group already stays in its own.
    let _ = rustix::process::setsid();
    let (events, told) = Events::channel();
    // Nobody to talk to: this is not the process that `up` starts.
    let Ok((stdin, stdout)) = pipes() else { return false };
    let mut stdin = BufReader::new(stdin);
    let telling = tokio::spawn(tell(told, stdout));
    let lived = match order(&mut stdin).await {
        Ok(order) => live(order, stdin, &events, clock).await,
        Err(failure) => Err(failure),
    };
    let up = lived.is_ok();
    if let Err(failure) = lived {
        events.tell(UpEvent::Failed(Box::new(failure)));
    }
    drop(events);
    // Everything is told, or nobody listens.
    let _ = telling.await;
    up
}

/// Both ends of the conversation. Pipes, so that waiting for them needs no thread that would outlive everything else.
fn pipes() -> std::io::Result<(pipe::Receiver, pipe::Sender)> {
    let stdin = rustix::stdio::stdin().try_clone_to_owned()?;
    let stdout = rustix::stdio::stdout().try_clone_to_owned()?;
    Ok((pipe::Receiver::from_owned_fd(stdin)?, pipe::Sender::from_owned_fd(stdout)?))
}

async fn live<R: AsyncRead + Unpin + Send + 'static>(
    order: Order,
    stdin: BufReader<R>,
    events: &Events,
    clock: Stopwatch,
) -> Result<(), UpFailure> {
    let orders = serve::Orders { cancel: CancellationToken::new(), end: CancellationToken::new() };
    let listening = tokio::spawn(listen(stdin, orders.cancel.clone(), orders.end.clone()));
    let signals = tokio::spawn(end_on_signal(orders.cancel.clone(), orders.end.clone()));
    let lived = serve::supervise(order, events, &orders, clock).await;
    listening.abort();
    signals.abort();
    lived
}

async fn order<R: AsyncRead + Unpin>(stdin: &mut BufReader<R>) -> Result<Order, UpFailure> {
    let mut line = String::new();
    let read = stdin.read_line(&mut line).await;
    read.map_err(|error| UpFailure::new(format!("no order came on stdin: {error}")))?;
    serde_json::from_str(&line).map_err(|error| UpFailure::new(format!("the order on stdin cannot be read: {error}")))
}

/// Heeds the words; the end of stdin without a `detach` is the death of whoever started it.
async fn listen<R: AsyncRead + Unpin + Send + 'static>(stdin: BufReader<R>, cancel: CancellationToken, end: CancellationToken) {
    let parts = ReaderStream::new(stdin).map(|part| part.map_err(|error| error.to_string()));
    let words = std::pin::pin!(ask::documents::<Word>(parts));
    let first = words.into_future().await.0;
    if first != Some(Word::Detach) {
        cancel.cancel();
        end.cancel();
    }
}

/// Writes each event as a line, until nobody reads any more.
async fn tell(mut told: UnboundedReceiver<UpEvent>, mut stdout: pipe::Sender) {
    let mut heard = true;
    while let Some(event) = told.recv().await {
        if heard {
            heard = stdout.write_all(&ask::line(&event)).await.is_ok();
        }
    }
}

/// SIGTERM and Ctrl-C take the stack down; a terminal that closes (SIGHUP) is none of its business.
async fn end_on_signal(cancel: CancellationToken, end: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).ok();
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate()), listen(SignalKind::interrupt()));
    let _hangup = listen(SignalKind::hangup());
    let one = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    };
    tokio::select! {
        () = one(&mut terminate) => {}
        () = one(&mut interrupt) => {}
    }
    cancel.cancel();
    end.cancel();
}
