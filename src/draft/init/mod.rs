//! The first files of a project: what is found in its folder, what a person says to it, and what is written.
//!
//! Called by `cli` for `devstack init`. Looking is bounded and reads names only where values could be secret; writing replaces nothing.

mod files;
mod look;
mod manifests;
mod node;
mod project;
mod samples;
mod sources;

pub use files::{Choice, Chosen, File, files};
pub use look::{Found, FoundProvider, FoundService, is_service_name, look};
pub use samples::{PROVIDERS, is_provider};
