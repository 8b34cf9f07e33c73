//! The witness: what was received is read back from the store, and what is not there is named with the hop that lost it.

mod hops;
mod stored;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use devstack::{
    check::{CaseReport, Grounds, RunReport, Stored, Verdict},
    client::{StoreAddress, StoreClient, StoreKind},
    model::{TraceId, tempo::TraceById},
    support::address::Address,
};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use crate::stage::{REQUEST, Stage, serve};

/// A stand-in before a real store, which hides some of its spans for some time.
#[derive(Clone)]
struct StandIn {
    store: StoreClient,
    hides: fn(&str) -> bool,
    /// How many answers hide them.
    answers: Arc<AtomicUsize>,
}

async fn answer(State(stand_in): State<StandIn>, Path(id): Path<String>) -> Response {
    let trace = stand_in.store.trace(TraceId::parse(&id).unwrap()).await.unwrap().unwrap_or_default();
    let hiding = stand_in.answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let shown = trace.spans().iter().filter(|span| !hiding || !(stand_in.hides)(&span.name));
    TraceById::new(shown.map(AsRef::as_ref)).encode_to_vec().into_response()
}

/// Runs a fixture whose store is a stand-in that hides spans in so many answers.
async fn judged(trace: &str, hides: fn(&str) -> bool, answers: usize, change: impl FnOnce(&mut Grounds)) -> RunReport {
    let stage = Stage::open().await;
    let stand_in =
        StandIn { store: StoreClient::new(&stage.store()).unwrap(), hides, answers: Arc::new(AtomicUsize::new(answers)) };
    let router = Router::new().route("/api/v2/traces/{id}", get(answer)).with_state(stand_in);
    let (url, _) = serve(router, CancellationToken::new()).await;
    let otlp = stage.otlp.clone();
    let fixture = format!("name: x\ndeadline: 20s\n{REQUEST}trace: {trace}\n");
    stage
        .judged(&fixture, &otlp, |grounds| {
            grounds.store = Some(StoreAddress { kind: StoreKind::Tempo, at: Address::plain(url) });
            grounds.flush = Duration::from_millis(50);
            grounds.store_patience = Duration::from_millis(400);
            change(grounds);
        })
        .await
}

const HOLDS: &str = "[{ server: GET /page, count: 1 }]";

fn only(report: &RunReport) -> &CaseReport {
    &report.cases[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_all_there_holds_and_is_counted_with_devstacks_own_spans() {
    let report = judged(HOLDS, |_| true, 0, |_| {}).await;
    assert_eq!((only(&report).verdict, only(&report).stored), (Verdict::Held, Some((3, 3))), "{:#?}", only(&report).findings);
    assert_eq!(report.stored, Some(Stored { found: 3, of: 3, apart: true }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_is_waited_for() {
    let report = judged(HOLDS, |_| true, 3, |grounds| grounds.store_patience = Duration::from_mins(1)).await;
    assert_eq!((only(&report).verdict, only(&report).stored), (Verdict::Held, Some((3, 3))), "{:#?}", only(&report).findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_comes_breaks_a_case_that_held() {
    let report = judged(HOLDS, |name| name == "GET /page", usize::MAX, |_| {}).await;
    let case = only(&report);
    assert_eq!((case.verdict, case.stored), (Verdict::Broken, Some((2, 3))));
    assert_eq!(report.stored, Some(Stored { found: 2, of: 3, apart: true }));
    let lost = &case.findings[0];
    assert_eq!((lost.code.as_str(), lost.headline.as_str()), ("witness.lost", "Tempo has 2 of the 3 spans of this trace."));
    assert_eq!(lost.details, ["Not there: `GET /page` of stranger.", "Nothing on the way there counts what goes through it."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_failed_stays_failed_and_says_both() {
    let report = judged("[{ server: GET /page, count: 2 }]", |_| true, usize::MAX, |_| {}).await;
    let case = only(&report);
    assert_eq!((case.verdict, case.stored), (Verdict::Failed, Some((0, 3))));
    let codes: Vec<_> = case.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!((codes[0], *codes.last().unwrap()), ("expect.count", "witness.lost"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_answer_is_told_from_one_that_has_nothing() {
    let nowhere = StoreAddress { kind: StoreKind::Jaeger, at: Address::plain("http://127.0.0.1:1") };
    let report = judged(HOLDS, |_| true, 0, |grounds| grounds.store = Some(nowhere)).await;
    let case = only(&report);
    assert_eq!((case.verdict, case.stored, case.findings[0].code.as_str()), (Verdict::Broken, Some((0, 3)), "witness.unheard"));
    assert!(case.findings[0].details[0].contains("refused"), "{:#?}", case.findings);

    let untold = judged(HOLDS, |_| true, 0, |grounds| grounds.store = None).await;
    assert_eq!((only(&untold).verdict, only(&untold).stored, untold.stored), (Verdict::Held, None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_whose_spans_come_late_does_not_hold_the_only_job() {
    let mut stage = Stage::open().await;
    (stage.repeat, stage.jobs) = (2, Some(1));
    // The first trace is shown once the second is asked for, which a witness that held the job would never let happen.
    let asked = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let store = StoreClient::new(&stage.store()).unwrap();
    let answer = move |Path(id): Path<String>| async move {
        let both = {
            let mut asked = asked.lock().unwrap();
            asked.insert(id.clone());
            asked.len() == 2
        };
        let trace = store.trace(TraceId::parse(&id).unwrap()).await.unwrap().filter(|_| both).unwrap_or_default();
        TraceById::new(trace.spans().iter().map(AsRef::as_ref)).encode_to_vec()
    };
    let (url, _) = serve(Router::new().route("/api/v2/traces/{id}", get(answer)), CancellationToken::new()).await;
    let otlp = stage.otlp.clone();
    let fixture = format!("name: x\ndeadline: 20s\n{REQUEST}trace: {HOLDS}\n");
    let report = stage.judged(&fixture, &otlp, |grounds| {
        grounds.store = Some(StoreAddress { kind: StoreKind::Tempo, at: Address::plain(url) });
        grounds.flush = Duration::from_millis(50);
        grounds.store_patience = Duration::from_secs(20);
    });
    let report = report.await;
    assert_eq!(report.stored, Some(Stored { found: 6, of: 6, apart: true }), "{:#?}", report.cases);
}

/// A store that answers no to everyone, for those who rest on it.
async fn refusing() -> StoreAddress {
    let router = Router::new().fallback(|| async { (StatusCode::SERVICE_UNAVAILABLE, "not now") });
    let (url, _) = serve(router, CancellationToken::new()).await;
    StoreAddress { kind: StoreKind::Tempo, at: Address::plain(url) }
}
