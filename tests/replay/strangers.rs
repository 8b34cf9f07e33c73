//! A service that does not report its work: the judge has only what arrives, so that absence rests on *quiet*, and what lacks is waited for
//! until the deadline.

use std::time::Duration;

use devstack::check::{CaseReport, Evidence, SDK_DELAY, Verdict};
use tokio::net::TcpListener;

use crate::stage::{REQUEST, Stage};

/// Runs one fixture against the stranger.
async fn judged(fixture: &str) -> CaseReport {
    judged_with(fixture, SDK_DELAY).await
}

/// The same, where such services are taken to export after `flush`.
async fn judged_with(fixture: &str, flush: Duration) -> CaseReport {
    let stage = Stage::open().await;
    let otlp = stage.otlp.clone();
    stage.judged(fixture, &otlp, |grounds| grounds.flush = flush).await.cases.remove(0)
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
        judged(&format!("name: x\ndeadline: 12s\nevidence: drained\n{REQUEST}trace: [{{ server: GET /page, count: 1 }}]\n"))
            .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_context_is_named_without_any_correlation_id() {
    let fixture = "name: x\ndeadline: 2s\nrequest: { path: /lossy, service: stranger }\nedges: [stranger -> worker]\n";
    let case = judged_with(fixture, Duration::from_millis(100)).await;
    assert_eq!(case.verdict, Verdict::Failed, "{:#?}", case.findings);
    let cause = &case.findings[0];
    assert_eq!(cause.code, "cause.context-lost", "{:#?}", case.findings);
    assert!(cause.headline.contains("lost between stranger and worker"), "{cause:#?}");
    assert!(cause.details.iter().any(|detail| detail.contains("`POST` of stranger")), "{cause:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complete_when_ends_the_waiting_and_makes_what_lacks_a_failure_at_once() {
    let fixture = |trace: &str| {
        format!(
            "name: x\ndeadline: 60s\n{REQUEST}complete_when: [{{ server: GET /page }}]\ntrace: [{{ server: GET /page }}{trace}]\n"
        )
    };
    let held = judged_with(&fixture(""), Duration::from_millis(100)).await;
    assert_eq!((held.verdict, held.evidence), (Verdict::Held, Evidence::Complete), "{:#?}", held.findings);
    let failed = judged_with(&fixture(", { client: db.SELECT }"), Duration::from_millis(100)).await;
    assert_eq!((failed.verdict, failed.evidence), (Verdict::Failed, Evidence::Complete), "{:#?}", failed.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_proved_by_a_control_request_or_it_is_no_pass() {
    let request = "request: { path: /page, service: stranger, traceparent: unsampled }\n";
    let none = format!("name: x\ndeadline: 8s\n{request}trace: none\n");
    let silent = judged_with(&none, Duration::from_millis(100)).await;
    assert_eq!((silent.verdict, silent.evidence), (Verdict::Held, Evidence::Barrier), "{:#?}", silent.findings);
    let cut_short = judged(&none).await;
    assert_eq!((cut_short.verdict, cut_short.evidence), (Verdict::Undecided, Evidence::Arrived), "{:#?}", cut_short.findings);

    let stage = Stage::open().await;
    let nobody = Stage::open().await;
    let elsewhere = nobody.otlp.clone();
    let fixture = format!("name: x\ndeadline: 2s\n{request}trace: none\n");
    let mute = stage.judged(&fixture, &elsewhere, |_| {}).await.cases.remove(0);
    assert_eq!(mute.verdict, Verdict::Unobserved, "{:#?}", mute.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_that_comes_after_the_control_requests_own_breaks_the_silence() {
    let request = "request: { path: /background, service: stranger, traceparent: unsampled }\n";
    let case = judged(&format!("name: x\ndeadline: 30s\n{request}trace: none\n")).await;
    assert_eq!((case.verdict, case.spans), (Verdict::Failed, 1), "{:#?}", case.findings);
}
