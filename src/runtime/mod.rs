//! Where a stack runs: in containers, embedded in one process, or elsewhere.
//!
//! Fed by `cli` with an [`Order`]; gives events while it starts and a [`Note`] of where everything is, which `check` stands on.

mod alone;
mod base;
pub mod canary;
pub mod docker;
mod embedded;
mod environment;
mod event;
mod kept;
mod note;
mod order;
mod receiving;
pub mod services;
mod status;
pub mod supervisor;

pub use alone::{Alone, AloneConfig, DemoService};
pub use canary::{CanaryBack, CanaryError};
pub use embedded::{Embedded, EmbeddedConfig, ExtraDemo, RuntimeError};
pub use environment::{Audience, service_settings, settings};
pub use event::{Events, Ready, Step, UpEvent, UpFailure};
pub use kept::{Kept, KeptError};
pub use note::{DemoNote, Hop, NOTE_FILE, NOTE_VERSION, Note};
pub use order::{Order, Owner, Pull, RuntimeKind, build};
pub use receiving::Receiving;
pub use status::{ComponentStatus, LogLine, LogsWanted, STATUS_VERSION, StackState, Status, UNKNOWN};
