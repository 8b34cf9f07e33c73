//! devstack: signed webhooks in, traces out, expectations checked.

pub mod backend;
pub mod check;
pub mod cli;
pub mod client;
pub mod demo;
pub mod expect;
pub mod fixture;
pub mod lint;
pub mod model;
pub mod replay;
pub mod report;
pub mod runs;
pub mod runtime;
pub mod support;
pub mod telemetry;
pub mod term;
pub mod webhook;
