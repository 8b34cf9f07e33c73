//! The steps of one case: prepare the bytes, sign them, send them under a CLIENT span of devstack's own, remember what came back.
//!
//! Fed by `drive`; a request that cannot be sent breaks the case, an answer that is wrong does not.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Exchange, Grounds, findings::finding, outcome::Finding};
use crate::{
    fixture::{Capture, CaptureFrom, Fixture, HttpRequest, ProviderRequest, Request, RequestKind, SignatureMode, Traceparent},
    model::SpanId,
    replay::{Answer, Captures, Identity, Outgoing, OwnTrace, SendError, Sender, json_of},
    support::{clock, random},
    webhook::{self, Freshness, Parts, Provider, Replacement, Shift, Signature},
};

/// Where a plain request goes that names no service.
const DEFAULT_SERVICE: &str = "medicalcor-api";

/// A body as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    /// Its bytes.
    pub(super) body: Bytes,
    /// What was made fresh in it.
    pub(super) replaced: Vec<Replacement>,
    /// The id of the delivery, for providers that send one in a header.
    id: String,
    /// Where it went.
    method: Method,
    path: String,
    service: String,
    content_type: Option<&'static str>,
    /// How it is signed, so that a repetition can be signed anew.
    signing: Option<Signing>,
}

/// How a delivery is signed.
#[derive(Debug, Clone)]
struct Signing {
    provider: Provider,
    signature: Signature,
    /// Seconds from now: a delivery whose times lie in the past was signed in the past too, which Stripe's signature tells.
    offset: i64,
}

/// Everything that was sent and came back.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) delivered: Vec<Delivered>,
    pub(super) captures: Captures,
    /// What was wrong with the answers.
    pub(super) findings: Vec<Finding>,
    /// Why the case could not go on.
    pub(super) broken: Option<Finding>,
}

/// Sends the steps of one case.
pub(super) struct StepRunner<'a> {
    fixture: &'a Fixture,
    grounds: &'a Grounds,
    identity: &'a Identity,
    sender: Sender,
    pub(super) sent: Sent,
    /// Answers by step.
    pub(super) answers: Vec<Answer>,
}

impl<'a> StepRunner<'a> {
    pub(super) fn new(fixture: &'a Fixture, grounds: &'a Grounds, identity: &'a Identity, sender: Sender) -> Self {
        Self { fixture, grounds, identity, sender, sent: Sent::default(), answers: Vec::new() }
    }

    /// Sends one step and takes in its answer.
    pub(super) async fn send(&mut self, at: usize, own: &mut OwnTrace) {
        let (span, outgoing) = match self.prepare(at) {
            Ok(ready) => ready,
            Err(broken) => {
                self.sent.broken = Some(*broken);
                return;
            }
        };
        let started_ns = clock::unix_nanos();
        let method = outgoing.method.clone();
        let answer = self.sender.send(outgoing).await;
        self.take_in(at, span, method.as_str(), started_ns, answer, own);
    }

    fn prepare(&mut self, at: usize) -> Result<(SpanId, Outgoing), Box<Finding>> {
        let request = &self.fixture.steps[at].request;
        let delivered = self.delivered(request)?;
        let Some(service) = self.grounds.service(&delivered.service) else {
            let known: Vec<_> = self.grounds.services.iter().map(|service| service.name.as_str()).collect();
            let headline = format!("`{}` is not one of the services here ({}).", delivered.service, known.join(", "));
            return Err(Box::new(finding("case.no-service", headline)));
        };
        let span = SpanId::random();
        let url = format!("{}{}", service.url, delivered.path);
        let headers = self.headers(request, &delivered, &url, span)?;
        let outgoing = Outgoing { method: delivered.method.clone(), url, headers, body: delivered.body.clone() };
        self.sent.delivered.push(delivered);
        Ok((span, outgoing))
    }

    /// The bytes of a step: freshened, or those of an earlier step again.
    fn delivered(&self, request: &Request) -> Result<Delivered, Box<Finding>> {
        match &request.kind {
            RequestKind::Provider(delivery) => Ok(self.delivery(delivery)),
            RequestKind::Http(plain) => Ok(self.plain(plain)),
            RequestKind::Repeat { step } => {
                let never = || Box::new(finding("case.repeat", format!("Step {} was never sent.", step + 1)));
                self.sent.delivered.get(*step).cloned().ok_or_else(never)
            }
        }
    }

    fn delivery(&self, request: &ProviderRequest) -> Delivered {
        let provider = &request.provider;
        let (body, replaced) = self.freshened(request);
        let signature = match request.signature {
            SignatureMode::Valid => Signature::Valid,
            SignatureMode::Forged => Signature::Forged,
            SignatureMode::Missing => Signature::Missing,
        };
        Delivered {
            body,
            replaced,
            id: random::uuid(),
            method: provider.method().clone(),
            path: request.path.clone().unwrap_or_else(|| provider.path().to_owned()),
            service: request.service.clone().unwrap_or_else(|| provider.service().unwrap_or(DEFAULT_SERVICE).to_owned()),
            content_type: Some(provider.content_type()),
            signing: Some(Signing { provider: provider.clone(), signature, offset: offset_of(request.time) }),
        }
    }

    fn plain(&self, request: &HttpRequest) -> Delivered {
        Delivered {
            body: request.body.as_deref().map(Bytes::copy_from_slice).unwrap_or_default(),
            replaced: Vec::new(),
            id: String::new(),
            method: request.method.clone(),
            path: self.secret_path(&self.sent.captures.resolve(&request.path)),
            service: request.service.clone().unwrap_or_else(|| DEFAULT_SERVICE.to_owned()),
            content_type: request.content_type,
            signing: None,
        }
    }

