//! Stacks: what should run, as files that people write and as the plan that runtimes carry out.
//!
//! Asked by `cli` and `lint`; its [`Stack`] is carried out by `runtime`. The shipped stacks lie in `stacks/` and are part of the binary.

mod plan;

pub use plan::{Component, Endpoints, Judge, Port, Probe, Role, Stack};
