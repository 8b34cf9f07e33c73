//! Expectations: from a file's shape to typed values to where each stands on a trace; pure, no I/O.
//!
//! Fed by `fixture` (files) and `check` (the trace that came); read by `check`.

mod assign;
pub mod file;
mod line;
pub mod matcher;
pub mod miss;
pub mod predicate;
pub mod resolve;
pub mod rules;
pub mod spec;

#[cfg(test)]
mod matcher_tests;
#[cfg(test)]
pub(crate) mod sample;

pub use matcher::judge;
pub use miss::{Difference, Miss, Standing, Wanted, What};
pub use spec::{
    Bounds, Edge, EventPattern, Literal, NamePattern, Place, Predicate, Selector, SpanPattern, StatusPattern, TraceExpectation,
};
