//! The steps of one case: prepare the bytes, sign them, send them under a CLIENT span of devstack's own, remember what came back.
//!
//! Fed by `drive`; a request that cannot be sent breaks the case, an answer that is wrong does not.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Exchange, Grounds, findings::finding, outcome::Finding, unheard};
use crate::{
    fixture::{Capture, CaptureFrom, Fixture, HttpRequest, ProviderRequest, Request, RequestKind, SignatureMode, Traceparent},
    model::SpanId,
    replay::{Answer, Captures, Identity, Outgoing, OwnTrace, SendError, json_of},
    support::{
        clock::{self, Stopwatch},
        random,
    },
    webhook::{self, Freshness, Parts, Provider, Replacement, Shift, Signature},
};

/// Where a request goes that names no service, when there are several and none of them is the target.
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
    /// Whether a request got no answer from a service that took it; the steps after it were not sent.
    pub(super) unanswered: bool,
    /// Why the case could not go on.
    pub(super) broken: Option<Finding>,
}

/// An answer and whose it is.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) service: String,
    /// By how much the service's clock was taken to be ahead when the delivery was dated; `None` where nothing was.
    pub(super) assumed_skew: Option<i64>,
}

/// How a request went out.
struct Went {
    span: SpanId,
    method: Method,
    service: String,
    started_ns: u64,
    assumed_skew: Option<i64>,
}

/// Sends the steps of one case.
pub(super) struct StepRunner<'a> {
    fixture: &'a Fixture,
    grounds: &'a Grounds,
    identity: &'a Identity,
    pub(super) sent: Sent,
    /// Answers by step.
    pub(super) answers: Vec<Answered>,
}

impl<'a> StepRunner<'a> {
    pub(super) fn new(fixture: &'a Fixture, grounds: &'a Grounds, identity: &'a Identity) -> Self {
        Self { fixture, grounds, identity, sent: Sent::default(), answers: Vec::new() }
    }

    /// Sends one step and takes in its answer, which may take so long.
    pub(super) async fn send(&mut self, at: usize, own: &mut OwnTrace, within: Duration) {
        let (went, outgoing) = match self.prepare(at) {
            Ok(ready) => ready,
            Err(broken) => {
                self.sent.broken = Some(*broken);
                return;
            }
        };
        let clock = Stopwatch::start();
        match self.grounds.aim.sender.send(outgoing, within).await {
            Ok(answer) => self.take_in(at, went, answer, own),
            Err(error) => self.miss(at, &went, &error, clock.elapsed(), own).await,
        }
    }

