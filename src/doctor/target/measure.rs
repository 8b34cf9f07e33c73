//! Measuring: one control request that changes nothing, and what arrives meanwhile at the receiver of the stack that is up.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use reqwest::header;

use super::{
    facts::{Asked, Facts, Measured, Process, Receiver, SpanSeen, Subject},
    look::{connected, receiver_ports},
    propagation::{self, Propagation},
    told::{DEFAULT_DELAY_MS, Delay, delay_of},
};
use crate::{
    client::{self, LedgerClient, TailClient},
    model::{Arrival, Happening, Span, SpanId, SpanKind, Trace, TraceId, Value, arrival::Sender},
    support::{
        address::Address,
        clock::{self, Stopwatch},
        env::Env as _,
        work::BARRIER_PATH,
    },
};

/// How long the service may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Beyond the export delay: the export itself.
const GRACE: Duration = Duration::from_secs(2);

/// Never longer, whatever the delay is said to be.
const LONGEST: Duration = Duration::from_secs(30);

/// How often the connections of the process are looked at: exporters without a lasting one are seen only while they send.
const LOOK: Duration = Duration::from_millis(100);

/// So many traces that came last are looked at for how they go on.
const TRACES: usize = 100;

/// So many foreign traces are looked into for the request.
const CANDIDATES: usize = 50;

/// Where the path of a request stands in a span, by any convention.
const PATHS: [&str; 4] = ["url.path", "url.full", "http.target", "http.url"];

/// The ids of the control request.
struct Sent {
    trace: TraceId,
    span: SpanId,
}

/// What was seen while waiting.
#[derive(Default)]
struct Watch {
    span: Option<SpanSeen>,
    rejected: Vec<String>,
    connected: Vec<u16>,
    candidates: usize,
}

/// Sends the request and watches. What of the process' connections was seen goes into `facts`.
pub(super) async fn measure(subject: &Subject, facts: &mut Facts) -> Measured {
    let sent = Sent { trace: TraceId::random(), span: SpanId::random() };
    let mut measured = Measured::default();
    let ledger = match &subject.receiver {
        Some(receiver) => reader(receiver).await,
        None => None,
    };
    let Some((ledger, tail)) = ledger else {
        ask(&subject.url, &sent, &mut measured).await;
        return measured;
    };
    // Followed before anything is sent, so that nothing is missed.
    let Ok(happenings) = tail.follow().await else {
        ask(&subject.url, &sent, &mut measured).await;
        return measured;
    };
    measured.watched = true;
    ask(&subject.url, &sent, &mut measured).await;
    let wait = if matches!(measured.asked, Asked::Answered(_)) { wait_for(subject, facts) } else { Duration::ZERO };
    let answered = Stopwatch::start();
    let receivers = receiver_ports(subject.receiver.as_ref());
    let watch = watch(&ledger, happenings, &sent, facts.process.as_ref(), &receivers, wait).await;
    measured.waited_ms = answered.elapsed().as_millis() as u64;
    if let Some(process) = &mut facts.process {
        process.connected.extend(watch.connected);
        process.connected.sort_unstable();
        process.connected.dedup();
    }
    (measured.span, measured.rejected) = (watch.span, watch.rejected);
    read_ledger(&ledger, facts, &mut measured).await;
    measured
}

async fn reader(receiver: &Receiver) -> Option<(LedgerClient, TailClient)> {
    let http = client::loopback().ok()?;
    let ledger = LedgerClient::new(http.clone(), receiver.ledger.as_str());
    ledger.senders().await.ok()?;
    Some((ledger, TailClient::new(http, receiver.ledger.as_str())))
}

/// As long as a span may take by what the variables say.
fn wait_for(subject: &Subject, facts: &Facts) -> Duration {
    let told = facts.variables().map(|variables| delay_of(variables));
    let delay = match told {
        Some(Delay::Immediate) => Duration::ZERO,
        Some(Delay::Set(millis, _)) => Duration::from_millis(millis),
        Some(Delay::Unset) | None => Duration::from_millis(DEFAULT_DELAY_MS),
    };
    // A batch processor that has just exported, or that begins its rounds with a span, takes two of them.
    subject.wait.unwrap_or_else(|| (2 * delay + GRACE).min(LONGEST))
}