    /// A body that is no JSON goes as it is: that is what such a fixture is about.
    fn freshened(&self, request: &ProviderRequest) -> (Bytes, Vec<Replacement>) {
        let now = clock::unix_seconds();
        let how = Freshness { ids: request.ids, time: request.time, personal: request.ids, now, nonce: self.nonce() };
        match webhook::freshen(&request.provider, &request.body, how) {
            Ok(prepared) => (prepared.body.into(), prepared.replaced),
            Err(_) => (Bytes::copy_from_slice(&request.body), Vec::new()),
        }
    }

    /// Different for every delivery of the case, so that two steps with the same file do not share ids.
    fn nonce(&self) -> u64 {
        self.identity.nonce.wrapping_add((self.sent.delivered.len() as u64) << 40)
    }

    /// `${secret.NAME}` in a path is a secret of this run, for requests that carry one in their query (WhatsApp's verification).
    fn secret_path(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (name, value) in self.grounds.secrets.variables() {
            path = path.replace(&format!("${{secret.{name}}}"), value);
        }
        path
    }

    fn headers(&self, request: &Request, delivered: &Delivered, url: &str, span: SpanId) -> Result<HeaderMap, Box<Finding>> {
        let mut headers = HeaderMap::new();
        let set = |headers: &mut HeaderMap, name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set(&mut headers, "x-correlation-id", &self.identity.correlation_id);
        set(&mut headers, "x-forwarded-for", &self.identity.address);
        if let Some(traceparent) = self.traceparent(request.traceparent, span) {
            set(&mut headers, "traceparent", &traceparent);
            set(&mut headers, "tracestate", "devstack=1");
        }
        if let Some(content_type) = delivered.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(Signing { provider, signature, offset }) = &delivered.signing {
            let at = clock::unix_seconds().saturating_add(*offset);
            let parts = Parts { body: &delivered.body, url, id: &delivered.id, unix_seconds: at };
            let signed = webhook::sign(provider, &self.grounds.secrets, &parts, *signature);
            let signed = signed.map_err(|error| {
                let mut finding = finding("case.unsigned", format!("The {} delivery could not be signed.", provider.name()));
                finding.details.push(format!("{error}."));
                Box::new(finding)
            })?;
            headers.extend(signed.into_iter().map(|(name, value)| (Some(name), value)));
        }
        for given in &request.headers {
            let value = self.secret_path(&self.sent.captures.resolve(&given.value));
            let parsed = (HeaderName::try_from(given.name.as_str()), HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = parsed {
                headers.insert(name, value);
            }
        }
        Ok(headers)
    }

    /// W3C Trace Context, version 00.
    fn traceparent(&self, kind: Traceparent, span: SpanId) -> Option<String> {
        let trace = self.identity.trace_id;
        match kind {
            Traceparent::Sampled => Some(format!("00-{trace}-{span}-01")),
            Traceparent::Unsampled => Some(format!("00-{trace}-{span}-00")),
            Traceparent::Malformed => Some(format!("00-{}-{span}-01", &trace.to_string()[..31])),
            Traceparent::None => None,
        }
    }

    fn take_in(
        &mut self,
        at: usize,
        span: SpanId,
        method: &str,
        started_ns: u64,
        answer: Result<Answer, SendError>,
        own: &mut OwnTrace,
    ) {
        let path =
            self.sent.delivered.get(at).map_or("", |delivered| delivered.path.split('?').next().unwrap_or_default()).to_owned();
        match answer {
            Ok(answer) => {
                own.request(span, method, &path, started_ns, Some(answer.status.as_u16()), None);
                self.exchanged(method, &path, &Ok(&answer));
                self.capture(at, &answer);
                self.answers.push(answer);
            }
            Err(error) => {
                own.request(span, method, &path, started_ns, None, Some(error.kind()));
                self.exchanged(method, &path, &Err(&error));
                let mut finding = finding("case.unanswered", format!("`{method} {path}` got no answer: {error}."));
                finding.hint = Some("devstack status, or the service's own log".to_owned());
                self.sent.broken = Some(finding);
            }
        }
    }

    fn exchanged(&mut self, method: &str, path: &str, answer: &Result<&Answer, &SendError>) {
        self.sent.exchanges.push(Exchange {
            method: method.to_owned(),
            path: path.to_owned(),
            status: answer.as_ref().ok().map(|answer| answer.status.as_u16()),
            error: answer.as_ref().err().map(ToString::to_string),
            elapsed: answer.as_ref().map(|answer| answer.elapsed).unwrap_or_default(),
        });
    }

    fn capture(&mut self, at: usize, answer: &Answer) {
        for capture in &self.fixture.steps[at].captures {
            if let Some(value) = self.captured(at, capture, answer) {
                self.sent.captures.insert(&capture.name, value);
            } else {
                let mut finding = finding("case.capture", format!("nothing to capture as `{}`.", capture.name));
                finding.at = Some(super::findings::source_span(&self.fixture.file, capture.place));
                finding.label.push_str("this was not there");
                self.sent.findings.push(finding);
            }
        }
    }

    fn captured(&self, at: usize, capture: &Capture, answer: &Answer) -> Option<String> {
        let first = |body: &[u8], path: &serde_json_path::JsonPath| {
            let json: serde_json::Value = serde_json::from_slice(body).ok()?;
            path.query(&json).first().map(json_of)
        };
        match &capture.from {
            CaptureFrom::Request(path) => first(&self.sent.delivered.get(at)?.body, path),
            CaptureFrom::Response(path) => first(&answer.body, path),
            CaptureFrom::Header(name) => answer.headers.get(name)?.to_str().ok().map(str::to_owned),
        }
    }
}

fn offset_of(time: Shift) -> i64 {
    match time {
        Shift::Offset(seconds) => seconds,
        Shift::Now | Shift::Keep => 0,
    }
}