    fn prepare(&mut self, at: usize) -> Result<(Went, Outgoing), Box<Finding>> {
        let request = &self.fixture.steps[at].request;
        let delivered = self.delivered(request)?;
        let Some(service) = self.grounds.service(&delivered.service) else {
            let known: Vec<_> = self.grounds.services.iter().map(|service| service.name.as_str()).collect();
            let headline = format!("`{}` is not one of the services here ({}).", delivered.service, known.join(", "));
            let mut unknown = finding("case.no-service", headline);
            if self.grounds.aim.recipient.is_some() {
                let name = &delivered.service;
                unknown.hint =
                    Some(format!("`service: {name}` in suite.yaml if the target is it, else its address under `services:`"));
            }
            return Err(Box::new(unknown));
        };
        let span = SpanId::random();
        let url = format!("{}{}", service.url, delivered.path);
        let headers = self.headers(request, &delivered, &url, span)?;
        let outgoing = Outgoing { method: delivered.method.clone(), url, headers, body: delivered.body.clone() };
        let went = Went {
            span,
            method: outgoing.method.clone(),
            service: service.name.clone(),
            started_ns: clock::unix_nanos(),
            assumed_skew: delivered.signing.as_ref().map(|_| self.grounds.aim.skews.of(&service.name)),
        };
        self.sent.delivered.push(delivered);
        Ok((went, outgoing))
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
        let service = self.recipient(request.service.as_ref(), Some(provider));
        let (body, replaced) = self.freshened(request, &service);
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
            path: request.path.as_deref().map_or_else(|| provider.path().to_owned(), |path| self.resolved(path)),
            service,
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
            path: self.resolved(&request.path),
            service: self.recipient(request.service.as_ref(), None),
            content_type: request.content_type,
            signing: None,
        }
    }

    /// The service that a request names, else the target, else the one that takes the provider's deliveries where it is here.
    fn recipient(&self, named: Option<&String>, provider: Option<&Provider>) -> String {
        let takes = provider.and_then(Provider::service).filter(|name| self.grounds.service(name).is_some());
        let said = named.or(self.grounds.aim.recipient.as_ref()).map(String::as_str).or(takes);
        said.map_or_else(|| self.usual_service(), str::to_owned)
    }

    /// A body that is not what it should be goes as it is: that is what such a fixture is about.
    fn freshened(&self, request: &ProviderRequest, service: &str) -> (Bytes, Vec<Replacement>) {
        let now = self.grounds.aim.skews.now(service);
        let how = Freshness { ids: request.ids, time: request.time, personal: request.ids, now, nonce: self.nonce() };
        match webhook::freshen(&request.provider, &request.body, how) {
            Ok(prepared) if !request.malformed => (prepared.body.into(), prepared.replaced),
            _ => (Bytes::copy_from_slice(&request.body), Vec::new()),
        }
    }

    /// Different for every delivery of the case, so that two steps with the same file do not share ids.
    fn nonce(&self) -> u64 {
        self.identity.nonce.wrapping_add((self.sent.delivered.len() as u64) << 40)
    }

    /// A path or a header with what was captured, and with secrets of this run for `${secret.NAME}` (WhatsApp's verification has one in
    /// its query).
    fn resolved(&self, text: &str) -> String {
        let mut text = self.sent.captures.resolve(text);
        for (name, value) in self.grounds.secrets.variables() {
            text = text.replace(&format!("${{secret.{name}}}"), value);
        }
        text
    }

    /// What the fixture says of a header.
    fn given(&self, request: &Request, name: &str) -> Option<String> {
        let said = request.headers.iter().rev().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(self.resolved(&said.value))
    }

    /// Where a request goes that names no service: to the only one, else to the demo's API.
    fn usual_service(&self) -> String {
        match self.grounds.services.as_slice() {
            [only] => only.name.clone(),
            _ => DEFAULT_SERVICE.to_owned(),
        }
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
            let at = self.grounds.aim.skews.now(&delivered.service).saturating_add(*offset);
            // An id that the fixture says is signed like one of our own.
            let said = provider.id_header().and_then(|name| self.given(request, name.as_str()));
            let id = said.as_deref().unwrap_or(&delivered.id);
            let parts = Parts { body: &delivered.body, url, id, unix_seconds: at };
            let signed = webhook::sign(provider, &self.grounds.secrets, &parts, *signature);
            let signed = signed.map_err(|error| {
                let mut finding = finding("case.unsigned", format!("The {} delivery could not be signed.", provider.name()));
                finding.details.push(format!("{error}."));
                Box::new(finding)
            })?;
            headers.extend(signed.into_iter().map(|(name, value)| (Some(name), value)));
        }
        for given in &request.headers {
            let value = self.resolved(&given.value);
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

    fn take_in(&mut self, at: usize, went: Went, answer: Answer, own: &mut OwnTrace) {
        let (method, path) = (went.method.as_str(), self.path(at));
        self.grounds.aim.skews.learn(&went.service, &answer.headers, went.started_ns, answer.head_ns);
        own.request(went.span, method, &path, went.started_ns, Some(answer.status.as_u16()), None);
        self.sent.exchanges.push(Exchange {
            method: method.to_owned(),
            path: path.clone(),
            status: Some(answer.status.as_u16()),
            error: None,
            elapsed: answer.elapsed,
        });
        self.sent.broken = unheard::rate_limited(&self.fixture.steps[at], method, &path, &answer);
        self.capture(at, &answer);
        self.answers.push(Answered { answer, service: went.service, assumed_skew: went.assumed_skew });
    }

    /// No answer: what becomes of the case depends on whether the service had the request.
    async fn miss(&mut self, at: usize, went: &Went, error: &SendError, elapsed: Duration, own: &mut OwnTrace) {
        let (method, path) = (went.method.as_str(), self.path(at));
        own.request(went.span, method, &path, went.started_ns, None, Some(error.kind()));
        let finding = unheard::unanswered(method, &path, &went.service, error).await;
        self.sent.exchanges.push(Exchange {
            method: method.to_owned(),
            path,
            status: None,
            error: Some(error.brief().to_owned()),
            elapsed,
        });
        if error.is_before_the_service() {
            self.sent.broken = Some(finding);
        } else {
            self.sent.unanswered = true;
            self.sent.findings.push(finding);
        }
    }

    /// Where a step went, without its query.
    fn path(&self, at: usize) -> String {
        self.sent.delivered.get(at).map_or("", |delivered| delivered.path.split('?').next().unwrap_or_default()).to_owned()
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
