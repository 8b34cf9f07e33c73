//! Metric points as the wire carries them (OTLP `Metric` and its data points), and what tells one series from another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Attributes, Resource, Scope, real};

/// What identifies a series. Attributes are sorted by key, because their order on the wire means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The metric's name, as sent.
    pub name: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Its unit (UCUM), empty when none was sent.
    pub unit: String,
    /// Attributes of the point, sorted by key.
    pub attributes: Attributes,
    /// Who sent it.
    pub resource: Arc<Resource>,
    /// Which meter made it.
    pub scope: Arc<Scope>,
}

/// The kinds of metrics that OTLP knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// A value of now.
    Gauge,
    /// A sum; what it means depends on both fields.
    Sum {
        /// Whether it only grows.
        monotonic: bool,
        /// Since when it counts.
        temporality: Temporality,
    },
    /// A histogram with bounds that the sender chose.
    Histogram {
        /// Since when it counts.
        temporality: Temporality,
    },
    /// A histogram with bounds that grow exponentially.
    ExponentialHistogram {
        /// Since when it counts.
        temporality: Temporality,
    },
    /// Quantiles that the sender computed.
    Summary,
}

/// Since when a point counts (OTLP `AggregationTemporality`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// Nobody said.
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the start of the series.
    Cumulative,
}

/// One point of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// The series it belongs to.
    pub series: Arc<Series>,
    /// Since when it counts, nanoseconds since the Unix epoch; zero when not said. A new start is a restart of the writer.
    pub start_ns: u64,
    /// Of when it is, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What was measured.
    pub value: MetricValue,
}

/// The value of a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricValue {
    /// The sender says that there is no value (OTLP flag `NO_RECORDED_VALUE`).
    Absent,
    /// A whole number of a gauge or sum.
    Int(i64),
    /// A floating point number of a gauge or sum.
    #[serde(with = "real")]
    Double(f64),
    /// A histogram.
    Histogram(Histogram),
    /// An exponential histogram.
    ExponentialHistogram(ExponentialHistogram),
    /// A summary.
    Summary(Summary),
}

impl MetricValue {
    /// The number of a gauge or sum, the count of everything else; `None` when absent.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Histogram(histogram) => Some(histogram.count as f64),
            Self::ExponentialHistogram(histogram) => Some(histogram.count as f64),
            Self::Summary(summary) => Some(summary.count as f64),
        }
    }
}

/// A histogram with explicit bounds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// How many values.
    pub count: u64,
    /// Their sum, where sent.
    #[serde(with = "real::option")]
    pub sum: Option<f64>,
    /// The smallest, where sent.
    #[serde(with = "real::option")]
    pub min: Option<f64>,
    /// The largest, where sent.
    #[serde(with = "real::option")]
    pub max: Option<f64>,
    /// Upper bounds of all buckets but the last, inclusive.
    #[serde(with = "real::list")]
    pub bounds: Vec<f64>,
    /// Values per bucket, one more than there are bounds; empty when the sender keeps no buckets.
    pub counts: Vec<u64>,
}

/// A histogram whose bounds are powers of `2^(2^-scale)`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExponentialHistogram {
    /// How many values.
    pub count: u64,
    /// Their sum, where sent.
    #[serde(with = "real::option")]
    pub sum: Option<f64>,
    /// The smallest, where sent.
    #[serde(with = "real::option")]
    pub min: Option<f64>,
    /// The largest, where sent.
    #[serde(with = "real::option")]
    pub max: Option<f64>,
    /// Resolution.
    pub scale: i32,
    /// Values that count as zero.
    pub zero_count: u64,
    /// Up to which distance from zero they do.
    #[serde(with = "real")]
    pub zero_threshold: f64,
    /// Buckets above zero.
    pub positive: Buckets,
    /// Buckets below zero.
    pub negative: Buckets,
}

/// A run of buckets of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Buckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// Values per bucket.
    pub counts: Vec<u64>,
}

/// Quantiles that the sender computed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// Their sum.
    #[serde(with = "real")]
    pub sum: f64,
    /// Quantile (0 to 1) and value.
    pub quantiles: Vec<Quantile>,
}

/// One quantile of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Which, from 0 to 1.
    #[serde(with = "real")]
    pub quantile: f64,
    /// Its value.
    #[serde(with = "real")]
    pub value: f64,
}
