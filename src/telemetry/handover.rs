//! Flushing and shutting down without blocking a runtime thread, and without keeping a runtime alive.
//!
//! Used by `service`. The SDK's flush and shutdown block their caller until the processor's task, which needs the runtime, has
//! answered. In a task that is a deadlock. On Tokio's blocking pool it would be safe, but a runtime that ends waits for its blocking
//! calls, so a receiver that never answers would hold the whole process. A thread of its own holds nobody: it ends when the answer
//! comes, or when the runtime has dropped the task that owed it.

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::sync::oneshot;

/// Runs a blocking call of the SDK beside the runtime and waits for it; being shut down already is fine.
pub(super) async fn beside_the_runtime(call: impl FnOnce() -> OTelSdkResult + Send + 'static) -> OTelSdkResult {
    let (answer, answered) = oneshot::channel();
    let thread = std::thread::Builder::new().name("telemetry-handover".to_owned()).spawn(move || {
        // Nobody listens when the bound on the wait is over.
        let _ = answer.send(call());
    });
    if let Err(error) = thread {
        return Err(OTelSdkError::InternalFailure(format!("cannot start a thread: {error}")));
    }
    match answered.await {
        Ok(Err(OTelSdkError::AlreadyShutdown)) => Ok(()),
        Ok(result) => result,
        Err(_) => Err(OTelSdkError::InternalFailure("the handover thread panicked".to_owned())),
    }
}
