//! A receiver, the demo exporting to it, and signed deliveries: what the tests beside it need.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use devstack::{
    backend::{self, Backend, Ledger},
    client::{Asked, WorkAnswer, WorkClient, loopback},
    demo::{API, Demo, DemoConfig, Fault},
    model::{Span, SpanKind, Trace, TraceId},
    support::{clock, random, work::WorkReport},
    telemetry::Settings,
    webhook::{Parts, Provider, Secrets, Signature, sign},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine; a test that waits this long has failed.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// The demo and its receiver.
pub(super) struct Lab {
    pub(super) demo: Demo,
    pub(super) ledger: Ledger,
    /// Base address of the receiver.
    pub(super) otlp: String,
    pub(super) http: reqwest::Client,
    pub(super) secrets: Secrets,
    shutdown: CancellationToken,
}

/// A delivery on its way, and the trace it is in.
pub(super) struct Case {
    pub(super) trace: TraceId,
    pub(super) correlation: String,
    address: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl Case {
    pub(super) fn new() -> Self {
        let trace = TraceId::random();
        let [a, b] = random::bytes::<2>();
        Self { trace, correlation: format!("case-{trace}"), address: format!("203.0.{a}.{b}") }
    }
}

impl Lab {
    pub(super) async fn start() -> Self {
        Self::with_faults([]).await
    }

    pub(super) async fn with_faults(faults: impl IntoIterator<Item = Fault>) -> Self {
        let faults = faults.into_iter().collect();
        Self::with(|config| config.faults = faults).await
    }

    pub(super) async fn with(adjust: impl FnOnce(&mut DemoConfig)) -> Self {
        let backend = Backend::bind(backend::Config::default()).await.unwrap();
        let otlp = format!("http://{}", backend.otlp_http());
        let settings = Settings::new("demo")
            .with_endpoint(&otlp)
            .with_schedule_delay(Duration::from_millis(50))
            .with_metric_interval(Duration::from_millis(100));
        let mut config = DemoConfig::new(settings);
        adjust(&mut config);
        let (ledger, shutdown, secrets) = (backend.ledger(), CancellationToken::new(), config.secrets.clone());
        tokio::spawn(backend.run(shutdown.clone()));
        Self { demo: Demo::start(config).await.unwrap(), otlp, ledger, http: loopback().unwrap(), secrets, shutdown }
    }

    /// Ends the demo, then the receiver.
    pub(super) async fn stop(self) {
        tokio::time::timeout(DEADLINE, self.demo.stop()).await.expect("the demo ends");
        self.shutdown.cancel();
    }

    /// Sends a signed delivery.
    pub(super) async fn deliver(&self, case: &Case, provider: &Provider, body: &Value) -> Answer {
        self.deliver_raw(case, provider, body.to_string().into_bytes(), Signature::Valid).await
    }

    pub(super) async fn deliver_raw(&self, case: &Case, provider: &Provider, body: Vec<u8>, signature: Signature) -> Answer {
        let parts = Parts { body: &body, unix_seconds: clock::unix_seconds(), ..Parts::default() };
        let signed = sign(provider, &self.secrets, &parts, signature).unwrap();
        let url = format!("{}{}", self.demo.url(API).unwrap(), provider.path());
        let request = self.http.post(url).headers(signed.into_iter().collect()).header("content-type", "application/json");
        self.send(case, request.body(body)).await
    }

    /// Sends a request in the case's trace, with its correlation id and address.
    pub(super) async fn send(&self, case: &Case, request: reqwest::RequestBuilder) -> Answer {
        let response = request
            .header("traceparent", format!("00-{}-{}-01", case.trace, const_hex::encode(random::bytes::<8>())))
            .header("x-correlation-id", &case.correlation)
            .header("x-forwarded-for", &case.address)
            .send()
            .await
            .unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) async fn get(&self, case: &Case, service: &str, path: &str) -> Answer {
        let url = format!("{}{path}", self.demo.url(service).unwrap());
        self.send(case, self.http.get(url)).await
    }

    /// Says what the externals shall answer in this case.
    pub(super) async fn script(&self, case: &Case, script: Value) {
        let url = format!("{}/_devstack/scripts/{}", self.demo.externals_url(), case.trace);
        let status = self.http.put(url).json(&script).send().await.unwrap().status();
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// How often a service was called in this case.
    pub(super) async fn calls(&self, case: &Case, service: &str) -> u64 {
        let url = format!("{}/_devstack/scripts/{}", self.demo.externals_url(), case.trace);
        let calls: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        calls["calls"][service].as_u64().unwrap_or_default()
    }

    /// The work reports of all services, once two looks in a row find nothing to do and nothing done in between.
    pub(super) async fn drained(&self, asked: &Asked) -> Vec<WorkReport> {
        let settle = async {
            let mut before = self.reports(asked).await;
            loop {
                let after = self.reports(asked).await;
                if after.iter().all(WorkReport::idle) && after.iter().zip(&before).all(|(a, b)| a.activity == b.activity) {
                    return after;
                }
                before = after;
            }
        };
        let Ok(reports) = tokio::time::timeout(DEADLINE, settle).await else {
            panic!("not drained: {:#?}", self.reports(asked).await)
        };
        reports
    }

    pub(super) async fn reports(&self, asked: &Asked) -> Vec<WorkReport> {
        let client = WorkClient::new(self.http.clone());
        let mut reports = Vec::new();
        for service in self.demo.addresses().keys() {
            let answer = client.ask(&self.demo.url(service).unwrap(), asked, Duration::from_secs(2)).await.unwrap();
            let WorkAnswer::Report(report) = answer else { panic!("{service} reports no work") };
            reports.push(report);
        }
        reports
    }

    /// The whole trace of a case, after everything in it is done.
    pub(super) async fn trace(&self, case: &Case) -> Seen {
        self.drained(&Asked::Trace(case.trace)).await;
        self.arrived(case.trace)
    }

    /// What has arrived of a trace.
    pub(super) fn arrived(&self, trace: TraceId) -> Seen {
        Seen(Trace::new(self.ledger.view(trace).arrivals.into_iter().map(|arrival| arrival.span)))
    }
}

/// A trace with short ways to ask about it.
pub(super) struct Seen(pub(super) Trace);

impl Seen {
    pub(super) fn all(&self, kind: SpanKind, name: &str) -> Vec<&Arc<Span>> {
        self.0.spans().iter().filter(|span| span.kind == kind && span.name == name).collect()
    }

