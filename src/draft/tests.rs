//! The room as a whole: planted values in every place of a delivery, and not one of them in what comes out.

use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;
use crate::{
    expect, fixture,
    model::{Attributes, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode as Code, Trace, TraceId, Value},
    support::random,
    webhook::Providers,
};

/// What must not be in any output, in whichever spelling.
const PLANTED: &[&str] = &[
    "Ștefania",
    "tefania",
    "Exemplu-Popa",
    "stefania.ep",
    "clinic-popa",
    "721000001",
    "721 000 001",
    "Florilor",
    "1980-02-03",
    "AAAA1B31007593840000",
    "dureri de masea",
    "sk_live_4eC39HqLyjWDarjtT1",
    "hunter2hunter2",
    "s3cr3t-cookie",
    "eyJhbGciOiJIUzI1NiJ9",
    "4242424242424242",
    "198.51.100.77",
];

const BODY: &str = r#"{
  "type": "appointment.booked", "created": 1700000000,
  "id": "apt_1a2b3c4d5e6f", "customer": { "first_name": "Ștefania", "last_name": "Exemplu-Popa", "email": "stefania.ep@clinic-popa.example",
    "phone": [ { "label": "work", "value": "+40 721 000 001" } ], "address": { "line1": "Str. Florilor 12", "city": "Ia\u0219i" }, "dob": "1980-02-03",
    "iban": "RO49AAAA1B31007593840000", "card": "4242424242424242", "ip": "198.51.100.77" },
  "notes": "Are dureri de masea, suna la 0721000001",
  "greeting": "Draga \u0218tefania Exemplu-Popa, codul e hunter2hunter2", "password": "hunter2hunter2",
  "nested": "{\"email\":\"stefania.ep@clinic-popa.example\",\"token\":\"sk_live_4eC39HqLyjWDarjtT1\"}",
  "link": "https://shop.example/?u=stefania.ep%40clinic-popa.example&n=Exemplu-Popa",
  "by": { "stefania.ep@clinic-popa.example": 1 }, "repository": { "name": "shop" }, "status": "booked"
}"#;

fn delivery(body: &str, content_type: &'static str) -> Delivery {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", content_type),
        ("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6IngifQ.c2lnbmF0dXJl"),
        ("cookie", "session=s3cr3t-cookie; theme=dark"),
        ("x-shop-event", "appointment.booked"),
        ("x-shop-user-event", "stefania.ep@clinic-popa.example"),
        ("x-forwarded-for", "198.51.100.77"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-shop-signature", "sha256=abcdef0123456789"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let answer =
        br#"{"status":"received","message":"Multumim Exemplu-Popa","ok":true,"id":"run_9f8e7d6c","state":"Exemplu-Popa"}"#;
    Delivery {
        method: Method::POST,
        path: "/hooks/appointments?token=hunter2hunter2&email=stefania.ep%40clinic-popa.example&v=2".to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
        answer: Some(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: answer.to_vec() }),
        trace: None,
    }
}

struct Made<'a> {
    id: u8,
    parent: u8,
    kind: SpanKind,
    name: &'a str,
    service: &'a str,
    attributes: &'a [(&'a str, Value)],
}

