//! Metric points from the wire.
//!
//! The way in checks what the protobuf types do not: a metric has a name, and a histogram one bucket more than bounds (OTLP,
//! `HistogramDataPoint.bucket_counts`).

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{
        ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, SummaryDataPoint,
        exponential_histogram_data_point::Buckets as WireBuckets, metric::Data, number_data_point::Value as Number,
    },
};

use super::common::{attributes_in, resource_in, scope_in};
use crate::model::{
    MetricKind, MetricPoint, MetricValue, Resource, Scope, Series,
    metric::{Buckets, ExponentialHistogram, Histogram, Quantile, Summary, Temporality},
};

/// The flag of a point that says: there is no value (OTLP `DataPointFlags`).
const NO_RECORDED_VALUE: u32 = 1;

/// Why points of a request cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPoints {
    /// The metric has no name.
    #[error("a metric of meter `{meter}` has no name")]
    NoName {
        /// The meter's name.
        meter: String,
        /// How many points it had.
        points: usize,
    },
    /// A histogram whose buckets do not fit its bounds.
    #[error("metric `{name}`: {bounds} bounds need {} buckets, got {buckets}", bounds + 1)]
    Buckets {
        /// The metric's name.
        name: String,
        /// How many bounds came.
        bounds: usize,
        /// How many buckets came.
        buckets: usize,
    },
}

impl BadPoints {
    /// How many points are lost by it.
    pub fn points(&self) -> usize {
        match self {
            Self::NoName { points, .. } => *points,
            Self::Buckets { .. } => 1,
        }
    }
}

/// Takes the points out of resource metrics; the bad ones come back with what is wrong.
pub fn points_of(batches: Vec<ResourceMetrics>) -> (Vec<MetricPoint>, Vec<BadPoints>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for batch in batches {
        let resource = resource_in(batch.resource);
        for scoped in batch.scope_metrics {
            let scope = scope_in(scoped.scope);
            for metric in scoped.metrics {
                for point in metric_in(metric, &resource, &scope) {
                    match point {
                        Ok(point) => good.push(point),
                        Err(reason) => bad.push(reason),
                    }
                }
            }
        }
    }
    (good, bad)
}

type Points = Vec<Result<MetricPoint, BadPoints>>;

