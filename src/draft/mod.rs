//! First fixtures, drafted from what really happened: a delivery, its answer, and the trace it left.
//!
//! Fed by `cli` (`record`, `trace --save-as`, `from`, `init`); what comes out is text for a person to adjust. Nothing that tells of a person
//! and no secret gets through: [`redact()`] replaces such values wherever they stand, [`draft()`] proposes only what does not change from run
//! to run, and the finished files are searched once more for everything that was replaced. [`record`] is the proxy that deliveries come by, and
//! [`kept`] has them, redacted, for the time when their traces are looked at.

mod body;
pub mod curl;
mod delivery;
mod disguise;
mod event;
mod finder;
mod forms;
pub mod har;
pub mod init;
mod invent;
pub mod kept;
mod keys;
mod kind;
mod of_trace;
mod pattern;
mod place;
mod proof;
mod proposal;
mod provider;
pub mod record;
mod redact;
mod save;
mod shapes;
mod stable;
mod text;
mod vocabulary;
mod yaml;

#[cfg(test)]
mod tests;

pub use delivery::{Answer, Delivery};
pub use kept::Deliveries;
pub use kind::{Counts, Kind};
pub use of_trace::of_trace;
pub use place::Place;
pub use redact::{RedactError, Redacted, Redaction, redact};
pub use save::{Saved, save};
pub use text::{Draft, DraftError, Origin, Seen, draft};
