//! The reading clients against small servers that answer well, badly, or not at all.

use std::time::Duration;

use axum::{Router, extract::Query, http::StatusCode, routing::get};
use devstack::{
    client::{Asked, ClientError, LedgerClient, TempoClient, Wire, WorkAnswer, WorkClient, loopback},
    model::TraceId,
    support::work::{PATH, WorkReport},
};
use tokio::net::TcpListener;

/// Serves until the test ends; returns its address.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// An address that nobody listens on.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_service_is_asked_by_trace_or_by_correlation_id() {
    // Answers with what it was asked, so that the question is seen.
    let echo = |Query(asked): Query<Vec<(String, String)>>| async move {
        let traces = asked.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        axum::Json(WorkReport { traces, ..WorkReport::default() })
    };
    let base = serve(Router::new().route(PATH, get(echo))).await;
    let client = WorkClient::new(loopback().unwrap());
    let trace = TraceId::random();
    let questions = [
        (Asked::Trace(trace), format!("trace_id={trace}")),
        (Asked::Correlation("a b&c".to_owned()), "correlation_id=a b&c".to_owned()),
    ];
    for (asked, seen) in questions {
        let WorkAnswer::Report(report) = client.ask(&base, &asked, Duration::from_millis(7)).await.unwrap() else {
            panic!("no report for {asked:?}")
        };
        assert_eq!(report.traces, [seen, "wait_ms=7".to_owned()]);
    }
}

#[tokio::test]
async fn a_service_that_does_not_report_its_work_is_not_an_error() {
    let base = serve(Router::new()).await;
    let client = WorkClient::new(loopback().unwrap());
    let answer = client.ask(&base, &Asked::Trace(TraceId::random()), Duration::ZERO).await.unwrap();
    assert_eq!(answer, WorkAnswer::Unsupported);
}

#[tokio::test]
async fn faults_name_the_address_and_the_cause() {
    let broken = Router::new()
        .route(PATH, get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "it hurts\n") }))
        .fallback(|| async { "not json" });
    let (base, nobody, trace) = (serve(broken).await, nobody().await, TraceId::random());
    let http = loopback().unwrap();

    let work = WorkClient::new(http.clone());
    let answer = work.ask(&base, &Asked::Trace(trace), Duration::ZERO).await.unwrap();
    assert_eq!(answer, WorkAnswer::Unsupported, "somebody else's service, whatever it says to a path that it does not know");
    let error = work.ask(&nobody, &Asked::Trace(trace), Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));

    let error = LedgerClient::new(http.clone(), &base).view(trace).await.unwrap_err();
    assert!(matches!(error, ClientError::Shape { .. }), "{error}");
    for wire in [Wire::Protobuf, Wire::Json] {
        let error = TempoClient::new(http.clone(), &base).trace(trace, wire).await.unwrap_err();
        assert!(matches!(error, ClientError::Shape { .. }), "{error}");
        assert!(error.to_string().contains(&format!("`{base}/api/v2/traces/{trace}`")), "{error}");
    }

    let error = LedgerClient::new(http.clone(), &nobody).view(trace).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));
    assert!(error.to_string().contains(&nobody) && error.to_string().contains("refused"), "{error}");
    let error = LedgerClient::new(http, "nowhere").view(trace).await.unwrap_err();
    assert!(matches!(error, ClientError::Base { .. }), "{error}");
}
