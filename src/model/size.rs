//! How much memory a piece of telemetry takes: what a store that is bounded by bytes charges for it.
//!
//! Counts the value itself, what it owns on the heap, and what the allocator adds to each piece. Shared parts (resource, scope,
//! series) are left out: whoever shares them charges for them once.

use std::mem::size_of;

use super::{
    Attributes, Event, Link, LogRecord, MetricPoint, MetricValue, Resource, Scope, Series, Span, Value,
    metric::{ExponentialHistogram, Histogram, Quantile},
};

/// The header of an allocation, the step to which its size is rounded, and the least it takes: glibc's malloc; others are close.
const HEADER: usize = 8;
const STEP: usize = 16;
const LEAST: usize = 32;

/// The counters of an `Arc`.
const COUNTERS: usize = 2 * size_of::<usize>();

/// Memory that a value takes, in bytes.
pub trait Footprint {
    /// What it owns on the heap, in bytes, without itself and without shared parts.
    fn heap(&self) -> usize;

    /// The whole of it behind an `Arc`, in bytes.
    fn shared(&self) -> usize
    where
        Self: Sized,
    {
        block(COUNTERS + size_of::<Self>()) + self.heap()
    }
}

impl Footprint for str {
    fn heap(&self) -> usize {
        block(self.len())
    }
}

impl Footprint for Value {
    fn heap(&self) -> usize {
        match self {
            Self::String(text) => text.heap(),
            Self::Bytes(bytes) => block(bytes.len()),
            Self::Array(values) => list(values),
            Self::Map(map) => map.heap(),
            Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Empty => 0,
        }
    }
}

impl Footprint for Attributes {
    fn heap(&self) -> usize {
        let owned: usize = self.iter().map(|(key, value)| key.heap() + value.heap()).sum();
        block(self.len() * size_of::<(String, Value)>()) + owned
    }
}

impl Footprint for Event {
    fn heap(&self) -> usize {
        self.name.heap() + self.attributes.heap()
    }
}

impl Footprint for Link {
    fn heap(&self) -> usize {
        self.attributes.heap()
    }
}

impl Footprint for Span {
    fn heap(&self) -> usize {
        self.trace_state.heap()
            + self.name.heap()
            + self.attributes.heap()
            + list(&self.events)
            + list(&self.links)
            + self.status.message.heap()
    }
}

impl Footprint for Resource {
    fn heap(&self) -> usize {
        self.attributes.heap()
    }
}

impl Footprint for Scope {
    fn heap(&self) -> usize {
        self.name.heap() + self.version.heap() + self.attributes.heap()
    }
}

impl Footprint for LogRecord {
    fn heap(&self) -> usize {
        self.severity_text.heap() + self.event_name.heap() + self.body.heap() + self.attributes.heap()
    }
}

impl Footprint for Series {
    fn heap(&self) -> usize {
        self.name.heap() + self.unit.heap() + self.attributes.heap()
    }
}

impl Footprint for MetricPoint {
    fn heap(&self) -> usize {
        match &self.value {
            MetricValue::Absent | MetricValue::Int(_) | MetricValue::Double(_) => 0,
            MetricValue::Histogram(Histogram { bounds, counts, .. }) => {
                block(bounds.len() * size_of::<f64>()) + block(counts.len() * size_of::<u64>())
            }
            MetricValue::ExponentialHistogram(ExponentialHistogram { positive, negative, .. }) => {
                block(positive.counts.len() * size_of::<u64>()) + block(negative.counts.len() * size_of::<u64>())
            }
            MetricValue::Summary(summary) => block(summary.quantiles.len() * size_of::<Quantile>()),
        }
    }
}

/// An allocation of this length; an empty one is not made.
fn block(length: usize) -> usize {
    if length == 0 { 0 } else { (length + HEADER).next_multiple_of(STEP).max(LEAST) }
}

fn list<T: Footprint>(items: &[T]) -> usize {
    block(size_of_val(items)) + items.iter().map(Footprint::heap).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owned_is_charged_and_what_is_shared_is_not() {
        let empty = Attributes::default();
        let one = Attributes::from_iter([("key", Value::from("x".repeat(1000)))]);
        assert_eq!(empty.heap(), 0);
        assert!((1000..1200).contains(&one.heap()), "{}", one.heap());
        let nested = Attributes::from_iter([("map", Value::Map(one.clone()))]);
        assert!(nested.heap() > one.heap());
        let resource = Resource { attributes: one };
        assert!(resource.shared() > resource.heap());
    }
}
