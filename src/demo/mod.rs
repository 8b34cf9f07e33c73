//! MedicalCor as its guide describes it: instrumented services and the externals they call, nothing between them but HTTP.
//!
//! Started by `runtime`, `cli` and tests; called by `replay`; watched by nobody but through the telemetry they send.
//!
//! ```text
//! replay ──▶ medicalcor-api ──▶ medicalcor-trigger ──▶ externals (hubspot, whatsapp, openai, stripe)
//!                 ▲   PRODUCER, then POST /api/v1/tasks/{id}/trigger; the CONSUMER is the producer's child
//!            medicalcor-web
//! ```

pub mod api;
mod clients;
mod config;
mod enqueue;
mod error;
pub mod externals;
mod faults;
mod foundation;
mod http;
mod idempotency;
mod metrics;
mod names;
mod payload;
mod run;
mod store;
pub mod trigger;
pub mod web;

pub use api::{Api, ApiConfig};
pub use clients::ExternalError;
pub use config::{DEMO_TIME_SCALE, DemoConfig, ServiceConfig, Stores, any_port};
pub use enqueue::EnqueueError;
pub use error::DemoError;
pub use faults::{Fault, Faults, UnknownFault};
pub use names::{API, TRIGGER, WEB};
pub use run::Demo;
pub use store::{RedisError, RedisServer, SqlError};
pub use trigger::{Trigger, TriggerConfig};
pub use web::{Web, WebConfig};

/// What [`DemoConfig`] wants of telemetry, for rooms that start the demo and do not otherwise know the library.
pub use crate::telemetry::Settings as TelemetrySettings;