fn span(made: &Made<'_>) -> Arc<Span> {
    let attributes: Attributes = made.attributes.iter().cloned().collect();
    Arc::new(Span {
        trace_id: TraceId::new([7; 16]).expect("not zero"),
        span_id: SpanId::new([made.id; 8]).expect("not zero"),
        parent_id: SpanId::new([made.parent; 8]),
        trace_state: String::new(),
        flags: 1,
        name: made.name.to_owned(),
        kind: made.kind,
        start_ns: u64::from(made.id),
        end_ns: 100,
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", made.service)].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    })
}

fn trace() -> Trace {
    let route = [
        ("http.route", Value::from("/hooks/appointments")),
        ("http.status_code", Value::Int(200)),
        ("http.method", Value::from("POST")),
    ];
    let planted = [
        ("user.full_name", Value::from("Ștefania Exemplu-Popa")),
        ("messaging.destination", Value::from("for stefania.ep@clinic-popa.example")),
    ];
    let made = [
        Made { id: 1, parent: 99, kind: SpanKind::Server, name: "POST /hooks/appointments", service: "api", attributes: &route },
        Made { id: 2, parent: 1, kind: SpanKind::Internal, name: "check", service: "api", attributes: &[] },
        Made { id: 3, parent: 2, kind: SpanKind::Producer, name: "bookings send", service: "api", attributes: &planted },
        Made { id: 4, parent: 3, kind: SpanKind::Consumer, name: "bookings process", service: "worker", attributes: &[] },
        Made { id: 5, parent: 4, kind: SpanKind::Producer, name: "mail send", service: "worker", attributes: &[] },
        Made { id: 6, parent: 4, kind: SpanKind::Producer, name: "mail send", service: "worker", attributes: &[] },
        Made { id: 7, parent: 5, kind: SpanKind::Consumer, name: "greet Exemplu-Popa", service: "mailer", attributes: &[] },
        Made { id: 8, parent: 6, kind: SpanKind::Consumer, name: "GET /users/4711470", service: "mailer", attributes: &[] },
    ];
    Trace::new(made.iter().map(span))
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("devstack-draft-test-{}", random::uuid())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything that a draft of this delivery writes, as one text, file names included.
fn written(delivery: &Delivery) -> (String, Vec<PathBuf>) {
    let folder = Folder::new();
    let mut redaction = redact(delivery, &Providers::built_in()).expect("text");
    let place = Place::Folder { folder: folder.0.clone(), name: None };
    let trace = delivery.trace.clone();
    let seen = trace.as_ref().map_or(Seen::Nothing("No span of it arrived."), Seen::Trace);
    let saved = save(&mut redaction, seen, Origin::Record, &place).unwrap_or_else(|error| panic!("{error}"));
    let paths: Vec<PathBuf> = std::iter::once(saved.fixture).chain(saved.body).collect();
    let mut all = serde_json::to_string(redaction.redacted()).expect("it is kept as JSON");
    write!(all, "{redaction:?} {delivery:?}").unwrap();
    for path in &paths {
        write!(all, "\n{}\n{}", path.display(), fs::read_to_string(path).unwrap()).unwrap();
    }
    let options = fixture::LoadOptions { home: folder.0.clone(), ..fixture::LoadOptions::default() };
    let loaded = fixture::load_all(std::slice::from_ref(&paths[0]), &options);
    assert!(loaded.problems.is_empty(), "{}\n{all}", loaded.problems);
    if let Some(trace) = &delivery.trace {
        let standings = expect::judge(&loaded.fixtures[0].trace, trace);
        assert!(!standings.is_empty() && standings.iter().all(|standing| standing.holds), "{standings:?}\n{all}");
    }
    (all, paths)
}

fn assert_clean(all: &str) {
    let lower = all.to_lowercase();
    for planted in PLANTED {
        let spellings = [
            planted.to_lowercase(),
            forms::percent_encoded(planted, true).to_lowercase(),
            forms::json_escaped(planted, true).to_lowercase(),
        ];
        for spelling in spellings {
            assert!(!lower.contains(&spelling), "{planted} is left as {spelling} in\n{all}");
        }
    }
}

#[test]
fn nothing_personal_and_no_secret_is_left_in_any_kind_of_body() {
    let form = "From=%2B40721000001&Body=Are+dureri+de+masea&ProfileName=%C8%98tefania+Exemplu-Popa&api_key=sk_live_4eC39HqLyjWDarjtT1&payload=%7B%22email%22%3A%22stefania.ep%40clinic-popa.example%22%7D&NumMedia=0";
    let text = "Name: Ștefania Exemplu-Popa\nPhone: 0721000001\nNote: Are dureri de masea\npassword=hunter2hunter2\nmail stefania.ep@clinic-popa.example";
    let xml = "<o><Name>Ștefania Exemplu-Popa</Name><email>stefania.ep@clinic-popa.example</email><street kind=\"x\">Str. Florilor 12</street><tel>0721000001</tel></o>";
    let broken = &BODY[..BODY.len() - 30];
    for (body, content_type) in [
        (BODY, "application/json"),
        (form, "application/x-www-form-urlencoded"),
        (text, "text/plain"),
        (xml, "application/xml"),
        (broken, "application/json"),
        ("", "application/json"),
    ] {
        let mut delivery = delivery(body, content_type);
        assert_clean(&written(&delivery).0);
        delivery.trace = Some(trace());
        assert_clean(&written(&delivery).0);
    }
}

#[test]
fn a_body_keeps_every_byte_that_says_nothing() {
    let body = "{ \"amount\" : 2.50,\r\n\t\"status\":\"booked\", \"at\":1700000000, \"first_name\": \"Ana\", \"ok\":true,\"list\":[ ] }\n";
    let redaction = redact(&delivery(body, "application/json"), &Providers::built_in()).expect("text");
    let (_, new) = redaction.redacted.body.clone().expect("a body");
    let at = body.find("Ana").expect("there");
    assert_eq!(new[..at], body[..at]);
    assert!(new.ends_with(&body[at + 3..]), "{new}");
    assert_ne!(new, body);
}

#[test]
fn what_is_proposed_is_what_happened_between_services() {
    let mut delivery = delivery(BODY, "application/json");
    delivery.trace = Some(trace());
    let (all, paths) = written(&delivery);
    let text = all.split("name: a recorded").nth(1).expect("a name");
    let proposal = &text[text.find("trace:").expect("a trace")..text.find("none:").expect("none")];
    assert_eq!(
        proposal,
        "\
trace:
  - server: POST /hooks/appointments
    service: api
    attributes: { http.route: /hooks/appointments, http.status_code: 200 }
    below:
      - producer: bookings send
        children:
          - consumer: bookings process
            service: worker
            children:
              - producer: mail send
                count: 2
edges: [api -> worker, worker -> mailer]
"
    );
    assert!(text.contains("response: { status: 200, json: { $.status: received, $.ok: true } }"), "{text}");
    assert!(text.contains("x-shop-event: appointment.booked") && !text.contains("x-shop-user-event:"), "{text}");
    assert!(paths[0].ends_with("appointment-booked.yaml"), "{paths:?}");
    assert!(text.contains("plain: appointment-booked.json"), "{text}");
}

#[test]
fn a_failure_and_a_link_are_said_as_they_are() {
    let mut spans: Vec<Span> = trace().spans().iter().map(|span| Span::clone(span)).collect();
    let producer = spans.iter().position(|span| span.name == "bookings send").expect("there");
    let linked = spans.iter().position(|span| span.name == "bookings process").expect("there");
    spans[linked].parent_id = None;
    spans[linked].links =
        vec![Link { trace_id: spans[0].trace_id, span_id: spans[producer].span_id, attributes: Attributes::default() }];
    spans[linked].status.code = Code::Error;
    let delivery = Delivery { trace: Some(Trace::new(spans.into_iter().map(Arc::new))), ..delivery(BODY, "application/json") };
    let (all, _) = written(&delivery);
    assert!(all.contains("edges: [api -> worker, worker -> mailer]") && all.contains("# 1 span ended in error"), "{all}");
    assert!(!all.contains("\nnone:"), "{all}");
}

#[test]
fn a_second_delivery_finds_another_name_and_nothing_is_replaced() {
    let folder = Folder::new();
    let delivery = delivery(BODY, "application/json");
    let place = Place::Folder { folder: folder.0.clone(), name: Some("mine/first".to_owned()) };
    let mut names = Vec::new();
    for _ in 0..3 {
        let mut redaction = redact(&delivery, &Providers::built_in()).expect("text");
        names.push(save(&mut redaction, Seen::Nothing("Nothing came."), Origin::Curl, &place).expect("written").fixture);
    }
    let expected: Vec<_> =
        ["mine/first.yaml", "mine/first-2.yaml", "mine/first-3.yaml"].iter().map(|name| folder.0.join(name)).collect();
    assert_eq!(names, expected);
    // A file that is named is not numbered.
    let mut redaction = redact(&delivery, &Providers::built_in()).expect("text");
    let file = |force| Place::File { path: expected[0].clone(), force };
    let refused = save(&mut redaction, Seen::Nothing("x"), Origin::Trace, &file(false));
    assert!(matches!(refused, Err(DraftError::Exists { path }) if path == expected[0]));
    assert!(save(&mut redaction, Seen::Nothing("x"), Origin::Trace, &file(true)).is_ok());
}

#[test]
fn what_cannot_be_read_is_refused_and_not_quoted() {
    let mut binary = delivery("", "application/octet-stream");
    binary.body = vec![0xff, 0xfe, 0x00];
    assert_eq!(
        redact(&binary, &Providers::built_in()).err(),
        Some(RedactError::Opaque { content_type: "application/octet-stream".to_owned() })
    );
    let mut zipped = delivery("looks like text", "application/json");
    zipped.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert!(matches!(redact(&zipped, &Providers::built_in()), Err(RedactError::Opaque { .. })));
}

#[test]
fn a_leak_is_refused() {
    let mut redaction = redact(&delivery(BODY, "application/json"), &Providers::built_in()).expect("text");
    // As if a rule had been forgotten.
    redaction.redacted.event = "exemplu-popa".to_owned();
    let error = draft(&mut redaction, Seen::Nothing("x"), Origin::Record, "x").expect_err("a leak");
    assert_eq!(error.to_string(), "a value that was to be replaced is still in the draft (1 name), so nothing was written");
}
