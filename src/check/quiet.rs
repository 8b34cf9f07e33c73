//! *Quiet*: for how long nothing new must come before the trace of services that do not report their work counts as whole.
//!
//! An SDK exports a batch when its delay is over, so whatever ended before is here after that delay, and nothing new for twice as long
//! says that nothing was under way (DESIGN section 7). How long the delay is, a service that devstack started says itself, by a resource
//! attribute; of any other it is measured, and never taken for shorter than what SDKs do by default. Pure; asked by the observer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    model::{Arrival, FLUSH_ATTRIBUTE, LedgerView, OWN_SERVICE, Span, Trace, Value},
    support::clock,
};

/// How long SDKs wait before they export spans, where nobody says: the default of `OTEL_BSP_SCHEDULE_DELAY` (OpenTelemetry, "Environment
/// Variable Specification").
pub const SDK_DELAY: Duration = Duration::from_secs(5);

/// What is added to it: an export takes its time, too, a processor may begin a delay anew just before a span ends, and machines are slow.
const LEAST: Duration = Duration::from_millis(500);

/// A span that came later than this after its end was not held back by an exporter: its clock is another one.
const LONGEST_LAG: Duration = Duration::from_mins(1);

/// How long the services of a trace keep spans back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flush {
    /// The longest of them.
    pub(super) period: Duration,
    /// Whose it is, where it is not devstack that says it.
    pub(super) who: Option<String>,
    /// Whether anything of that service has come: its delay was measured then, and else assumed.
    pub(super) came: bool,
    /// Whether a span names a parent that has not come: something is under way still.
    pub(super) unfinished: bool,
}

impl Flush {
    /// Looks at what has arrived. `named` are services that the fixture expects: of one that has not been seen nothing is known, and
    /// `assumed` is what is then taken for its delay. `own` are devstack's spans, which are known without arriving.
    pub(super) fn of(view: &LedgerView, named: &BTreeSet<&str>, own: &[Arc<Span>], assumed: Duration) -> Self {
        let spans = || view.arrivals.iter().filter(|arrival| arrival.span.service() != OWN_SERVICE);
        let now = clock::unix_nanos();
        let seen: BTreeSet<_> = spans().map(|arrival| arrival.span.service()).collect();
        let of_seen = spans().map(|arrival| {
            let lag = lag(arrival, view, now);
            let told = told(&arrival.span);
            (told.unwrap_or(assumed).max(lag), told.is_none().then(|| arrival.span.service()))
        });
        let of_unseen = named.iter().filter(|name| !seen.contains(*name)).map(|name| (assumed, Some(*name)));
        let longest = of_seen.chain(of_unseen).max_by_key(|(period, _)| *period);
        let Some((period, who)) = longest else { return Self::unknown(assumed) };
        let trace = Trace::new(own.iter().cloned().chain(spans().map(|arrival| Arc::clone(&arrival.span))));
        let came = who.is_some_and(|who| seen.contains(who));
        Self { period, who: who.map(str::to_owned), came, unfinished: !trace.orphans().is_empty() }
    }

    /// Of services that nothing is known of.
    pub(super) fn unknown(assumed: Duration) -> Self {
        Self { period: assumed, who: None, came: false, unfinished: false }
    }

    /// For how long nothing new must come.
    pub(super) fn quiet(&self, assumed: Duration) -> Duration {
        let period = if self.unfinished { self.period.max(assumed) } else { self.period };
        2 * period + LEAST.min(assumed)
    }

    /// The same where the fixture has said by which spans the work ends, and they are here.
    pub(super) fn complete(&self) -> Duration {
        self.period.max(LEAST / 2)
    }

    /// What was waited for, in words.
    pub(super) fn words(&self) -> Option<String> {
        let who = self.who.as_ref()?;
        let seconds = self.period.as_secs_f64();
        Some(if self.came {
            format!("{who} exports every {seconds:.0} s; started by `devstack run` it would export every 50 ms")
        } else {
            format!("for {who}, of which nothing came; SDKs export every {seconds:.0} s")
        })
    }
}

/// The delay that a service was started with, as its resource tells.
fn told(span: &Span) -> Option<Duration> {
    match span.resource.attributes.get(FLUSH_ATTRIBUTE)? {
        Value::Int(millis) => u64::try_from(*millis).ok().map(Duration::from_millis),
        Value::String(text) => text.parse().ok().map(Duration::from_millis),
        _ => None,
    }
}

