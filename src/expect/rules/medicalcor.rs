//! The `medicalcor` pack: what the guide asks of MedicalCor's traces beyond the specification (attribute tables, span kinds, best practices).

use std::collections::BTreeMap;

use super::{Breach, Rule, Subject, otel, service_spans};
use crate::{
    model::{SpanKind, Value, arrival::CORRELATION_ATTRIBUTE},
    support::suggest,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "medicalcor.correlation-id",
        asks: "every SERVER, PRODUCER and CONSUMER span carries the request's `medicalcor.correlation_id`",
        fails: true,
        mends: false,
        check: correlation,
    },
    Rule {
        code: "medicalcor.attribute-names",
        asks: "attributes of MedicalCor's own are registered names, with their prefix",
        fails: true,
        mends: false,
        check: names,
    },
    Rule { code: "medicalcor.kinds", asks: "span kinds are those of the guide's table", fails: true, mends: false, check: kinds },
    Rule {
        code: "medicalcor.run-once",
        asks: "each attempt of a run is one consumer span",
        fails: true,
        mends: false,
        check: run_once,
    },
    Rule {
        code: "medicalcor.unhandled-error",
        asks: "no error is hidden: it is seen above, mended, or marked `error_handled`",
        fails: true,
        mends: true,
        check: otel::unhandled,
    },
];

fn correlation(subject: &Subject<'_>) -> Vec<Breach> {
    service_spans(subject.trace)
        .filter(|(_, span)| matches!(span.kind, SpanKind::Server | SpanKind::Producer | SpanKind::Consumer))
        .filter_map(|(at, span)| match span.attributes.text(CORRELATION_ATTRIBUTE) {
            None => Some(Breach::of(at, format!("`{}` of {} carries no `{CORRELATION_ATTRIBUTE}`.", span.name, span.service()))),
            Some(id) if id != subject.correlation_id => {
                let headline = format!("`{}` of {} carries another request's correlation id.", span.name, span.service());
                Some(Breach::of(at, headline).with(format!("Sent `{}`, found `{id}`.", subject.correlation_id)))
            }
            Some(_) => None,
        })
        .collect()
}

/// First parts of names that MedicalCor's registry governs; everything else belongs to OpenTelemetry's conventions.
const GOVERNED: [&str; 10] =
    ["medicalcor.", "trigger.", "redis.", "lead.", "hubspot.", "whatsapp.", "openai.", "patient.", "task.", "correlation"];

fn names(subject: &Subject<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (at, span) in service_spans(subject.trace) {
        for (key, _) in span.attributes.iter() {
            if subject.registry.contains(&key) || !GOVERNED.iter().any(|prefix| key.starts_with(prefix)) {
                continue;
            }
            let prefixed = format!("medicalcor.{key}");
            let better = subject
                .registry
                .iter()
                .copied()
                .find(|name| *name == prefixed)
                .or_else(|| suggest::nearest(key, subject.registry.iter().copied()));
            let breach = Breach::of(
                at,
                format!("`{}` of {} writes `{key}`, which is no registered attribute.", span.name, span.service()),
            );
            found.push(match better {
                Some(name) => breach.with(format!("The registered name is `{name}`.")),
                None => breach,
            });
        }
    }
    found
}

fn kinds(subject: &Subject<'_>) -> Vec<Breach> {
    service_spans(subject.trace)
        .filter_map(|(at, span)| {
            let wanted = kind_of(&span.name)?;
            (wanted != span.kind).then(|| {
                Breach::of(
                    at,
                    format!("`{}` of {} has kind {}; the guide has it as {wanted}.", span.name, span.service(), span.kind),
                )
            })
        })
        .collect()
}

/// The kind that the guide gives to spans of this name; `None` where it gives none.
fn kind_of(name: &str) -> Option<SpanKind> {
    match name {
        _ if name.starts_with("trigger.task.") => Some(SpanKind::Consumer),
        _ if name.starts_with("trigger.dev.") && name.ends_with(" send") => Some(SpanKind::Producer),
        _ if name.starts_with("trigger.workflow.") => Some(SpanKind::Internal),
        _ if name.starts_with("db.") || name.starts_with("redis.") => Some(SpanKind::Client),
        _ => None,
    }
}

fn run_once(subject: &Subject<'_>) -> Vec<Breach> {
    let mut attempts: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, span) in service_spans(subject.trace).filter(|(_, span)| span.kind == SpanKind::Consumer) {
        if let Some(run) = span.attributes.get("trigger.task.run_id") {
            let attempt = span.attributes.get("trigger.task.attempt").map_or_else(|| "1".to_owned(), Value::to_string);
            attempts.entry((run.to_string(), attempt)).or_default().push(at);
        }
    }
    attempts
        .into_iter()
        .filter(|(_, spans)| spans.len() > 1)
        .map(|((run, attempt), spans)| {
            let name = &subject.trace.spans()[spans[1]].name;
            Breach::of(spans[1], format!("`{name}` ran {} times as attempt {attempt} of one run.", spans.len()))
                .with(format!("Run `{run}` was enqueued once; its second execution is a duplicate."))
        })
        .collect()
}
