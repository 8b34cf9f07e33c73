//! Every span of the ledger, read back from the store by id and compared with what was received.

use devstack::{
    client::{LedgerClient, StoreAddress, StoreClient, StoreKind, loopback},
    model::TraceId,
    support::address::Address,
};
use serde_json::Value as Json;

use super::project::text;

/// Compares all traces of a run. Gives the number of spans.
pub(super) async fn read_back(note: &Json, report: &Json) -> usize {
    let ledger = LedgerClient::new(loopback().unwrap(), text(&note["ledger"]));
    let kind: StoreKind = serde_json::from_value(note["store"]["kind"].clone()).unwrap();
    let at = Address::plain(text(&note["store"]["at"]["url"]));
    let store = StoreClient::new(&StoreAddress { kind, at }).unwrap();
    let mut spans = 0;
    for case in report["cases"].as_array().unwrap() {
        let id = TraceId::parse(text(&case["trace_id"])).unwrap();
        let received = ledger.view(id).await.unwrap();
        assert_eq!((received.evicted, &case["stored"]), (0, &expected(received.arrivals.len())), "{}", case["id"]);
        if received.arrivals.is_empty() {
            continue;
        }
        let stored = store.trace(id).await.unwrap().unwrap_or_default();
        assert_eq!(stored.spans().len(), received.arrivals.len(), "{}: nothing more and nothing less", case["id"]);
        for arrival in &received.arrivals {
            assert_eq!(stored.get(arrival.span.span_id), Some(&arrival.span), "{}", case["id"]);
        }
        spans += received.arrivals.len();
    }
    spans
}

/// What the witness says of a trace of which all is stored.
fn expected(spans: usize) -> Json {
    if spans == 0 { Json::Null } else { Json::from(vec![spans, spans]) }
}
