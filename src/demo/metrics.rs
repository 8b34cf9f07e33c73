//! The metrics that the guide's queries and its dashboard read, with the labels and buckets of `medicalcor.md` section 5.
//!
//! Written by every service through its own meter; one set per service. Units are chosen so that Prometheus' translation of OTLP names
//! leaves them as they are: `s` for names that end in `_seconds`, `1` for counters, none for the gauge (`1` would append `_ratio`).

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};

use super::clients::breaker::Breakers;

const HTTP_SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const EXTERNAL_SECONDS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const QUERY_SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
const COMMAND_SECONDS: [f64; 8] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const TASK_SECONDS: [f64; 9] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The instruments of one service.
#[derive(Debug)]
pub(crate) struct Metrics {
    service: &'static str,
    http_requests: Counter<u64>,
    http_duration: Histogram<f64>,
    tasks: Counter<u64>,
    task_duration: Histogram<f64>,
    external_requests: Counter<u64>,
    external_duration: Histogram<f64>,
    query_duration: Histogram<f64>,
    command_duration: Histogram<f64>,
    errors: Counter<u64>,
}

/// How a run's attempt came out, as `medicalcor_worker_tasks_total` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskStatus {
    Success,
    /// Failed for good.
    Failure,
    /// Failed and will be tried again.
    Retry,
}

impl Metrics {
    /// Makes the instruments on the meter of `service` (its short name: `api`, `trigger`, `web`).
    pub(crate) fn new(meter: &Meter, service: &'static str) -> Arc<Self> {
        let counter = |name, text| meter.u64_counter(name).with_description(text).with_unit("1").build();
        let histogram = |name, text, bounds: &[f64]| {
            meter.f64_histogram(name).with_description(text).with_unit("s").with_boundaries(bounds.to_vec()).build()
        };
        Arc::new(Self {
            service,
            http_requests: counter("http_requests_total", "HTTP requests answered"),
            http_duration: histogram("http_request_duration_seconds", "Time to answer an HTTP request", &HTTP_SECONDS),
            tasks: counter("medicalcor_worker_tasks_total", "Attempts of task runs that ended"),
            task_duration: histogram(
                "medicalcor_worker_task_duration_seconds",
                "Time an attempt of a task run took",
                &TASK_SECONDS,
            ),
            external_requests: counter("medicalcor_external_service_requests_total", "Requests to external services"),
            external_duration: histogram(
                "medicalcor_external_service_duration_seconds",
                "Time an external service took to answer",
                &EXTERNAL_SECONDS,
            ),
            query_duration: histogram("medicalcor_query_duration_seconds", "Time an SQL statement took", &QUERY_SECONDS),
            command_duration: histogram("medicalcor_command_duration_seconds", "Time a Redis command took", &COMMAND_SECONDS),
            errors: counter("medicalcor_errors_total", "Errors by category"),
        })
    }

    /// One answered request; `path` is the route, never what a visitor typed.
    pub(crate) fn http(&self, method: &str, path: &str, status: u16, took: Duration) {
        let [method, path] = [label("method", method), label("path", path)];
        self.http_requests.add(1, &[method.clone(), path.clone(), label("status", &status.to_string())]);
        self.http_duration.record(took.as_secs_f64(), &[method, path]);
    }

    /// One attempt of a run that ended.
    pub(crate) fn task(&self, task: &str, status: TaskStatus, took: Duration) {
        let task = label("task", task);
        let status = match status {
            TaskStatus::Success => "success",
            TaskStatus::Failure => "failure",
            TaskStatus::Retry => "retry",
        };
        self.tasks.add(1, &[task.clone(), label("status", status)]);
        self.task_duration.record(took.as_secs_f64(), &[task]);
    }

    /// One request to an external service; `status` is `success` or `error`.
    pub(crate) fn external(&self, service: &'static str, operation: &'static str, succeeded: bool, took: Duration) {
        let [service, operation] = [label("service", service), label("operation", operation)];
        let status = label("status", if succeeded { "success" } else { "error" });
        self.external_requests.add(1, &[service.clone(), operation.clone(), status]);
        self.external_duration.record(took.as_secs_f64(), &[service, operation]);
    }

    /// One SQL statement; `operation` is its first word.
    pub(crate) fn query(&self, operation: &'static str, took: Duration) {
        self.query_duration.record(took.as_secs_f64(), &[label("type", operation)]);
    }

    /// One Redis command.
    pub(crate) fn command(&self, command: &'static str, took: Duration) {
        self.command_duration.record(took.as_secs_f64(), &[label("type", command)]);
    }

    /// One error; `category` says where (`http`, `task`, `external`, …), `code` what, in one of few words.
    pub(crate) fn error(&self, category: &'static str, code: &str) {
        self.errors.add(1, &[label("category", category), label("code", code), label("service", self.service)]);
    }
}

/// Publishes the state of every breaker: 0 closed, 0.5 half-open, 1 open, on this service and everywhere.
pub(crate) fn publish_breakers(meter: &Meter, breakers: &Arc<Breakers>) {
    let breakers = Arc::clone(breakers);
    meter
        .f64_observable_gauge("medicalcor_circuit_breaker_state")
        .with_description("State of the circuit breaker: 0 closed, 0.5 half-open, 1 open")
        .with_callback(move |gauge| {
            for (service, state) in breakers.states() {
                gauge.observe(state.code(), &[label("service", service)]);
            }
        })
        .build();
}

fn label(name: &'static str, value: &str) -> KeyValue {
    KeyValue::new(name, value.to_owned())
}
