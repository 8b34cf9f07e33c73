//! Values planted in every part of a delivery, its trace and its answer, and every byte that the recorder writes or says searched for them.

use std::sync::Arc;

use axum::{Router, http::HeaderMap};
use devstack::{
    client::{OtlpClient, loopback},
    model::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::clock,
};
use tokio_util::sync::CancellationToken;

use super::sessions::{bytes_of, record};
use crate::{sandbox::Sandbox, stage::serve};

const PLANTED: [&str; 12] = [
    "Zamfirescu",
    "Smaranda",
    "smaranda.z",
    "cabinet-zamfir",
    "744555666",
    "744 555 666",
    "Lalelelor",
    "durere cumplita",
    "pk-hunter2-hunter2",
    "whsec_plantedplanted",
    "4000056655665556",
    "203.0.113.201",
];

const BODY: &str = r#"{"type":"visit.booked","id":"vis_81kd93mz02","patient":{"name":"Smaranda Zamfirescu","email":"smaranda.z@cabinet-zamfir.example",
"phone":"+40 744 555 666","address":{"street":"Aleea Lalelelor 3"},"card_number":"4000056655665556"},"comment":"durere cumplita, 0744555666",
"secret":"pk-hunter2-hunter2","sent_from":"203.0.113.201","amount":120}"#;

/// The span of a careless service: it puts what it got into its telemetry.
fn careless(headers: &HeaderMap) -> Span {
    let sent = headers["traceparent"].to_str().unwrap();
    let mut parts = sent.split('-').skip(1);
    let attributes: Attributes = [
        ("http.route", "/visits/{id}"),
        ("http.url", "/visits?email=smaranda.z@cabinet-zamfir.example"),
        ("user.full_name", "Smaranda Zamfirescu"),
        ("messaging.destination", "visits of Smaranda Zamfirescu"),
        ("db.statement", "INSERT 'Smaranda', '+40 744 555 666'"),
    ]
    .into_iter()
    .collect();
    Span {
        trace_id: TraceId::parse(parts.next().unwrap()).unwrap(),
        span_id: SpanId::random(),
        parent_id: SpanId::parse(parts.next().unwrap()),
        trace_state: String::new(),
        flags: 1,
        name: "POST /visits of Smaranda Zamfirescu".into(),
        kind: SpanKind::Server,
        start_ns: clock::unix_nanos(),
        end_ns: clock::unix_nanos(),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", "visits")].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_planted_is_in_any_file_or_line() {
    let sandbox = Sandbox::new();
    let (spans, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().fallback(move |headers: HeaderMap| async move {
        spans.send(careless(&headers)).unwrap();
        let body = r#"{"status":"received","message":"Multumim Smaranda Zamfirescu","result":"Zamfirescu","code":"smaranda"}"#;
        ([("content-type", "application/json"), ("x-patient", "Smaranda Zamfirescu")], body)
    });
    let (target, _) = serve(router, CancellationToken::new()).await;
    let (recorder, url) = record(&sandbox, &target, &[]);
    let otlp = recorder.err().split(" at ").last().unwrap().trim().trim_end_matches('.').to_owned();
    let http = loopback().unwrap();
    let path = "/visits/hooks?who=smaranda.z%40cabinet-zamfir.example&token=pk-hunter2-hunter2&phone=%2B40744555666&name=Smaranda+Zamfirescu";
    let sent = http
        .post(format!("{url}{path}"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer whsec_plantedplanted")
        .header("cookie", "who=smaranda.z@cabinet-zamfir.example")
        .header("x-event-type", "visit.booked")
        .header("x-zamfirescu", "1")
        .header("x-forwarded-for", "203.0.113.201")
        .body(BODY);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let span = seen.recv().await.unwrap();
    OtlpClient::new(http, otlp).export(&[Arc::new(span)]).await.unwrap();

    let line = recorder.lines(1).remove(0);
    assert!(line["recorded"] == true && line["spans"] == 1, "{line}");
    let said = format!("{}{}", recorder.out(), recorder.err());
    assert_eq!(recorder.interrupt(), 0);
    let all = format!("{}{}{said}", bytes_of(&sandbox.path("fixtures")), bytes_of(&sandbox.path("state")));
    for planted in PLANTED {
        for spelling in [planted.to_owned(), planted.replace(' ', "%20"), planted.replace(' ', "+")] {
            assert!(!all.to_lowercase().contains(&spelling.to_lowercase()), "{planted} is left in\n{all}");
        }
    }
    // What is no person's is still there.
    for kept in ["visit.booked", "\"amount\":120", "http.route: '/visits/{id}'", "service: visits", "$.status: received"] {
        assert!(all.contains(kept), "{kept} in\n{all}");
    }
    assert_eq!(sandbox.run(&["lint"]).code, 0);
}
