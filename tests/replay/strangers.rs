//! A service that does not report its work: the judge has only what arrives, so that absence rests on *quiet*, and what lacks is waited for
//! until the deadline.

use std::time::Duration;

use devstack::check::{CaseReport, Evidence, Verdict};
use tokio::net::TcpListener;

use crate::stage::{REQUEST, Stage};

/// Runs one fixture against the stranger.
async fn judged(fixture: &str) -> CaseReport {
    let stage = Stage::open().await;
    let otlp = stage.otlp.clone();
    stage.judged(fixture, &otlp, |_| {}).await.cases.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_count_holds_on_quiet_and_says_so() {
    let case = judged(&format!("name: x\ndeadline: 30s\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n")).await;
    assert_eq!((case.verdict, case.evidence), (Verdict::Held, Evidence::Quiet), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lacks_is_waited_for_until_the_deadline_and_then_fails() {
    let case =
        judged(&format!("name: x\ndeadline: 8s\n{REQUEST}trace: [{{ server: GET /page }}, {{ client: db.SELECT }}]\n")).await;
    assert_eq!(case.verdict, Verdict::Failed, "{:#?}", case.findings);
    assert!(case.elapsed >= Duration::from_secs(8), "given up on quiet alone, after {:?}", case.elapsed);
    assert!(case.findings.iter().any(|finding| finding.headline.contains("db.SELECT")), "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_is_not_enough_where_more_is_demanded() {
    let case =
        judged(&format!("name: x\ndeadline: 7s\nevidence: drained\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n")).await;
    assert_eq!(case.verdict, Verdict::Undecided, "{:#?}", case.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be_read_is_no_empty_trace() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let stage = Stage::open().await;
    let otlp = stage.otlp.clone();
    let fixture = format!("name: x\ndeadline: 1s\n{REQUEST}trace: none\n");
    let case = stage.judged(&fixture, &otlp, |grounds| grounds.ledger = address).await.cases.remove(0);
    assert_eq!((case.verdict, case.findings[0].code.as_str()), (Verdict::Broken, "case.ledger"), "{:#?}", case.findings);
}
