//! The docker runtime: real components in containers of whichever engine speaks Docker's API (Docker, Podman, and what wraps them).
//!
//! Driven by the supervisor, and by commands that need no supervisor (`images`, `doctor`, `down` after a crash). The only place that names
//! bollard. Whatever is made carries labels, and only labels decide what is ours; nothing is bind-mounted, so the engine may be anywhere.
//!
//! - [`Engine`] is the one that answers, found by [`Engine::discover`];
//! - [`Containers`] are those of one owner: [`Containers::make`] brings them to where an order wants them, or takes back what it began;
//! - [`images`] are listed, fetched, saved and loaded.

mod component;
mod containers;
mod create;
mod discover;
mod engine;
mod facts;
mod failure;
pub mod images;
mod labels;
mod lines;
mod load;
mod logs;
mod make;
mod network;
mod ready;
mod remove;
mod said;
mod save;
mod seen;
mod tail;

pub use containers::{Containers, Glance, LeftOver, left_over};
pub use engine::{Engine, EngineAbout, EngineError};
pub use facts::{Facts, Published, Skew};
pub use failure::port_holder;
pub use make::{Created, Made, MadeComponent};
pub use remove::Removed;
pub use said::{DockerError, Said};
