//! The receiver under load: many senders at once, many times what the ledger may hold. Too long for CI; `.ci/long` runs it.

use devstack::{
    backend::{Capacity, Config},
    client::loopback,
    model::TraceId,
};
use futures_util::future::join_all;
use prost::Message;

use super::{Running, request};

const SENDERS: u64 = 8;
const REQUESTS: u64 = 250;
const SPANS: u64 = 200;
/// A small part of what is sent.
const HELD: usize = 16 * 1024 * 1024;

/// Sends requests one after the other, each a trace of its own; the last trace.
async fn send(http: reqwest::Client, url: String, requests: u64) -> TraceId {
    let mut last = TraceId::random();
    for _ in 0..requests {
        last = TraceId::random();
        let ids: Vec<_> = (1..=SPANS).map(|span| (last.bytes().to_vec(), span.to_be_bytes().to_vec())).collect();
        let body = request(&ids).encode_to_vec();
        let answer = http.post(&url).header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().is_empty(), "a partial success: spans were rejected");
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "400 000 spans, for .ci/long"]
async fn under_load_every_span_is_kept_or_counted_and_the_bound_holds() {
    let capacity = Capacity { spans: HELD, ..Config::default().capacity };
    let running = Running::start(Config { capacity, ..Config::default() }).await;
    let http = loopback().unwrap();
    let url = format!("{}/v1/traces", running.http);
    let sending = (0..SENDERS).map(|_| tokio::spawn(send(http.clone(), url.clone(), REQUESTS)));
    assert!(join_all(sending).await.iter().all(Result::is_ok), "a sender was refused");
    let newest = send(http, url, 1).await;

    let held = running.ledger.usage().spans;
    assert_eq!(held.items + held.evicted, (SENDERS * REQUESTS + 1) * SPANS, "every span is held or was counted out");
    assert!(held.evicted > 0 && held.bytes <= HELD, "{held:?}");
    assert_eq!(running.arrived(newest) as u64, SPANS, "what came last is whole");
    running.stop().await;
}
