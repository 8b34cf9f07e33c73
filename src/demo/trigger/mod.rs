//! `medicalcor-trigger`: the Trigger.dev endpoint, a run queue with retries, and the tasks that call the database and the externals.
//!
//! Fed over HTTP by `medicalcor-api` and by its own tasks (children).

mod context;
mod endpoint;
mod error;
mod queue;
mod scoring;
mod service;
mod tasks;

pub use service::{Trigger, TriggerConfig};
