//! Log records from the wire.
//!
//! Unlike a span, a record with an invalid id is kept: the receiver takes it as belonging to no trace (OTLP,
//! `LogRecord.trace_id`).

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::{LogRecord as WireRecord, ResourceLogs};

use super::common::{attributes_in, resource_in, scope_in, value_in};
use crate::model::{LogRecord, Resource, Scope, SpanId, TraceId};

/// Takes the records out of resource logs.
pub fn logs_of(batches: Vec<ResourceLogs>) -> Vec<LogRecord> {
    let mut records = Vec::new();
    for batch in batches {
        let resource = resource_in(batch.resource);
        for scoped in batch.scope_logs {
            let scope = scope_in(scoped.scope);
            records.extend(scoped.log_records.into_iter().map(|wire| record_in(wire, &resource, &scope)));
        }
    }
    records
}

fn record_in(wire: WireRecord, resource: &Arc<Resource>, scope: &Arc<Scope>) -> LogRecord {
    let trace_id = TraceId::from_slice(&wire.trace_id);
    LogRecord {
        trace_id,
        // A span id means something only within a trace.
        span_id: trace_id.and_then(|_| SpanId::from_slice(&wire.span_id)),
        flags: wire.flags,
        time_ns: wire.time_unix_nano,
        observed_ns: wire.observed_time_unix_nano,
        severity: wire.severity_number,
        severity_text: wire.severity_text,
        event_name: wire.event_name,
        body: value_in(wire.body),
        attributes: attributes_in(wire.attributes),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::ScopeLogs;

    use super::*;

    fn one(wire: WireRecord) -> LogRecord {
        let scope_logs = vec![ScopeLogs { log_records: vec![wire], ..Default::default() }];
        logs_of(vec![ResourceLogs { scope_logs, ..Default::default() }]).remove(0)
    }

    #[test]
    fn a_record_with_an_invalid_trace_id_is_kept_without_it() {
        for trace_id in [vec![], vec![0; 16], vec![7; 15]] {
            let record = one(WireRecord { trace_id, span_id: vec![1; 8], severity_text: "INFO".into(), ..Default::default() });
            assert_eq!((record.trace_id, record.span_id), (None, None));
            assert_eq!(record.severity_text, "INFO");
        }
        let record = one(WireRecord { trace_id: vec![7; 16], span_id: vec![0; 8], ..Default::default() });
        assert_eq!((record.trace_id, record.span_id), (TraceId::new([7; 16]), None));
    }
}
