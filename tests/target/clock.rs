//! Pace and clocks: a rate holds requests back and costs no case its time, and deliveries are dated by the target's clock once it is known.

use super::{
    PAYMENT, case, replay, sentences,
    service::{Behaviour, Service},
    stage,
};

/// When a Stripe delivery says that it was signed.
fn signed_at(signature: &str) -> i64 {
    signature.split(',').find_map(|part| part.strip_prefix("t=")).expect("a time").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_waits_for_its_turn_has_its_whole_deadline() {
    let fixture = format!("name: a payment\ndeadline: 1s\n{PAYMENT}response: 200\n");
    let (stand, _otlp) = stage(&[("a.yaml", &fixture), ("b.yaml", &fixture), ("suite.yaml", "rate: 60/m\n")]).await;
    let service = Service::start(Behaviour::answers("500 Oops"), None).await;
    // Two turns of two seconds: the command line's rate goes before the suite's.
    let (_stand, run, report) = replay(stand, &["--target", &service.url, "--rate", "30/m"]).await;
    assert_eq!((run.code, service.hits().len()), (1, 2), "{report:#}");
    for id in ["a", "b"] {
        let case = case(&report, id);
        assert!(sentences(case).contains("The service answered 500"), "the wait was counted as the case's: {case:#}");
        assert!(case["elapsed_ms"].as_f64().unwrap() < 2000.0, "{case:#}");
    }
    assert!(report["elapsed_ms"].as_f64().unwrap() >= 2000.0, "nothing was held back: {report:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_follow_the_targets_clock_and_the_first_says_why_it_was_refused() {
    let fixture =
        format!("name: two payments\ndeadline: 1s\nsteps:\n  - {PAYMENT}    response: 200\n  - {PAYMENT}    response: 401\n");
    let (stand, _otlp) = stage(&[("pay.yaml", &fixture)]).await;
    let service = Service::with_clock(Behaviour::answers("401 Unauthorized"), None, 300).await;
    let (_stand, run, report) = replay(stand, &["--target", &service.url]).await;
    let hits = service.hits();
    let times: Vec<i64> = hits.iter().map(|hit| signed_at(hit.header("stripe-signature"))).collect();
    assert_eq!((run.code, times.len()), (1, 2), "{report:#}");
    // The clock is known to a second, and the run may take some of its own.
    assert!((298..=330).contains(&(times[1] - times[0])), "{times:?}");
    let body: serde_json::Value = serde_json::from_slice(&hits[1].body).unwrap();
    assert!(body["created"].as_i64().unwrap() > times[0] + 200, "the body is dated by it too: {body:#}");
    let said = sentences(case(&report, "pay"));
    assert!(said.contains("The target's clock is 5 min ahead of this machine's"), "{said}");
    assert!(said.contains("because the target's was not known yet"), "{said}");
    assert_eq!(said.matches("The target's clock").count(), 1, "only what was dated by another clock: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_says_isolated_is_alone_on_a_target() {
    let slow = |path: &str, more: &str| {
        format!("name: x\ndeadline: 3s\n{more}request: {{ path: {path}, method: POST }}\nresponse: 500\n")
    };
    let (alone, other) = (slow("/alone", "isolated: true\n"), slow("/other", ""));
    let fixtures = [("a.yaml", other.as_str()), ("b.yaml", &other), ("c.yaml", &alone), ("d.yaml", &other), ("e.yaml", &other)];
    let (stand, _otlp) = stage(&fixtures).await;
    let answer = Behaviour::Answers("500 Oops", "", std::time::Duration::from_millis(400));
    let service = Service::start(answer, None).await;
    let (_stand, _run, report) = replay(stand, &["--target", &service.url, "--jobs", "5"]).await;
    let hits = service.hits();
    assert_eq!(hits.len(), 5, "{report:#}");
    let most = |path: &str| hits.iter().filter(|hit| hit.path == path).map(|hit| hit.under_way).max();
    assert!(most("/other") > Some(1), "the others ran one by one: {hits:?}");
    assert_eq!(most("/alone"), Some(1), "{hits:?}");
    let at = hits.iter().position(|hit| hit.path == "/alone").unwrap();
    assert!(hits.get(at + 1).is_none_or(|next| next.under_way == 1), "another came while it was under way: {hits:?}");
}
