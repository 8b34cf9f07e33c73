//! The file side of expectations: which keys there are, and how a checked tree becomes [`super::TraceExpectation`].
//!
//! Fed by `fixture` with trees that `support::yaml` has read and checked against [`tables`].

mod decode;
pub mod formats;
mod predicate;
pub mod tables;

#[cfg(test)]
mod tests;

pub use decode::{bounds, edge, place_of, selector, span_pattern, trace_expectation};
pub use predicate::{attributes, predicate};
