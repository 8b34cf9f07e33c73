//! What counters of devstack's receiver, a collector, Tempo and Jaeger say of lost spans, in sentences.
//!
//! Read by [`super::Hops`]. The names are those of collector 0.158, Tempo 3.0 and Jaeger 2.13; many of them appear only with their first
//! event, so that what is absent is zero.

use std::collections::BTreeSet;

use super::{HopAddress, HopKind};
use crate::{
    client::Counters,
    model::{Flow, Traffic},
    support::words::{capitalised, counted},
};

/// Spans that an exporter of a collector has sent.
const SENT: &str = "otelcol_exporter_sent_spans";

/// What a hop counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Counted {
    /// devstack's receiver.
    Traffic(Traffic),
    /// Everyone else.
    Counters(Counters),
}

/// How surely a sentence explains a loss, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gravity {
    /// Gone.
    Lost,
    /// Still there, not passed on.
    Held,
    /// Fewer came than were sent.
    Gap,
    /// Refused: whoever sent it may have sent it again.
    Refused,
}

/// A sentence about a hop.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) Gravity, pub(super) String);

impl Counted {
    /// What was added since then; everything where nothing is known of then.
    pub(super) fn since(&self, before: Option<&Self>) -> Self {
        match (self, before) {
            (Self::Traffic(now), Some(Self::Traffic(before))) => {
                let (now_spans, before) = (now.spans, before.spans);
                let spans = Flow {
                    received: now_spans.received.saturating_sub(before.received),
                    passed_on: now_spans.passed_on.saturating_sub(before.passed_on),
                    refused: now_spans.refused.saturating_sub(before.refused),
                    rejected: now_spans.rejected.saturating_sub(before.rejected),
                };
                Self::Traffic(Traffic { spans, ..now.clone() })
            }
            (Self::Counters(now), Some(Self::Counters(before))) => Self::Counters(now.since(before)),
            _ => self.clone(),
        }
    }
}

/// What a hop says of losses: from what was `added` to its counters, and from what stands there `now`.
pub(super) fn words(hop: &HopAddress, added: &Counted, now: &Counted) -> Vec<Word> {
    match (added, now) {
        (Counted::Traffic(added), _) => of_receiver(added),
        (Counted::Counters(added), Counted::Counters(now)) => match hop.kind {
            HopKind::Tempo => of_tempo(added),
            HopKind::Jaeger => of_jaeger(added),
            HopKind::Collector | HopKind::Receiver => of_collector(added, now),
        },
        (Counted::Counters(_), Counted::Traffic(_)) => Vec::new(),
    }
}

/// Whether fewer spans came to a hop than the one before it sent. More prove nothing, because others send there, too.
pub(super) fn gap(from: &HopAddress, sent: &Counted, to: &HopAddress, received: &Counted) -> Option<String> {
    let Counted::Counters(received) = received else { return None };
    let (sent, transport) = match sent {
        Counted::Traffic(traffic) => (traffic.spans.passed_on, None),
        Counted::Counters(counters) => sent_to(counters, &to.name),
    };
    let maker = if to.kind == HopKind::Tempo { "tempo" } else { "otelcol" };
    let transport: Vec<_> = transport.map(|transport| ("transport", transport)).into_iter().collect();
    let with = |what: &str| received.sum(&format!("{maker}_receiver_{what}_spans"), &transport);
    let came = with("accepted") + with("refused");
    (came < sent).then(|| {
        let (from, to) = (capitalised(from.called()), to.called());
        format!("{from} sent {} on, and {to} counted {came}: they went elsewhere.", spans(sent))
    })
}

/// What went out by exporters named after the next hop, or else by whichever sent most; and how it travelled, where that is known. Jaeger
/// sends spans of its own to itself by gRPC: what comes by HTTP is told apart from them.
fn sent_to<'a>(counters: &'a Counters, next: &str) -> (u64, Option<&'a str>) {
    let sent = |exporter: &str| {
        let http = counters.of(SENT).any(|sent| sent.label("exporter") == Some(exporter) && sent.label("url_path").is_some());
        (counters.sum(SENT, &[("exporter", exporter)]), http.then_some("http"))
    };
    let exporters = labels_of(counters, SENT, "exporter");
    let named = exporters.iter().filter(|exporter| exporter.contains(next)).map(|exporter| sent(exporter)).max();
    named.or_else(|| exporters.iter().map(|exporter| sent(exporter)).max()).unwrap_or_default()
}

fn of_receiver(added: &Traffic) -> Vec<Word> {
    let mut words = Vec::new();
    if added.spans.refused > 0 {
        let why = added.last_problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
        words.push(Word(Gravity::Refused, format!("Devstack's receiver could not pass on {}{why}.", spans(added.spans.refused))));
    }
    words
}

fn of_collector(added: &Counters, now: &Counters) -> Vec<Word> {
    let mut words = given_up(added);
    for exporter in labels_of(added, "otelcol_exporter_enqueue_failed_spans", "exporter") {
        let dropped = added.sum("otelcol_exporter_enqueue_failed_spans", &[("exporter", &exporter)]);
        if dropped > 0 {
            words.push(Word(
                Gravity::Lost,
                format!("The collector dropped {}: the queue of `{exporter}` is full.", spans(dropped)),
            ));
        }
    }
    words.extend(processed(added));
    words.extend(sampled_out(added));
    words.extend(held(now));
    if words.is_empty() {
        words.extend(vanished(added));
    }
    let refused = added.sum("otelcol_receiver_refused_spans", &[]) + added.sum("otelcol_receiver_failed_spans", &[]);
    if refused > 0 {
        let limiter = added.sum("otelcol_processor_memory_limiter_refused_spans", &[]) > 0;
        let why = if limiter { ": its memory limiter stepped in" } else { "" };
        words.push(Word(Gravity::Refused, format!("The collector refused {}{why}.", spans(refused))));
    }
    words
}

