//! The one test binary: a module per subject, because every `tests/*.rs` file would link the whole dependency set again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there, and the line says where")]

mod architecture;
mod client;
mod client_stores;
mod client_tls;
mod collector;
mod containers;
mod contract;
mod dashboard;
mod demo;
mod docker;
mod doctor;
mod draft;
mod engine;
mod examples;
mod ledger;
mod lint;
mod receiver;
mod replay;
mod report;
mod sandbox;
mod schemas;
mod services;
mod stack;
mod stage;
mod stand_in;
mod standin;
mod tail;
mod target;
mod trace_view;
mod up;
mod webhook;
mod witness;

mod telemetry;