fn metric_in(metric: Metric, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Points {
    let Some(data) = metric.data else { return Vec::new() };
    if metric.name.is_empty() {
        return vec![Err(BadPoints::NoName { meter: scope.name.clone(), points: count(&data) })];
    }
    let kind = kind_in(&data);
    let series = |attributes: Vec<KeyValue>| {
        Arc::new(Series {
            name: metric.name.clone(),
            kind,
            unit: metric.unit.clone(),
            attributes: attributes_in(attributes).sorted(),
            resource: Arc::clone(resource),
            scope: Arc::clone(scope),
        })
    };
    match data {
        Data::Gauge(gauge) => gauge.data_points.into_iter().map(|wire| Ok(number_in(wire, series))).collect(),
        Data::Sum(sum) => sum.data_points.into_iter().map(|wire| Ok(number_in(wire, series))).collect(),
        Data::Histogram(histogram) => histogram.data_points.into_iter().map(|wire| histogram_in(wire, series)).collect(),
        Data::ExponentialHistogram(histogram) => {
            histogram.data_points.into_iter().map(|wire| Ok(exponential_in(wire, series))).collect()
        }
        Data::Summary(summary) => summary.data_points.into_iter().map(|wire| Ok(summary_in(wire, series))).collect(),
    }
}

fn count(data: &Data) -> usize {
    match data {
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::Sum(sum) => sum.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        Data::Summary(summary) => summary.data_points.len(),
    }
}

fn kind_in(data: &Data) -> MetricKind {
    match data {
        Data::Gauge(_) => MetricKind::Gauge,
        Data::Sum(sum) => {
            MetricKind::Sum { monotonic: sum.is_monotonic, temporality: temporality_in(sum.aggregation_temporality) }
        }
        Data::Histogram(histogram) => MetricKind::Histogram { temporality: temporality_in(histogram.aggregation_temporality) },
        Data::ExponentialHistogram(histogram) => {
            MetricKind::ExponentialHistogram { temporality: temporality_in(histogram.aggregation_temporality) }
        }
        Data::Summary(_) => MetricKind::Summary,
    }
}

fn temporality_in(wire: i32) -> Temporality {
    match wire {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    }
}

fn point(series: Arc<Series>, (start_ns, time_ns): (u64, u64), flags: u32, value: MetricValue) -> MetricPoint {
    let value = if flags & NO_RECORDED_VALUE == 0 { value } else { MetricValue::Absent };
    MetricPoint { series, start_ns, time_ns, value }
}

fn number_in(wire: NumberDataPoint, series: impl Fn(Vec<KeyValue>) -> Arc<Series>) -> MetricPoint {
    let value = match wire.value {
        Some(Number::AsInt(number)) => MetricValue::Int(number),
        Some(Number::AsDouble(number)) => MetricValue::Double(number),
        None => MetricValue::Absent,
    };
    point(series(wire.attributes), (wire.start_time_unix_nano, wire.time_unix_nano), wire.flags, value)
}

fn histogram_in(wire: HistogramDataPoint, series: impl Fn(Vec<KeyValue>) -> Arc<Series>) -> Result<MetricPoint, BadPoints> {
    let series = series(wire.attributes);
    let (bounds, buckets) = (wire.explicit_bounds.len(), wire.bucket_counts.len());
    // A sender may leave the buckets out altogether.
    if buckets != bounds + 1 && (bounds, buckets) != (0, 0) {
        return Err(BadPoints::Buckets { name: series.name.clone(), bounds, buckets });
    }
    let value = MetricValue::Histogram(Histogram {
        count: wire.count,
        sum: wire.sum,
        min: wire.min,
        max: wire.max,
        bounds: wire.explicit_bounds,
        counts: wire.bucket_counts,
    });
    Ok(point(series, (wire.start_time_unix_nano, wire.time_unix_nano), wire.flags, value))
}

fn exponential_in(wire: ExponentialHistogramDataPoint, series: impl Fn(Vec<KeyValue>) -> Arc<Series>) -> MetricPoint {
    let value = MetricValue::ExponentialHistogram(ExponentialHistogram {
        count: wire.count,
        sum: wire.sum,
        min: wire.min,
        max: wire.max,
        scale: wire.scale,
        zero_count: wire.zero_count,
        zero_threshold: wire.zero_threshold,
        positive: buckets_in(wire.positive),
        negative: buckets_in(wire.negative),
    });
    point(series(wire.attributes), (wire.start_time_unix_nano, wire.time_unix_nano), wire.flags, value)
}

fn buckets_in(wire: Option<WireBuckets>) -> Buckets {
    let wire = wire.unwrap_or_default();
    Buckets { offset: wire.offset, counts: wire.bucket_counts }
}

fn summary_in(wire: SummaryDataPoint, series: impl Fn(Vec<KeyValue>) -> Arc<Series>) -> MetricPoint {
    let quantiles = wire.quantile_values.iter().map(|at| Quantile { quantile: at.quantile, value: at.value }).collect();
    let value = MetricValue::Summary(Summary { count: wire.count, sum: wire.sum, quantiles });
    point(series(wire.attributes), (wire.start_time_unix_nano, wire.time_unix_nano), wire.flags, value)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, Histogram as WireHistogram, ScopeMetrics};

    use super::*;

    fn of(name: &str, data: Data) -> (Vec<MetricPoint>, Vec<BadPoints>) {
        let metrics = vec![Metric { name: name.into(), data: Some(data), ..Default::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
        points_of(vec![ResourceMetrics { scope_metrics, ..Default::default() }])
    }

    fn labelled(pairs: &[(&str, &str)]) -> Data {
        let attributes = super::super::common::attributes_out(&pairs.iter().copied().collect());
        Data::Gauge(Gauge {
            data_points: vec![NumberDataPoint { attributes, value: Some(Number::AsInt(1)), ..Default::default() }],
        })
    }

    #[test]
    fn the_order_of_attributes_does_not_make_another_series() {
        let (one, _) = of("x", labelled(&[("a", "1"), ("b", "2")]));
        let (two, _) = of("x", labelled(&[("b", "2"), ("a", "1")]));
        let (other, _) = of("x", labelled(&[("b", "1"), ("a", "2")]));
        assert_eq!(one[0].series, two[0].series);
        assert_ne!(one[0].series, other[0].series);
    }

    #[test]
    fn a_histogram_needs_one_bucket_more_than_bounds_or_none_at_all() {
        let histogram = |bounds: usize, buckets: usize| {
            let point =
                HistogramDataPoint { explicit_bounds: vec![1.0; bounds], bucket_counts: vec![0; buckets], ..Default::default() };
            of("latency", Data::Histogram(WireHistogram { data_points: vec![point], ..Default::default() }))
        };
        assert_eq!(histogram(2, 3).0.len(), 1);
        assert_eq!(histogram(0, 0).0.len(), 1);
        let (good, bad) = histogram(2, 2);
        assert!(good.is_empty());
        assert_eq!(bad[0].to_string(), "metric `latency`: 2 bounds need 3 buckets, got 2");
    }

    #[test]
    fn a_metric_without_a_name_costs_all_its_points() {
        let (good, bad) = of("", labelled(&[]));
        assert!(good.is_empty());
        assert_eq!(bad.iter().map(BadPoints::points).sum::<usize>(), 1);
    }
}
