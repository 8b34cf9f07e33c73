//! A stack for one example: the settings to export to it, and what arrived there, by its ledger and by `devstack trace` and `tail`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use devstack::{
    client::{self, LedgerClient},
    model::{Span, SpanId, SpanKind, TraceId},
    support::poll::Poll,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value as Json;
use sha2::Sha256;

use crate::{tail::Tail, up::stand::Stand};

/// An SDK that was told to hurry has exported in this time, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// So long that nothing but the end of a service makes it export.
const NEVER: &str = "600000";

/// An embedded stack that goes when the test ends.
pub(crate) struct Stack {
    pub(crate) stand: Stand,
    note: Json,
    ledger: LedgerClient,
}

/// The one trace of a webhook: what a sender's `traceparent` says.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

/// A span as far as its place in the trace goes: service, kind, name, and the name of its parent where that is in the trace.
pub(crate) type Place<'a> = (&'a str, SpanKind, &'a str, Option<&'a str>);

impl Stack {
    pub(crate) fn up() -> Self {
        let stand = Stand::new();
        let note = stand.up(&["--runtime", "embedded"])["note"].clone();
        let ledger = LedgerClient::new(client::loopback().unwrap(), note["ledger"].as_str().unwrap());
        Self { stand, note, ledger }
    }

    /// What `devstack env` says, for another protocol where it is not the one.
    pub(crate) fn settings(&self, protocol: &str) -> BTreeMap<String, String> {
        let run = self.stand.run(&["env", "--format", "json"]);
        let said: Json = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("env says JSON: {} {}", run.out, run.err));
        let mut settings: BTreeMap<String, String> = serde_json::from_value(said["env"].clone()).unwrap();
        if protocol == "grpc" {
            settings.insert("OTEL_EXPORTER_OTLP_ENDPOINT".into(), self.note["otlp_grpc"].as_str().unwrap().into());
        }
        settings.insert("OTEL_EXPORTER_OTLP_PROTOCOL".into(), protocol.into());
        settings
    }

    /// The same, but nothing is exported before a service ends.
    pub(crate) fn settings_of_silence(&self, protocol: &str) -> BTreeMap<String, String> {
        let mut settings = self.settings(protocol);
        for name in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_SCHEDULE_DELAY_MILLIS", "OTEL_METRIC_EXPORT_INTERVAL"] {
            settings.insert(name.into(), NEVER.into());
        }
        settings
    }

    /// A `devstack tail` that ends after so many lines.
    pub(crate) fn tail(&self, lines: &str) -> Tail {
        Tail::start(&self.stand, &["-n", lines, "--format", "json"])
    }

    /// The spans of a trace, once there are so many; each came once.
    pub(crate) async fn spans(&self, sent: Sent, count: usize) -> Vec<Arc<Span>> {
        let mut poll = Poll::until(PATIENCE);
        loop {
            let view = self.ledger.view(sent.trace).await.unwrap();
            if view.arrivals.len() >= count {
                assert!(view.arrivals.iter().all(|arrival| arrival.resent == 0), "{view:#?}");
                return view.arrivals.into_iter().map(|arrival| arrival.span).collect();
            }
            assert!(poll.again().await, "{} of {count} spans arrived: {:#?}", view.arrivals.len(), view.arrivals);
        }
    }

    /// What the series of this name counted, by the values of their attributes, once one of them was exported.
    pub(crate) async fn counted(&self, metric: &str) -> BTreeMap<String, f64> {
        let mut poll = Poll::until(PATIENCE);
        loop {
            let list = self.ledger.metrics(Some(metric)).await.unwrap();
            let numbers = list.series.iter().map(|arrival| {
                let series = &arrival.point.series;
                let values = series.attributes.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ");
                (values, arrival.point.value.number().expect("a counter has a number"))
            });
            // The same series of two processes, before and after a restart, is summed.
            let mut counted = BTreeMap::new();
            for (values, number) in numbers {
                *counted.entry(values).or_default() += number;
            }
            if !counted.is_empty() {
                return counted;
            }
            assert!(poll.again().await, "no point of `{metric}` arrived");
        }
    }

    /// The trace as `devstack trace` shows it.
    pub(crate) fn shown(&self, sent: Sent) -> Json {
        let run = self.stand.run(&["trace", &sent.trace.to_string(), "--format", "json"]);
        assert_eq!(run.code, 0, "{}", run.err);
        serde_json::from_str::<Json>(&run.out).unwrap()["traces"][0].clone()
    }

    /// The counters of the receiver, of which none of what is bad may have moved.
    pub(crate) fn traffic(&self) -> Json {
        let traffic = self.stand.status()["traffic"].clone();
        for bad in
            [&traffic["unreadable"], &traffic["turned_away"], &traffic["spans"]["rejected"], &traffic["points"]["rejected"]]
        {
            assert_eq!(bad, 0, "{traffic:#}");
        }
        traffic
    }
}

impl Sent {
    pub(crate) fn new() -> Self {
        Self { trace: TraceId::random(), span: SpanId::random() }
    }

    pub(crate) fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace, self.span)
    }

    /// The places of the spans, sorted. There is one root, which hangs below the sender, and no span twice.
    pub(crate) fn whole(self, spans: &[Arc<Span>]) -> Vec<Place<'_>> {
        let by_id: BTreeMap<SpanId, &str> = spans.iter().map(|span| (span.span_id, span.name.as_str())).collect();
        assert_eq!(by_id.len(), spans.len(), "a span id came twice: {spans:#?}");
        let parent = |span: &Span| span.parent_id.and_then(|id| by_id.get(&id).copied());
        let roots: Vec<_> = spans.iter().filter(|span| parent(span).is_none()).map(|span| span.parent_id).collect();
        assert_eq!(roots, [Some(self.span)], "one root, below the sender: {spans:#?}");
        let mut places: Vec<Place<'_>> =
            spans.iter().map(|span| (service(span), span.kind, span.name.as_str(), parent(span))).collect();
        places.sort_by_key(|(service, kind, name, _)| (*service, format!("{kind:?}"), *name));
        places
    }
}

pub(crate) fn service(span: &Span) -> &str {
    span.resource.attributes.text("service.name").unwrap_or_default()
}

/// HMAC-SHA256 of all parts.
pub(crate) fn hmac(secret: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