/// Sends the control request. No redirect is followed, and the answer is not read.
async fn ask(url: &str, sent: &Sent, measured: &mut Measured) {
    // A client with the certificates of the system and without a proxy before this machine.
    let Ok(http) = client::client_for(&Address::plain(url)) else { return };
    let request = http.get(format!("{}{BARRIER_PATH}", url.trim_end_matches('/')));
    let request = request.header("traceparent", format!("00-{}-{}-01", sent.trace, sent.span)).timeout(ANSWER);
    let before = clock::unix_seconds();
    match request.send().await {
        Ok(response) => {
            measured.asked = Asked::Answered(response.status().as_u16());
            let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
            measured.clock_ahead = date.and_then(|date| ahead(date, before, clock::unix_seconds()));
        }
        Err(error) if error.is_timeout() => measured.asked = Asked::Silent,
        Err(error) if error.is_connect() && error.status().is_none() && is_refused(&error) => {}
        Err(error) => measured.asked = Asked::NotHttp(crate::support::cause::innermost(&error.without_url())),
    }
}

fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(at) = cause {
        if at.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = at.source();
    }
    false
}

/// How many seconds a `Date` of an answer between two moments is certainly away from them, where that is more than one.
fn ahead(date: &str, before: i64, after: i64) -> Option<i64> {
    let told = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    let ahead = if told > after { told - after } else { (told + 1 - before).min(0) };
    (ahead.abs() > 1).then_some(ahead)
}

/// Waits for the span of the request, at most so long, and notes what else happens.
async fn watch(
    ledger: &LedgerClient,
    mut happenings: impl Stream<Item = Result<Happening, client::ClientError>> + Unpin,
    sent: &Sent,
    process: Option<&Process>,
    receivers: &[u16],
    wait: Duration,
) -> Watch {
    let clock = Stopwatch::start();
    let mut seen = Watch::default();
    let pids: Vec<u32> = process
        .iter()
        .flat_map(|process| std::iter::once(process.pid).chain(process.started.iter().map(|below| below.pid)))
        .collect();
    let mut ends = false;
    while seen.span.is_none() && clock.elapsed() < wait {
        let left = wait.saturating_sub(clock.elapsed());
        let view = tokio::select! {
            view = ledger.wait_for_change(sent.trace, 0, LOOK.min(left)) => view.ok(),
            next = happenings.next(), if !ends => {
                match next {
                    Some(Ok(Happening::Problem { words, .. })) => seen.rejected.push(words),
                    Some(Ok(Happening::Span(span))) if span.trace_id != sent.trace && span.span_kind == SpanKind::Server => {
                        seen.span = began_anew(ledger, &mut seen.candidates, span.trace_id, &clock).await;
                    }
                    Some(_) => {}
                    None => ends = true,
                }
                None
            }
        };
        if let Some(view) = view {
            seen.span = own_span(&view.arrivals, sent, &clock);
        }
        // A look at each process is a walk through its files: off these threads.
        let (asked, wanted) = (pids.clone(), receivers.to_vec());
        let found = tokio::task::spawn_blocking(move || connected(asked.into_iter(), &wanted)).await.unwrap_or_default();
        seen.connected.extend(found);
        if seen.span.is_none() && ends {
            clock::pause(LOOK.min(left)).await;
        }
    }
    seen
}

/// The span of the request: the SERVER span right below it, else the first of its trace.
fn own_span(arrivals: &[Arrival], sent: &Sent, clock: &Stopwatch) -> Option<SpanSeen> {
    let right_below = |arrival: &&Arrival| arrival.span.kind == SpanKind::Server && arrival.span.parent_id == Some(sent.span);
    let span = &arrivals.iter().find(right_below).or_else(|| arrivals.first())?.span;
    Some(seen(span, clock, true))
}

fn seen(span: &Arc<Span>, clock: &Stopwatch, continued: bool) -> SpanSeen {
    SpanSeen {
        service: span.service().to_owned(),
        instance: span.resource.instance().to_owned(),
        pid: Sender::of(&span.resource).pid,
        after_ms: clock.elapsed().as_millis() as u64,
        server: span.kind == SpanKind::Server,
        continued,
    }
}

