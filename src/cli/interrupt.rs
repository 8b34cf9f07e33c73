//! Signals: the first Ctrl-C or SIGTERM drains, the second ends the process at once.
//!
//! Read by the commands that run for longer than a moment.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use crate::term::Eraser;

/// Cancels `stop` on the first signal and ends the process on the second, with the progress bar off the screen.
pub(super) fn cancel_on_signal(stop: CancellationToken, eraser: Eraser) -> JoinHandle<()> {
    tokio::spawn(async move {
        signal().await;
        stop.cancel();
        signal().await;
        eraser.clear();
        #[expect(clippy::exit, reason = "a second Ctrl-C asks for exactly this")]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    })
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
