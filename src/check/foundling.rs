//! Traces that began by themselves while a case ran. Where a service did not go on with the context that it was sent, the rest of the case
//! is in one of them; services that carry no correlation id leave nothing else to find it by.
//!
//! Asked by `drive` when a case is about to fail; pure but for what it is given. A trace is taken for a part of the case only where a span
//! proves it: one of the case that called out and that nobody answered, at that moment, for that path or destination.

use crate::model::{OWN_SERVICE, Span, SpanKind, Trace};

/// How far the clocks of two processes on one machine, and of what they call start, may be apart.
const SKEW_NS: u64 = 20_000_000;

/// Where devstack's own questions to services go.
const OWN_PATHS: &str = "/.well-known/devstack/";

/// Of `begun`, the traces that go on where `trace` breaks off: each with a root that one of its spans called. `awaited` are services that
/// the fixture expects: one of which nothing has come is recognised by its only trace of that time.
pub(super) fn of_the_case(trace: &Trace, begun: Vec<Trace>, awaited: &[&str]) -> Vec<Trace> {
    let begun: Vec<_> = begun.into_iter().filter(|other| other.id() != trace.id()).collect();
    let missing: Vec<_> = awaited.iter().filter(|name| !trace.services().contains(*name)).collect();
    let only_one_of =
        |service: &str| begun.iter().filter(|other| root(other).is_some_and(|root| root.service() == service)).count() == 1;
    let belongs = |other: &Trace| {
        let Some(root) = root(other) else { return false };
        caller(trace, root).is_some() || (missing.iter().any(|name| **name == root.service()) && only_one_of(root.service()))
    };
    let found: Vec<bool> = begun.iter().map(belongs).collect();
    begun.into_iter().zip(found).filter_map(|(other, found)| found.then_some(other)).collect()
}

/// The span of `trace` that called what `root` handles.
pub(super) fn caller<'a>(trace: &'a Trace, root: &Span) -> Option<&'a Span> {
    let calls = trace.spans().iter().map(AsRef::as_ref).filter(|span| is_unanswered(trace, span) && called(span, root));
    // The one that began last before it: a retry rather than the attempt before.
    calls.max_by_key(|span| span.start_ns)
}

/// The span with which a trace of services began; none where the beginning is in somebody else's hands.
fn root(trace: &Trace) -> Option<&Span> {
    let at = *trace.roots().first()?;
    let root = trace.spans()[at].as_ref();
    let asked_by_devstack = path(root).is_some_and(|path| path.starts_with(OWN_PATHS));
    (root.service() != OWN_SERVICE
        && !asked_by_devstack
        && matches!(root.kind, SpanKind::Server | SpanKind::Consumer | SpanKind::Internal))
    .then_some(root)
}

/// Whether no other service went on with what it sent.
fn is_unanswered(trace: &Trace, span: &Span) -> bool {
    let elsewhere = |at: &usize| trace.spans()[*at].service() != span.service();
    matches!(span.kind, SpanKind::Client | SpanKind::Producer) && !trace.children(span.span_id).iter().any(elsewhere)
}

fn called(sender: &Span, root: &Span) -> bool {
    let after = root.start_ns + SKEW_NS >= sender.start_ns;
    let fits = match sender.kind {
        SpanKind::Client => {
            root.kind == SpanKind::Server && root.start_ns <= sender.end_ns + SKEW_NS && agree(path, sender, root)
        }
        SpanKind::Producer => agree(destination, sender, root) && agree(message, sender, root),
        _ => false,
    };
    sender.service() != root.service() && after && fits
}

/// Whether both say the same, or one of them says nothing.
fn agree(of: fn(&Span) -> Option<&str>, one: &Span, other: &Span) -> bool {
    match (of(one), of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn text<'a>(span: &'a Span, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| span.attributes.text(name))
}

/// The path of an HTTP request, by the stable names and those before them.
fn path(span: &Span) -> Option<&str> {
    let url = text(span, &["url.path", "http.target", "url.full", "http.url"])?;
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    };
    Some(path.split(['?', '#']).next().unwrap_or(path))
}

fn destination(span: &Span) -> Option<&str> {
    text(span, &["messaging.destination.name", "messaging.destination", "trigger.task.name"])
}

fn message(span: &Span) -> Option<&str> {
    text(span, &["messaging.message.id", "messaging.message_id"])
}

#[cfg(test)]
mod tests {
    use super::{caller, of_the_case};
    use crate::{
        expect::sample::{Draft, span, trace},
        model::{
            SpanKind::{Client, Consumer, Producer, Server},
            Trace, TraceId,
        },
    };

    /// A trace of another id than the case's.
    fn other(spans: Vec<Draft>) -> Trace {
        let id = TraceId::random();
        Trace::new(trace(spans).spans().iter().map(|span| {
            let mut span = span.as_ref().clone();
            span.trace_id = id;
            std::sync::Arc::new(span)
        }))
    }

    fn case() -> Trace {
        trace(vec![
            span(1).named("POST /hook").kind(Server).of("api").at(0, 100),
            span(2).under(1).named("POST").kind(Client).of("api").at(10, 60).with("url.full", "http://127.0.0.1:3001/jobs?x=1"),
        ])
    }

    fn worker(path: &str, start: u64) -> Trace {
        other(vec![span(9).named("POST /jobs").kind(Server).of("worker").at(start, start + 10).with("url.path", path)])
    }

    #[test]
    fn a_call_that_nobody_answered_and_a_root_at_that_moment_belong_together() {
        let case = case();
        let found = of_the_case(&case, vec![worker("/jobs", 20)], &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(caller(&case, &found[0].spans()[0]).map(|span| span.name.as_str()), Some("POST"));
    }

    #[test]
    fn another_path_another_moment_or_an_answered_call_prove_nothing() {
        assert!(of_the_case(&case(), vec![worker("/health", 20)], &[]).is_empty());
        assert!(of_the_case(&case(), vec![worker("/jobs", 600)], &[]).is_empty());
        let mut answered: Vec<_> = case().spans().to_vec();
        let child = trace(vec![span(3).under(2).named("POST /jobs").kind(Server).of("worker").at(20, 30)]);
        answered.extend(child.spans().iter().cloned());
        assert!(of_the_case(&Trace::new(answered), vec![worker("/jobs", 20)], &[]).is_empty());
    }

    #[test]
    fn a_consumer_is_the_producers_by_its_destination() {
        let sent =
            || span(2).under(1).named("jobs send").kind(Producer).of("api").at(10, 12).with("messaging.destination.name", "jobs");
        let case = trace(vec![span(1).named("POST /hook").kind(Server).of("api").at(0, 20), sent()]);
        let consumed = |destination: &str| {
            let root = span(9).named("jobs process").kind(Consumer).of("worker").at(900, 910);
            other(vec![root.with("messaging.destination.name", destination)])
        };
        assert_eq!(of_the_case(&case, vec![consumed("jobs"), consumed("mails")], &[]).len(), 1);
    }

    #[test]
    fn an_awaited_service_is_recognised_by_its_only_trace() {
        let case = trace(vec![span(1).named("POST /hook").kind(Server).of("api").at(0, 20)]);
        let lone = || other(vec![span(9).named("job").kind(Consumer).of("worker").at(50, 60)]);
        assert_eq!(of_the_case(&case, vec![lone()], &["api", "worker"]).len(), 1);
        assert!(of_the_case(&case, vec![lone(), lone()], &["api", "worker"]).is_empty(), "which of them?");
        assert!(of_the_case(&case, vec![lone()], &["api"]).is_empty(), "nobody asked for it");
    }
}
