//! The project's own programs: started beside a stack, watched, and ended so that they send what they have.
//!
//! Fed by `supervisor` (`up`), by `cli` (`run`, and `replay` without a stack) with what `stack` decoded; every start and end goes into a
//! book in the project's state folder, which says after a crash what was left.
//!
//! - [`Services`] starts all of a project in order, each a [`Process`] of a [`Spec`] made by `resolve`; `ready` looks whether one is there.
//! - [`launch()`] is the moment between this program and the service: it makes a session, writes the book, and becomes the program.
//! - `capture` reads what one writes into its log; `logs` reads that for people.
//! - [`exits`], [`alive`] and [`end_leftovers`] read the book.

mod book;
mod capture;
mod externals;
mod group;
mod launch;
mod left;
mod logs;
mod process;
mod ready;
mod resolve;
mod state;

pub use book::{Alive, EndedBy, Exit, How, Starter, StarterKind, alive, exits, orphans};
pub use capture::{Output, Raw, Sink};
pub use externals::{Playing, play};
pub use group::{Death, Place, Services};
pub use launch::{LAUNCH, launch};
pub use left::{Leftover, end_leftovers};
pub use logs::{follow as follow_logs, names as log_names};
pub use process::{End, Input, Process};
pub use resolve::{ExternalAt, Given, Spec, is_injected};
pub use state::ServiceState;
