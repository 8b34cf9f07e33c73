//! What goes through the receiver, counted and told as it happens.
//!
//! Written by `receive` and `forward` through [`Observer`]; read through [`TrafficHandle`] (`status`) and [`Feed`] (`tail`).

mod counters;
mod feed;
mod observer;

pub use counters::TrafficHandle;
pub use feed::Feed;

pub(super) use counters::Sort;
pub(super) use observer::Observer;
