//! Histograms with given buckets: MedicalCor's metrics name theirs.
//!
//! Used by services that have a `Meter` from `Telemetry::meter`.

use std::borrow::Cow;

use opentelemetry::metrics::{Histogram, Meter};

/// A histogram of `unit` with these upper bounds of its buckets, ascending (the one to infinity is added).
pub fn histogram(
    meter: &Meter,
    name: impl Into<Cow<'static, str>>,
    unit: impl Into<Cow<'static, str>>,
    bounds: &[f64],
) -> Histogram<f64> {
    meter.f64_histogram(name).with_unit(unit).with_boundaries(bounds.to_vec()).build()
}