/// From the end of a span to its arrival.
fn lag(arrival: &Arrival, view: &LedgerView, now_unix_ns: u64) -> Duration {
    let arrived = now_unix_ns.saturating_sub(view.now_ns.saturating_sub(arrival.at_ns));
    let lag = Duration::from_nanos(arrived.saturating_sub(arrival.span.end_ns));
    if lag > LONGEST_LAG { Duration::ZERO } else { lag }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc, time::Duration};

    use super::{Flush, LEAST, SDK_DELAY};
    use crate::{
        check::aim::TARGET_DEADLINE,
        expect::sample::{Draft, span, trace},
        model::{Arrival, FLUSH_ATTRIBUTE, LedgerView},
        support::clock,
    };

    /// What came so long after its end.
    fn view(spans: Vec<Draft>, lag: Duration) -> LedgerView {
        let end_ns = clock::unix_nanos() - lag.as_nanos() as u64;
        let arrival = |span: &Arc<crate::model::Span>| {
            let mut span = span.as_ref().clone();
            (span.start_ns, span.end_ns) = (end_ns - 1, end_ns);
            Arrival { span: Arc::new(span), at_ns: 7, resent: 0 }
        };
        LedgerView {
            version: 1,
            now_ns: 7,
            arrivals: trace(spans).spans().iter().map(arrival).collect(),
            ..LedgerView::default()
        }
    }

    fn started_by_devstack(id: u64) -> Draft {
        span(id).of("api").resource(FLUSH_ATTRIBUTE, "50")
    }

    fn flush(view: &LedgerView, named: &[&str]) -> Flush {
        Flush::of(view, &named.iter().copied().collect::<BTreeSet<_>>(), &[], SDK_DELAY)
    }

    #[test]
    fn a_service_that_devstack_started_is_waited_for_shortly() {
        let flush = flush(&view(vec![started_by_devstack(1)], Duration::ZERO), &["api"]);
        assert!(flush.quiet(SDK_DELAY) < Duration::from_secs(1) && flush.words().is_none(), "{flush:?}");
    }

    #[test]
    fn a_stranger_is_taken_for_what_sdks_do_and_for_more_where_it_lags_more() {
        let prompt = flush(&view(vec![span(1).of("api")], Duration::ZERO), &["api"]);
        assert_eq!(prompt.quiet(SDK_DELAY), 2 * SDK_DELAY + LEAST);
        assert!(prompt.words().is_some_and(|words| words.starts_with("api exports every 5 s")));
        let slow = flush(&view(vec![span(1).of("api")], Duration::from_secs(9)), &["api"]);
        assert!(slow.quiet(SDK_DELAY) >= Duration::from_secs(18), "{slow:?}");
        let skewed = flush(&view(vec![span(1).of("api")], Duration::from_hours(2)), &["api"]);
        assert_eq!(skewed.quiet(SDK_DELAY), 2 * SDK_DELAY + LEAST, "another clock is no lag");
    }

    #[test]
    fn a_service_left_at_its_defaults_can_be_judged_before_the_deadline() {
        let view = view(vec![span(1).of("api")], SDK_DELAY);
        let judged = SDK_DELAY + flush(&view, &["api"]).quiet(SDK_DELAY);
        assert!(judged + Duration::from_secs(3) < TARGET_DEADLINE, "{judged:?}");
    }

    #[test]
    fn of_a_service_that_has_not_come_nothing_is_known() {
        let flush = flush(&view(vec![started_by_devstack(1)], Duration::ZERO), &["api", "worker"]);
        assert_eq!((flush.quiet(SDK_DELAY), flush.who.as_deref()), (2 * SDK_DELAY + LEAST, Some("worker")));
        assert_eq!(flush.words().as_deref(), Some("for worker, of which nothing came; SDKs export every 5 s"));
    }

    #[test]
    fn a_parent_that_lacks_is_work_under_way() {
        let flush = flush(&view(vec![started_by_devstack(1), started_by_devstack(3).under(2)], Duration::ZERO), &[]);
        assert!(flush.unfinished);
        assert_eq!(flush.quiet(SDK_DELAY), 2 * SDK_DELAY + LEAST);
    }
}