/// Exports that failed for good, an exporter and server at a time.
fn given_up(added: &Counters) -> Vec<Word> {
    let failures = added.of("otelcol_exporter_send_failed_spans").filter(|counter| counter.value >= 1.0);
    let word = |failure: &crate::client::Counter| {
        let exporter = failure.label("exporter").unwrap_or("an exporter");
        let server = match (failure.label("server_address"), failure.label("server_port")) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            _ => format!("`{exporter}`"),
        };
        let how = match failure.label("error_permanent") {
            Some("true") => "the answer was no, for good",
            _ => "it has given up",
        };
        let what = failure.label("error_type").filter(|kind| !matches!(*kind, "" | "_OTHER"));
        let what = what.map(|kind| format!(", {kind}")).unwrap_or_default();
        let number = spans(failure.value as u64);
        Word(Gravity::Lost, format!("The collector could not send {number} to {server}: {how}{what} (exporter `{exporter}`)."))
    };
    failures.map(word).collect()
}

/// Processors that let go of fewer spans than they took in. What the memory limiter keeps out is refused, not lost.
fn processed(added: &Counters) -> Vec<Word> {
    let of_traces = |name: &str, processor: &str| added.sum(name, &[("processor", processor), ("otel_signal", "traces")]);
    let processors = labels_of(added, "otelcol_processor_incoming_items", "processor");
    let mut words = Vec::new();
    for processor in processors.iter().filter(|processor| !processor.starts_with("memory_limiter")) {
        let taken = of_traces("otelcol_processor_incoming_items", processor);
        let left = of_traces("otelcol_processor_outgoing_items", processor);
        if left < taken {
            words.push(Word(
                Gravity::Lost,
                format!("The collector's processor `{processor}` took in {} and let {left} go.", spans(taken)),
            ));
        }
    }
    words
}

/// Traces that tail sampling let go of. It counts no spans, and not among the items of processors.
fn sampled_out(added: &Counters) -> Option<Word> {
    let dropped = added.sum("otelcol_processor_tail_sampling_global_count_traces_sampled", &[("sampled", "false")]) as usize;
    let traces = || counted(dropped, "trace", "traces");
    (dropped > 0).then(|| Word(Gravity::Lost, format!("The collector's tail sampling kept nothing of {}.", traces())))
}

/// Fewer spans left by any exporter than came in, and nothing else says why: some processors count nothing.
fn vanished(added: &Counters) -> Option<Word> {
    let taken = added.sum("otelcol_receiver_accepted_spans", &[]);
    let exporters = labels_of(added, SENT, "exporter");
    let sent = exporters.iter().map(|exporter| added.sum(SENT, &[("exporter", exporter)])).max().unwrap_or_default();
    let words = || format!("The collector took in {} and sent {sent} on; none of its counters says why.", spans(taken));
    (sent < taken).then(|| Word(Gravity::Gap, words()))
}

/// Spans that wait in the collector now, an exporter at a time. Their number is known only where the collector counts in detail; the queue
/// itself counts requests.
fn held(now: &Counters) -> Vec<Word> {
    let mut words = Vec::new();
    for exporter in labels_of(now, "otelcol_exporter_queue_size", "exporter") {
        let of = |name: &str| now.sum(name, &[("exporter", &exporter)]);
        let requests = now.sum("otelcol_exporter_queue_size", &[("exporter", &exporter), ("data_type", "traces")]);
        if requests == 0 {
            continue;
        }
        let done = of("otelcol_exporter_sent_spans") + of("otelcol_exporter_send_failed_spans");
        let what = match of("otelcol_exporter_queue_batch_send_size_sum").saturating_sub(done) {
            0 => counted(requests as usize, "request", "requests"),
            waiting => spans(waiting),
        };
        words.push(Word(Gravity::Held, format!("The collector still holds {what} in its queue for `{exporter}`.")));
    }
    words
}

fn of_tempo(added: &Counters) -> Vec<Word> {
    let mut words = Vec::new();
    for reason in labels_of(added, "tempo_discarded_spans", "reason") {
        let discarded = added.sum("tempo_discarded_spans", &[("reason", &reason)]);
        if discarded > 0 {
            words.push(Word(Gravity::Lost, format!("Tempo discarded {}: reason `{reason}`.", spans(discarded))));
        }
    }
    let refused = added.sum("tempo_receiver_refused_spans", &[]);
    if refused > 0 {
        words.push(Word(Gravity::Refused, format!("Tempo refused {}.", spans(refused))));
    }
    words
}

/// Jaeger is built like a collector whose only exporter is its store.
fn of_jaeger(added: &Counters) -> Vec<Word> {
    let mut words = Vec::new();
    let unwritten = added.sum("otelcol_exporter_send_failed_spans", &[]);
    if unwritten > 0 {
        words.push(Word(Gravity::Lost, format!("Jaeger could not write {} to its storage.", spans(unwritten))));
    }
    let refused = added.sum("otelcol_receiver_refused_spans", &[]);
    if refused > 0 {
        words.push(Word(Gravity::Refused, format!("Jaeger refused {}.", spans(refused))));
    }
    words
}

/// The values that a label has among the series of a counter, sorted.
fn labels_of(counters: &Counters, name: &str, label: &str) -> BTreeSet<String> {
    counters.of(name).filter_map(|counter| counter.label(label)).map(str::to_owned).collect()
}

fn spans(number: u64) -> String {
    counted(number as usize, "span", "spans")
}
