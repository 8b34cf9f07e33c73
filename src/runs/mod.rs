//! The last runs on disk: reports and traces, so that an ephemeral run leaves something to look at.
//!
//! Written by `cli replay` at the end of a run, read by `cli trace` and `--rerun-failed`. Knows `check` for the report, `model` for
//! spans, `support` for the project.
//!
//! ```text
//! $XDG_STATE_HOME/devstack/<project>/runs/
//!   20261122T173000.123Z/         a run, named by its start; 0700
//!     report.json                 the report, as `--format json` prints it; 0600
//!     traces/<trace id>.json      OTLP JSON (TracesData), one file a trace; 0600
//! ```
//!
//! A run appears under its name only when it is complete (written beside, then renamed), so that readers and runs that end at the
//! same time never see half of one.

pub mod find;
pub mod otlp_file;
pub mod private;
pub mod store;

pub use find::{Candidate, FindError, Found, StoredTrace};
pub use otlp_file::{OtlpFileError, Reading};
pub use store::{Latest, Listing, RunEntry, Saved, Store, StoreError};
