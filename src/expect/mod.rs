//! Expectations: from a file's shape to typed values to a verdict; pure, no I/O.
//!
//! Fed by `fixture` (files) and `check` (the trace that came); read by `check`.

pub mod spec;

pub use spec::{
    Bounds, Edge, EventPattern, Literal, NamePattern, Place, Predicate, Selector, SpanPattern, StatusPattern, TraceExpectation,
};
