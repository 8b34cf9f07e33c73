//! `judge: stored`: the verdict rests on what the store shows by trace id, and on no better evidence than *quiet*.

use std::time::Duration;

use devstack::check::{CaseReport, Evidence, Grounds, Judge, Verdict};

use super::refusing;
use crate::stage::{REQUEST, Stage};

/// Nobody listens there: the ledger must not be asked.
const NO_LEDGER: &str = "http://127.0.0.1:1";

async fn judged(fixture: &str, change: impl FnOnce(&mut Grounds)) -> CaseReport {
    let stage = Stage::open().await;
    let otlp = stage.otlp.clone();
    let fixture = format!("name: x\n{fixture}");
    let change = |grounds: &mut Grounds| {
        grounds.judge = Judge::Stored;
        NO_LEDGER.clone_into(&mut grounds.ledger);
        grounds.flush = Duration::from_millis(100);
        change(grounds);
    };
    stage.judged(&fixture, &otlp, change).await.cases.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_shows_is_judged_on_quiet() {
    let case = judged(&format!("{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n"), |_| {}).await;
    assert_eq!((case.verdict, case.evidence), (Verdict::Held, Evidence::Quiet), "{:#?}", case.findings);
    assert_eq!((case.spans, case.stored), (1, Some((3, 3))));
    let case = judged(&format!("deadline: 2s\n{REQUEST}trace: [{{ server: GET /other }}]\n"), |_| {}).await;
    assert_eq!(case.verdict, Verdict::Failed, "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_proves_nothing() {
    let silent = format!("deadline: 1s\n{}trace: none\n", REQUEST.replace("200", "404").replace("/page", "/nothing-here"));
    let case = judged(&silent, |_| {}).await;
    assert_eq!((case.verdict, case.evidence), (Verdict::Unobserved, Evidence::Arrived), "{:#?}", case.findings);
    let more = format!("deadline: 1s\nevidence: barrier\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n");
    let case = judged(&more, |_| {}).await;
    assert_eq!(case.verdict, Verdict::Undecided, "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_the_services_own_cannot_be_found() {
    let request = "request: { path: /page, service: stranger, traceparent: none }\nresponse: 200\n";
    let case = judged(&format!("{request}trace: [{{ server: GET /page }}]\n"), |_| {}).await;
    assert_eq!(case.verdict, Verdict::Unobserved, "{:#?}", case.findings);
    assert!(case.findings[0].details[0].contains("none by correlation id"), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_read_is_no_empty_trace() {
    let store = refusing().await;
    let fixture = format!("deadline: 500ms\n{REQUEST}trace: none\n");
    let case = judged(&fixture, |grounds| grounds.store = Some(store)).await;
    assert_eq!((case.verdict, case.findings[0].code.as_str()), (Verdict::Broken, "case.ledger"), "{:#?}", case.findings);
    assert!(case.findings[0].details[0].contains("answered 503: not now"), "{:#?}", case.findings);
    let case = judged(&fixture, |grounds| grounds.store = None).await;
    assert_eq!((case.verdict, case.findings[0].code.as_str()), (Verdict::Broken, "case.store"), "{:#?}", case.findings);
}
