//! The rules on what a control request showed.

use super::{
    facts::{Asked, Facts, Measured, SpanSeen},
    finding::{Cause, Finding},
    told::{Delay, SLOW_MS, delay_of},
};
use crate::model::arrival::Sender;

/// How long ago a sender may have been heard and still count as being there, in nanoseconds.
const RECENT_NS: u64 = 120_000_000_000;

/// How many rejections are told.
const REJECTIONS: usize = 3;

/// Everything that measuring showed; where nothing was measured, that.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Some(measured) = &facts.measured else { return vec![not_measured(facts)].into_iter().flatten().collect() };
    let mut found: Vec<_> = answered(facts, measured).into_iter().collect();
    found.extend(watched(facts, measured));
    found.extend(arrived(facts, measured));
    found.extend(rejected(measured));
    found.extend(late(facts, measured));
    found.extend(unnamed(measured));
    found.extend(shared_name(measured));
    found.extend(measured.clock_ahead.map(clock));
    found
}

fn not_measured(facts: &Facts) -> Option<Finding> {
    let words = "no stack is up: not measured whether its spans arrive";
    facts.receiver.is_none().then(|| Finding::attention(Cause::Aside, "target.stack", words).fix("devstack up"))
}

fn answered(facts: &Facts, measured: &Measured) -> Option<Finding> {
    let url = &facts.url;
    let broken = |words: String| Finding::broken(Cause::Target, "target.http", words);
    match &measured.asked {
        Asked::Answered(_) | Asked::NotSent => None,
        Asked::NotHttp(reason) => Some(
            broken(format!("what listens at {url} does not answer over HTTP: {reason}"))
                .fix("pass the URL at which the service answers, with https:// where it speaks TLS"),
        ),
        Asked::Silent => {
            Some(broken(format!("{url} accepts connections and does not answer")).fix("restart the service; it may hang"))
        }
    }
}

fn watched(facts: &Facts, measured: &Measured) -> Option<Finding> {
    if measured.watched {
        return None;
    }
    let (words, fix) = match &facts.receiver {
        None => ("no stack is up: not measured whether its spans arrive".to_owned(), "devstack up"),
        Some(receiver) => {
            (format!("the ledger at {} does not answer: not measured whether spans arrive", receiver.ledger), "devstack status")
        }
    };
    Some(Finding::attention(Cause::Aside, "target.stack", words).fix(fix))
}

fn arrived(facts: &Facts, measured: &Measured) -> Option<Finding> {
    let code = "target.spans";
    match &measured.span {
        Some(SpanSeen { service, after_ms, continued: true, server, .. }) => {
            let what = if *server { "its SERVER span" } else { "a span" };
            Some(
                Finding::seen(
                    code,
                    format!("{what} of a control request came from {service}, {} after the answer", told(*after_ms)),
                )
                .detail("after_ms", *after_ms)
                .detail("service", service.clone()),
            )
        }
        Some(SpanSeen { service, .. }) => Some(
            Finding::broken(
                Cause::Context,
                "target.context",
                format!("{service} began a trace of its own: it did not go on with the `traceparent` that was sent"),
            )
            .fix("export OTEL_PROPAGATORS=tracecontext,baggage, or extract the context from the request's headers"),
        ),
        None if facts.is_silent() => Some(silent(facts, measured)),
        None => None,
    }
}

/// Nothing of the request came; what else of the service did, says why.
fn silent(facts: &Facts, measured: &Measured) -> Finding {
    let status = match measured.asked {
        Asked::Answered(status) => status,
        _ => 0,
    };
    let words = format!("no span of a control request (answered {status}) came within {}", told(measured.waited_ms));
    let spans = measured.senders.iter().filter(|sender| sender.spans.count > 0).max_by_key(|sender| sender.spans.last_ns);
    let code = "target.spans";
    if let Some(sender) = spans {
        let ago = told(measured.now_ns.saturating_sub(sender.spans.last_ns) / 1_000_000);
        let words = format!(
            "{words}; {} spans of {} came before, the last {ago} ago: it may not trace this path",
            sender.spans.count, sender.service
        );
        return Finding::attention(Cause::Aside, code, words).fix("send it a request of its own, and look with `devstack tail`");
    }
    if measured.others_came {
        let words = format!("{words}, while its metrics or logs do: no span is sampled, or traces are switched off");
        return Finding::broken(Cause::Off, code, words)
            .fix("unset OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG OTEL_TRACES_EXPORTER");
    }
    let connected = facts.process.as_ref().map(|process| process.connected.as_slice());
    let words = match connected {
        // Without `/proc` nothing is seen, which says nothing.
        Some([]) if cfg!(target_os = "linux") => format!("{words}, and it was not seen connecting to a receiver"),
        _ => words,
    };
    Finding::broken(Cause::Aside, code, words).fix("devstack tail (shows what comes and what is rejected)")
}

