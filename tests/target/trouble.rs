//! Services that hang, close, break off, redirect, fail and limit: the right verdict and its words, and each request sent once.

use std::time::Duration;

use serde_json::Value as Json;

use super::{
    PAYMENT, case, replay, sentences,
    service::{Behaviour, Service},
    stage,
};

/// What came of one fixture.
struct Came {
    code: i32,
    case: Json,
    report: Json,
    /// Requests that the service saw.
    sent: usize,
}

/// Replays one fixture with this rest at a service of this behaviour, whose spans arrive.
async fn came_of(behaviour: Behaviour, rest: &str, args: &[&str]) -> Came {
    let fixture = format!("name: a payment\n{PAYMENT}{rest}");
    let (stand, otlp) = stage(&[("pay.yaml", &fixture)]).await;
    let service = Service::start(behaviour, Some(&otlp)).await;
    let all: Vec<&str> = ["--target", &service.url].into_iter().chain(args.iter().copied()).collect();
    let (_stand, run, report) = replay(stand, &all).await;
    assert_eq!(report["target"], service.url.as_str());
    assert!(report["stack"].as_str().unwrap().ends_with(&format!(" · {}", service.url)), "{report:#}");
    Came { code: run.code, case: case(&report, "pay").clone(), report, sent: service.hits().len() }
}

/// It failed, once sent, with this headline; its span was judged and is shown all the same.
#[track_caller]
fn failed(came: &Came, headline: &str) {
    let first = came.case["findings"][0]["headline"].as_str().unwrap();
    let said = sentences(&came.case);
    assert!(first.contains(headline), "nothing says `{headline}`:\n{said}");
    assert_eq!((came.code, came.case["verdict"].as_str(), came.sent), (1, Some("failed"), 1), "{said}");
    assert_eq!(came.case["spans"], 1, "the span that came is judged: {said}");
    assert!(came.report["cases"][0]["tree"].to_string().contains("POST /webhooks/stripe"), "{said}");
}

const ANSWER: &str = "response: 200\ntrace: [{ server: POST /webhooks/stripe }]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_hangs_has_failed_by_the_deadline() {
    let came = came_of(Behaviour::Hangs, ANSWER, &["--deadline", "2s"]).await;
    failed(&came, "did not answer within 1.9 s (connected after ");
    assert!(sentences(&came.case).contains("no byte came)."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_closes_the_connection_has_failed() {
    let came = came_of(Behaviour::Closes, ANSWER, &[]).await;
    failed(&came, "closed the connection after the request was sent, without an answer.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_is_none() {
    let came = came_of(Behaviour::BreaksOff, ANSWER, &[]).await;
    failed(&came, "answered 200 and closed the connection before its answer was whole.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_http_is_said_so() {
    failed(&came_of(Behaviour::Babbles, ANSWER, &[]).await, "answered something that is not HTTP.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed_and_its_query_not_shown() {
    let redirect = Behaviour::Answers("302 Found", "Location: /login?token=hidden\r\n", Duration::ZERO);
    let came = came_of(redirect, ANSWER, &[]).await;
    failed(&came, "The service answered 302 to `/login`, expected 200: redirects are not followed.");
    assert!(!came.report.to_string().contains("hidden"), "{:#}", came.report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_error_is_a_failure() {
    failed(&came_of(Behaviour::answers("500 Oops"), ANSWER, &[]).await, "The service answered 500, expected 200.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_is_waited_for_and_the_case_holds_on_quiet() {
    let slow = Behaviour::Answers("200 OK", "", Duration::from_millis(900));
    let came = came_of(slow, ANSWER, &[]).await;
    let verdict = (came.code, came.case["verdict"].as_str(), came.case["evidence"].as_str(), came.sent);
    assert_eq!(verdict, (0, Some("held"), Some("quiet"), 1), "{:#}", came.case);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_not_a_failure_of_the_service() {
    let limits = Behaviour::Answers("429 Too Many Requests", "Retry-After: 30\r\n", Duration::ZERO);
    let came = came_of(limits, ANSWER, &[]).await;
    assert_eq!((came.code, came.case["verdict"].as_str(), came.sent), (3, Some("broken"), 1), "{:#}", came.case);
    let said = sentences(&came.case);
    assert!(said.contains("the target limits: 429, Retry-After 30 s.") && said.contains("--rate"), "{said}");
    assert_eq!(came.case["findings"][0]["code"], "case.rate-limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_the_fixture_expects_holds() {
    let limits = Behaviour::Answers("429 Too Many Requests", "Retry-After: 30\r\n", Duration::ZERO);
    let came = came_of(limits, "response: 429\ntrace: [{ server: POST /webhooks/stripe }]\n", &[]).await;
    assert_eq!((came.code, came.case["verdict"].as_str()), (0, Some("held")), "{:#}", came.case);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_the_environment() {
    let fixture = format!("name: a payment\n{PAYMENT}{ANSWER}");
    let (stand, _otlp) = stage(&[("pay.yaml", &fixture)]).await;
    // Bound and let go: nobody listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_stand, run, report) = replay(stand, &["--target", &format!("http://127.0.0.1:{port}")]).await;
    let said = sentences(case(&report, "pay"));
    assert_eq!((run.code, case(&report, "pay")["verdict"].as_str()), (3, Some("broken")), "{said}");
    assert!(said.contains("refuses connections.") && said.contains(&format!("nothing listens on port {port}")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_closed_behind_an_answer_costs_no_second_request() {
    let fixture = format!(
        "name: twice\nsteps:\n  - {PAYMENT}    response: 200\n  - request: {{ repeat: 1 }}\n    response: 200\n  - request: {{ repeat: 1 }}\n    \
         when: 50ms\n    response: 200\ntrace: [{{ server: POST /webhooks/stripe, count: 3 }}]\n"
    );
    let (stand, otlp) = stage(&[("pay.yaml", &fixture)]).await;
    let service = Service::start(Behaviour::ClosesAfterwards, Some(&otlp)).await;
    let (_stand, run, report) = replay(stand, &["--target", &service.url]).await;
    assert_eq!((run.code, service.hits().len()), (0, 3), "{report:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_step_without_an_answer_the_next_is_not_sent() {
    let fixture = format!(
        "name: twice\ndeadline: 1s\nsteps:\n  - {PAYMENT}  - request: {{ repeat: 1 }}\ntrace: [{{ server: POST /webhooks/stripe }}]\n"
    );
    let (stand, otlp) = stage(&[("pay.yaml", &fixture)]).await;
    let service = Service::start(Behaviour::Hangs, Some(&otlp)).await;
    let (_stand, run, report) = replay(stand, &["--target", &service.url]).await;
    assert_eq!((run.code, service.hits().len()), (1, 1), "{report:#}");
}
