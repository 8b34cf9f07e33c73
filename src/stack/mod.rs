//! Stacks: what should run, as files that people write and as the plan that runtimes carry out.
//!
//! Asked by `cli` and `lint`; its [`Stack`] is carried out by `runtime`. The shipped stacks lie in `stacks/` and are part of the binary.

mod check;
mod component;
mod configs;
mod desk;
mod endpoints;
mod expand;
mod externals;
mod formats;
mod image;
mod layers;
mod load;
mod merge;
mod order;
mod page;
mod plan;
mod project;
mod service_check;
mod service_tables;
mod services;
mod sets;
mod settings;
mod shelf;
pub mod tables;
mod templates;

pub use check::{OTLP_GRPC, OTLP_HTTP};
pub use load::{Inspected, Loaded, RuntimeWish, Wanted, inspect, inspect_project, load};
pub use page::{page, project_schema, schema};
pub use plan::{Component, Endpoints, Judge, Port, Probe, Role, Stack};
pub use settings::{
    Answer, Command, External, Piece, PortWish, Readiness, Service, Settings, Template, external_names, providers, settings,
};
pub use shelf::names;