/// What the receiver refused while only this service was asked something; nobody else may have sent, but that is not certain.
fn rejected(measured: &Measured) -> Vec<Finding> {
    // Of traces first: metrics and logs go the same way, and are refused for the same reason.
    let is_of_traces = |reason: &&String| reason.contains("/v1/traces") || reason.contains("TraceService");
    let (traces, others): (Vec<_>, Vec<_>) = measured.rejected.iter().partition(is_of_traces);
    let mut reasons: Vec<&String> = Vec::new();
    for reason in traces.into_iter().chain(others) {
        if reasons.iter().all(|told| why(told) != why(reason)) {
            reasons.push(reason);
        }
    }
    let told = reasons.into_iter().take(REJECTIONS);
    told.map(|reason| {
        let words = format!("meanwhile the receiver rejected a request: {reason}");
        let found = if measured.arrived() { Finding::attention } else { Finding::broken };
        found(Cause::Rejected, "target.rejected", words)
            .fix("send it as the sentence says; `devstack env` prints settings that fit")
    })
    .collect()
}

/// What follows upon the request in a rejection: `POST /v1/traces came over HTTP to the gRPC port: this port speaks …`.
fn why(reason: &str) -> &str {
    reason.split_once(": ").map_or(reason, |(_, why)| why)
}

/// Spans that come late, by measurement.
fn late(facts: &Facts, measured: &Measured) -> Option<Finding> {
    let lag = measured.longest_lag_ms();
    (lag >= SLOW_MS).then(|| {
        let why = match facts.variables().map(|variables| delay_of(variables)) {
            Some(Delay::Unset) => "; OTEL_BSP_SCHEDULE_DELAY is not set, which means 5 s".to_owned(),
            Some(Delay::Set(_, name)) => format!("; {name} decides it"),
            Some(Delay::Immediate) | None => String::new(),
        };
        Finding::attention(Cause::Late, "target.delay", format!("its spans come up to {} after their end{why}", told(lag)))
            .fix("export OTEL_BSP_SCHEDULE_DELAY=50 OTEL_BSP_SCHEDULE_DELAY_MILLIS=50")
            .detail("longest_ms", lag)
    })
}

fn unnamed(measured: &Measured) -> Option<Finding> {
    let service = &measured.span.as_ref()?.service;
    service.starts_with("unknown_service").then(|| {
        Finding::attention(Cause::Aside, "target.name", format!("it has no name: its spans come as `{service}`"))
            .fix("export OTEL_SERVICE_NAME=<name>")
    })
}

/// Several processes that send under one name at the same time. One that ended before the other began was restarted.
fn shared_name(measured: &Measured) -> Option<Finding> {
    let service = match &measured.span {
        Some(span) => span.service.clone(),
        None => measured.senders.first()?.service.clone(),
    };
    let recent = |sender: &&Sender| measured.now_ns.saturating_sub(sender.bounds().1) <= RECENT_NS;
    let there: Vec<_> = measured.senders.iter().filter(|sender| sender.service == service).filter(recent).collect();
    let overlap = |one: &Sender, other: &Sender| {
        let (one, other) = (one.bounds(), other.bounds());
        one.0 <= other.1 && other.0 <= one.1
    };
    // Beside the one that answered now, not beside one that a restart has replaced.
    let newest = there.iter().max_by_key(|sender| sender.bounds().1)?;
    let at_once: Vec<_> = there.iter().filter(|other| overlap(newest, other)).collect();
    (at_once.len() > 1).then(|| {
        let who: Vec<_> = at_once.iter().map(|sender| identity(sender)).collect();
        let words = format!("{} processes send as {service} at the same time: {}", at_once.len(), who.join(", "));
        Finding::attention(Cause::Aside, "target.instances", words)
            .fix("give each service an OTEL_SERVICE_NAME of its own, or stop the one that is left over")
            .detail("instances", at_once.len())
    })
}

fn identity(sender: &Sender) -> String {
    let pid = sender.pid.map(|pid| format!("pid {pid}"));
    let instance = (!sender.instance.is_empty()).then(|| format!("instance {}", sender.instance));
    let host = (!sender.host.is_empty()).then(|| format!("host {}", sender.host));
    pid.or(instance).or(host).unwrap_or_else(|| "one without an id".to_owned())
}

fn clock(ahead: i64) -> Finding {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let words = format!("its clock is {} s {way} this machine's: signed times may be refused, and spans lie apart", ahead.abs());
    Finding::attention(Cause::Aside, "target.clock", words).fix("set its clock by NTP").detail("ahead_s", ahead)
}

/// `52 ms`, `4.9 s`.
pub(super) fn told(millis: u64) -> String {
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", millis as f64 / 1000.0) }
}
