//! The steps of one case: prepare the bytes, sign them, send them under a CLIENT span of devstack's own, remember what came back.
//!
//! Fed by `drive`; a request that cannot be sent breaks the case, an answer that is wrong does not.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Exchange, Grounds, findings::finding, outcome::Finding};
use crate::{
    fixture::{
        Fixture,
        model::{Capture, CaptureFrom, Request, Sent as What, Traceparent},
    },
    model::SpanId,
    replay::{Answer, Captures, Identity, Outgoing, OwnTrace, SendError, Sender, json_of},
    support::clock,
    webhook::{self, Freshness, Provider, Renewal, Replacement, Shift, Signature},
};

/// A body as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    /// Its bytes.
    pub(super) body: Bytes,
    /// What was made fresh in it.
    pub(super) replaced: Vec<Replacement>,
    /// Where it went.
    method: Method,
    path: String,
    service: String,
    /// How it is signed, so that a repetition can be signed anew.
    signing: Option<(Provider, Signature)>,
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

    /// Sends these steps at the same time, and takes in their answers in order.
    pub(super) async fn send(&mut self, steps: Range<usize>, own: &mut OwnTrace) {
        let mut ready = Vec::new();
        for at in steps.clone() {
            match self.prepare(at) {
                Ok(outgoing) => ready.push(outgoing),
                Err(broken) => {
                    self.sent.broken = Some(*broken);
                    return;
                }
            }
        }
        let started_ns = clock::unix_nanos();
        let flights = ready.iter().map(|(_, outgoing)| self.sender.send(outgoing.clone()));
        let answers = join_all(flights).await;
        for ((at, (span, outgoing)), answer) in steps.zip(&ready).zip(answers) {
            self.take_in(at, *span, outgoing, started_ns, answer, own);
        }
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
        let headers = self.headers(request, &delivered, span)?;
        let outgoing = Outgoing {
            method: delivered.method.clone(),
            url: format!("{}{}", service.url, delivered.path),
            headers,
            body: delivered.body.clone(),
        };
        self.sent.delivered.push(delivered);
        Ok((span, outgoing))
    }

    /// The bytes of a step: freshened, or those of an earlier step again.
    fn delivered(&self, request: &Request) -> Result<Delivered, Box<Finding>> {
        match &request.what {
            What::Delivery { provider, body, signature, ids, time } => {
                let (body, replaced) = self.freshened(*provider, body, *ids, *time);
                Ok(Delivered {
                    body,
                    replaced,
                    method: provider.method(),
                    path: provider.route().to_owned(),
                    service: provider.service().to_owned(),
                    signing: Some((*provider, *signature)),
                })
            }
            What::Http { method, path, service, body } => Ok(Delivered {
                body: body.as_deref().map(Bytes::copy_from_slice).unwrap_or_default(),
                replaced: Vec::new(),
                method: method.clone(),
                path: self.secret_path(&self.sent.captures.resolve(path)),
                service: service.clone(),
                signing: None,
            }),
            What::Repeat { step } => {
                let never = || Box::new(finding("case.repeat", format!("Step {} was never sent.", step + 1)));
                self.sent.delivered.get(*step).cloned().ok_or_else(never)
            }
        }
    }

    /// A body that is no JSON goes as it is: that is what such a fixture is about.
    fn freshened(&self, provider: Provider, body: &Arc<[u8]>, ids: Renewal, time: Shift) -> (Bytes, Vec<Replacement>) {
        let how = Freshness { ids, time, personal: ids, now: clock::unix_seconds(), nonce: self.nonce() };
        match webhook::freshen(provider, body, how) {
            Ok(prepared) => (prepared.body.into(), prepared.replaced),
            Err(_) => (Bytes::copy_from_slice(body), Vec::new()),
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

    fn headers(&self, request: &Request, delivered: &Delivered, span: SpanId) -> Result<HeaderMap, Box<Finding>> {
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
        if let Some((provider, signature)) = delivered.signing {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(provider.content_type()));
            let signed = webhook::sign(provider, &self.grounds.secrets, &delivered.body, clock::unix_seconds(), signature);
            let signed = signed.map_err(|error| {
                let mut finding = finding("case.unsigned", format!("The {} delivery could not be signed.", provider.name()));
                finding.details.push(format!("{error}."));
                Box::new(finding)
            })?;
            headers.extend(signed.into_iter().map(|(name, value)| (Some(name), value)));
        } else if !delivered.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &request.headers {
            let parsed = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(self.sent.captures.resolve(value)));
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
        outgoing: &Outgoing,
        started_ns: u64,
        answer: Result<Answer, SendError>,
        own: &mut OwnTrace,
    ) {
        let method = outgoing.method.as_str();
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
                finding.label = "this was not there".to_owned();
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
