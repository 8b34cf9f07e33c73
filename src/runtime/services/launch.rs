//! The moment between devstack and a service: this process makes a session of its own, writes into the book, and becomes the program.
//!
//! Run by the hidden command `launch`, which `process` starts. So the book knows of every process before it does anything, and no service
//! hangs on the terminal: neither Ctrl-C nor the end of the terminal reach it but through devstack.

use std::{ffi::OsString, io, os::unix::process::CommandExt as _, path::Path, process::Command};

use super::book::{Book, Start};
use crate::support::{clock, process};

/// The hidden command under which this program becomes a service.
pub const LAUNCH: &str = "launch";

/// Becomes the program: returns only where it cannot. `start` is a start of the book as JSON, whose process this is.
pub fn launch(book: &Path, start: &str, command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else { return io::ErrorKind::InvalidInput.into() };
    // It leads nothing yet, so this cannot fail; and in the group of whoever started it, it could not be ended by group.
    if let Err(error) = rustix::process::setsid() {
        return error.into();
    }
    let pid = std::process::id();
    let noted = serde_json::from_str::<Start>(start).map_err(io::Error::other).and_then(|start| {
        let pid_started = process::started(pid).unwrap_or_default();
        Book::at(book.to_owned()).started(Start { pid, pid_started, at_ns: clock::unix_nanos(), ..start })
    });
    match noted {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}
