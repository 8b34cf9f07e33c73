//! The background process that holds a stack: devstack's receiver, what is beneath it, and the demo beside it.
//!
//! One a project. [`up`] starts it and [`down`] ends it; [`find`] tells whether one is there, [`Control`] asks it. It leaves a lock while it
//! lives, a note of where everything is ([`Note`](super::Note)), and a journal.

mod ask;
mod beside;
mod canaries;
mod control;
mod down;
mod files;
mod find;
mod journal;
mod lock;
mod process;
mod receiver;
mod serve;
mod standing;
mod status;
mod up;

pub use ask::{Control, ControlError};
pub use down::{Ended, down};
pub use files::{FileError, journal as journal_file, read_note, remove_note};
pub use find::{FindError, Found, find, wait_until_free};
pub(super) use journal::Journal;
pub use journal::lines as journal_lines;
pub use lock::{Holder, LockError, Phase};
pub use process::run as run_process;
pub use serve::{Orders, supervise};
pub use status::status;
pub use up::{SUPERVISE, up};