    pub(super) fn one(&self, kind: SpanKind, name: &str) -> &Arc<Span> {
        let found = self.all(kind, name);
        assert_eq!(found.len(), 1, "{kind:?} {name} in\n{}", self.tree());
        found[0]
    }

    pub(super) fn parent(&self, span: &Span) -> &Arc<Span> {
        self.0.parent(span).unwrap_or_else(|| panic!("{} has no parent in\n{}", span.name, self.tree()))
    }

    pub(super) fn below(&self, span: &Span) -> Vec<&Arc<Span>> {
        self.0.descendants(span.span_id).into_iter().map(|index| &self.0.spans()[index]).collect()
    }

    /// The trace as if the tests' requests, which send no span of their own, were no parents.
    pub(super) fn rooted(&self) -> Trace {
        let tops = self.0.tops();
        Trace::new(self.0.spans().iter().enumerate().map(|(at, span)| {
            if tops.contains(&at) { Arc::new(Span { parent_id: None, ..Span::clone(span) }) } else { Arc::clone(span) }
        }))
    }

    pub(super) fn tree(&self) -> String {
        let mut text = String::new();
        for index in self.0.tops() {
            self.draw(index, 0, &mut text);
        }
        text
    }

    fn draw(&self, index: usize, depth: usize, text: &mut String) {
        let span = &self.0.spans()[index];
        let indent = "  ".repeat(depth);
        writeln!(text, "{indent}{} {} [{}] {:?}", span.kind.name(), span.name, span.service(), span.status.code).unwrap();
        for child in self.0.children(span.span_id) {
            self.draw(*child, depth + 1, text);
        }
    }
}

/// An attribute as text; empty when it is not there.
pub(super) fn attribute(span: &Span, key: &str) -> String {
    span.attributes.get(key).map(ToString::to_string).unwrap_or_default()
}

pub(super) fn events(span: &Span) -> Vec<&str> {
    span.events.iter().map(|event| event.name.as_str()).collect()
}

/// A WhatsApp webhook with one text message sent now.
pub(super) fn message(text: &str) -> Value {
    message_at(text, clock::unix_seconds())
}

pub(super) fn message_at(text: &str, unix_seconds: i64) -> Value {
    let [a, b] = random::bytes::<4>().chunks_exact(2).map(const_hex::encode).collect::<Vec<_>>().try_into().unwrap();
    let phone = format!("40720{}", u32::from_str_radix(&format!("{a}{b}"), 16).unwrap());
    let message = json!({"id": format!("wamid.{a}{b}"), "from": phone, "timestamp": unix_seconds.to_string(), "type": "text",
                         "text": {"body": text}});
    whatsapp(json!({"messages": [message], "contacts": [{"wa_id": phone, "profile": {"name": "Ioana Exemplu"}}]}))
}

/// A WhatsApp webhook around what it brings.
pub(super) fn whatsapp(mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "40210000000", "phone_number_id": "106540352242922"});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
}

/// A Stripe event about a payment intent of its own.
pub(super) fn payment(kind: &str) -> Value {
    let id = const_hex::encode(random::bytes::<8>());
    let intent = json!({"id": format!("pi_{id}"), "object": "payment_intent", "amount": 25000, "amount_received": 25000,
                        "currency": "ron", "status": "succeeded", "customer": "cus_1", "description": null, "payment_method": null,
                        "receipt_email": format!("{id}@example.com"), "created": 1, "metadata": {"phone": "+40720000011"}});
    json!({"id": format!("evt_{id}"), "object": "event", "created": 1, "livemode": false, "type": kind, "data": {"object": intent}})
}

/// A CRM person of its own id.
pub(super) fn person() -> (String, Value) {
    let id = u32::from_be_bytes(random::bytes::<4>());
    let current = json!({"id": id, "name": "Ioana <Exemplu>", "phone": [{"value": "+40 720 000 021"}], "email": [{"value": "i@example.com"}]});
    (id.to_string(), json!({"event": "updated.person", "meta": {"object": "person"}, "current": current}))
}
