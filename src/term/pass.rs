//! What another program writes, passed on to this program's own streams byte by byte.
//!
//! Used by `devstack run`, whose output is its command's.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Passes bytes on; clones share what they know of the readers.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    left: Arc<AtomicBool>,
}

impl Pass {
    /// Writes to stderr or stdout, at once. False when the reader of stdout has left: what comes after is dropped.
    pub fn on(&self, stderr: bool, bytes: &[u8]) -> bool {
        if stderr {
            // Whoever does not read stderr misses it.
            let _ = io::stderr().write_all(bytes);
            return true;
        }
        if self.left.load(Ordering::Relaxed) {
            return false;
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        if written.is_err() {
            self.left.store(true, Ordering::Relaxed);
        }
        written.is_ok()
    }
}
