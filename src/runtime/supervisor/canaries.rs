//! The proof that telemetry flows: a span and a metric go in at the front and must be readable at the back.
//!
//! The last step on the way up. Ready probes do not prove it: a store with a read-only volume says ready and refuses every span.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    client::Hops,
    runtime::{
        Events, Note, Order, UpEvent, UpFailure,
        base::Footing,
        canary::{self, CanaryBack, CanaryError},
    },
};

/// How long a canary may take, at most; less where the order's deadline is shorter.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the hops may take to say what they counted.
const COUNTED: Duration = Duration::from_secs(5);

/// Sends both at once, as far as there is somebody to ask for them.
pub(super) async fn fly(
    order: &Order,
    note: &Note,
    footing: &Footing,
    events: &Events,
    stop: &CancellationToken,
) -> Result<(), UpFailure> {
    let patience = order.deadline.min(PATIENCE);
    let way = note.way();
    // What has just begun has counted nothing of anybody else's; only beneath what ran before is there something to leave out.
    let hops = if footing.kept { Hops::read(&way).await } else { Hops::fresh(&way) };
    let trace = async {
        let Some(store) = &note.store else { return Ok(()) };
        let back = canary::trace(&note.otlp_http, store, patience).await;
        match told("trace", &footing.trace_way, events, back) {
            Err(failure) => Err(blamed(failure, &hops, &store.kind.to_string()).await),
            done => done,
        }
    };
    let metric = async {
        let Some(prometheus) = &note.prometheus else { return Ok(()) };
        told("metric", &footing.metric_way, events, canary::metric(&note.otlp_http, prometheus, patience).await)
    };
    tokio::select! {
        done = async { tokio::try_join!(trace, metric) } => done.map(drop),
        () = stop.cancelled() => Err(UpFailure::cancelled()),
    }
}

fn told(signal: &str, way: &[String], events: &Events, back: Result<CanaryBack, CanaryError>) -> Result<(), UpFailure> {
    let hops: Vec<_> = std::iter::once("devstack".to_owned()).chain(way.iter().cloned()).collect();
    match back {
        Ok(back) => {
            events.tell(UpEvent::Canary { signal: signal.to_owned(), hops, after: back.after });
            Ok(())
        }
        Err(error) => {
            let mut failure = UpFailure::new(format!("the canary {signal} did not come back through {}", hops.join(" → ")));
            failure.component = way.last().cloned();
            Err(failure.detail(error.last_sent).detail(error.last_read))
        }
    }
}

/// The failure with the hop at which the trace was lost, by what each hop counted. They count spans: the metric has no such account.
async fn blamed(mut failure: UpFailure, hops: &Hops, store: &str) -> UpFailure {
    let Ok(blame) = tokio::time::timeout(COUNTED, hops.blame(store)).await else {
        return failure.detail("the hops do not say what they counted");
    };
    failure.details.extend(blame.sentences);
    if let Some(name) = blame.component {
        failure.component = Some(name);
    }
    failure
}