/// The span of the request in a trace that the service began itself: known by the path.
async fn began_anew(ledger: &LedgerClient, looked: &mut usize, trace: TraceId, clock: &Stopwatch) -> Option<SpanSeen> {
    *looked += 1;
    if *looked > CANDIDATES {
        return None;
    }
    let view = ledger.view(trace).await.ok()?;
    let is_of_request = |span: &Span| {
        let text = PATHS.iter().find_map(|name| span.attributes.get(name).and_then(Value::as_str));
        span.kind == SpanKind::Server && text.is_some_and(|text| text.contains(BARRIER_PATH))
    };
    view.arrivals.iter().find(|arrival| is_of_request(&arrival.span)).map(|arrival| seen(&arrival.span, clock, false))
}

/// Who sends as this service, and how its traces go on.
async fn read_ledger(ledger: &LedgerClient, facts: &Facts, measured: &mut Measured) {
    let Ok(list) = ledger.senders().await else { return };
    measured.now_ns = list.now_ns;
    measured.senders = list.senders.into_iter().filter(|sender| is_it(sender, facts, measured.span.as_ref())).collect();
    let spans = measured.senders.iter().any(|sender| sender.spans.count > 0);
    measured.others_came = !spans && measured.senders.iter().any(|sender| sender.series.count + sender.logs.count > 0);
    let Some(service) = measured
        .span
        .as_ref()
        .map(|span| span.service.clone())
        .or_else(|| measured.senders.iter().find(|sender| sender.spans.count > 0).map(|sender| sender.service.clone()))
    else {
        return;
    };
    measured.propagation = propagation(ledger, &service).await.unwrap_or_default();
}

/// Whether a sender is the service: by the span it sent, by its process, or by the name it was given.
fn is_it(sender: &Sender, facts: &Facts, span: Option<&SpanSeen>) -> bool {
    if let Some(span) = span {
        return sender.service == span.service;
    }
    let Some(process) = facts.process.as_ref().filter(|process| !process.is_container) else { return false };
    let pids = std::iter::once(process.pid).chain(process.started.iter().map(|below| below.pid));
    let by_pid = sender.pid.is_some_and(|pid| pids.into_iter().any(|own| i64::from(own) == pid));
    by_pid || given_name(facts).is_some_and(|name| name == sender.service)
}

/// The name in the variables. It is compared and never shown.
fn given_name(facts: &Facts) -> Option<String> {
    let variables = facts.variables()?;
    variables.get("OTEL_SERVICE_NAME").or_else(|| {
        let list = variables.get("OTEL_RESOURCE_ATTRIBUTES")?;
        list.split(',').find_map(|pair| pair.trim().strip_prefix("service.name=").map(str::to_owned))
    })
}

async fn propagation(ledger: &LedgerClient, service: &str) -> Result<Propagation, client::ClientError> {
    let ids = ledger.recent(TRACES).await?.traces;
    let views = stream::iter(ids).map(|id| ledger.view(id)).buffered(8).collect::<Vec<_>>().await;
    let traces = views.into_iter().filter_map(Result::ok);
    let traces: Vec<Trace> = traces.map(|view| Trace::new(view.arrivals.into_iter().map(|arrival| arrival.span))).collect();
    Ok(propagation::of(&traces, service))
}

#[cfg(test)]
mod tests {
    use super::ahead;

    #[test]
    fn a_clock_is_apart_only_where_the_whole_second_of_a_date_is() {
        // 1 700 000 000
        let date = "Tue, 14 Nov 2023 22:13:20 GMT";
        let now = 1_700_000_000;
        for (before, after, expected) in [
            (now, now, None),
            (now - 1, now + 3, None),
            (now + 2, now + 2, None),
            (now + 90, now + 91, Some(-89)),
            (now - 91, now - 90, Some(90)),
        ] {
            assert_eq!(ahead(date, before, after), expected, "{before} {after}");
        }
        assert_eq!(ahead("yesterday", 0, 0), None);
    }
}
