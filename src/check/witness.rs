//! The witness: after a verdict, whether every span that devstack's receiver took for the case can be read back from the store, and if
//! not, where the others went.
//!
//! Made once a run, asked by `run` for each case that has its verdict; what it says goes into the case's report.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Grounds,
    findings::{counted, finding},
    outcome::Finding,
};
use crate::{
    client::{Hops, StoreClient},
    model::{Span, SpanId, TraceId},
    support::poll::Poll,
};

/// At most so many lost spans are named.
const NAMED: usize = 5;

/// Reads back what was received.
#[derive(Debug)]
pub(super) struct Witness {
    /// The store; an error in words where it cannot even be asked, `None` where there is none.
    store: Option<Result<StoreClient, String>>,
    patience: Duration,
    hops: Hops,
}

/// What it found.
#[derive(Debug)]
pub(super) struct Testimony {
    /// Spans that the store has.
    pub(super) found: usize,
    /// Spans that devstack's receiver took.
    pub(super) of: usize,
    /// Where the others went.
    pub(super) lost: Option<Finding>,
}

impl Witness {
    /// A witness on these grounds. What the hops count is read now, so that what they count later is of this run.
    pub(super) async fn open(grounds: &Grounds) -> Self {
        let store = grounds.store.as_ref().map(|store| StoreClient::new(store).map_err(|error| error.to_string()));
        Self { store, patience: grounds.store_patience, hops: Hops::read(&grounds.hops).await }
    }

    /// The store, for a judge who has nothing else.
    pub(super) fn store(&self) -> Result<&StoreClient, String> {
        match &self.store {
            Some(Ok(store)) => Ok(store),
            Some(Err(why)) => Err(why.clone()),
            None => Err("no store is known".to_owned()),
        }
    }

    /// Reads the trace until all of these spans are there, at most so long as its patience lasts; `None` where there is no store, or
    /// nothing that should be in it.
    pub(super) async fn ask(&self, trace_id: TraceId, received: impl Iterator<Item = Arc<Span>>) -> Option<Testimony> {
        let mut missing: BTreeMap<SpanId, Arc<Span>> = received.map(|span| (span.span_id, span)).collect();
        let of = missing.len();
        let store = match self.store.as_ref().filter(|_| of > 0)? {
            Ok(store) => store,
            Err(why) => return Some(unheard(of, "The store", why)),
        };
        let mut poll = Poll::until(self.patience);
        loop {
            let answer = store.trace(trace_id).await;
            if let Ok(Some(trace)) = &answer {
                missing.retain(|id, _| trace.get(*id).is_none());
            }
            if missing.is_empty() {
                return Some(Testimony { found: of, of, lost: None });
            }
            if poll.again().await {
                continue;
            }
            let kind = store.kind().to_string();
            return Some(match answer {
                Err(error) if missing.len() == of => unheard(of, &kind, &error.to_string()),
                _ => self.incomplete(&kind, &missing, of).await,
            });
        }
    }

    async fn incomplete(&self, store: &str, missing: &BTreeMap<SpanId, Arc<Span>>, of: usize) -> Testimony {
        let found = of - missing.len();
        let has = if found == 0 { "none".to_owned() } else { found.to_string() };
        let mut lost =
            finding("witness.lost", format!("{store} has {has} of the {} of this trace.", counted(of, "span", "spans")));
        lost.details.push(format!("Not there: {}.", named(missing)));
        let blame = self.hops.blame(store).await;
        lost.details.extend(blame.sentences);
        lost.hint = blame.component.map(|name| format!("devstack logs {name}"));
        Testimony { found, of, lost: Some(lost) }
    }
}

/// The store did not answer at all, which says nothing of the spans.
fn unheard(of: usize, store: &str, why: &str) -> Testimony {
    let mut lost = finding("witness.unheard", format!("{store} could not be asked whether it has the trace."));
    lost.details.push(format!("{why}."));
    Testimony { found: 0, of, lost: Some(lost) }
}

fn named(missing: &BTreeMap<SpanId, Arc<Span>>) -> String {
    let mut spans: Vec<_> = missing.values().collect();
    spans.sort_by_key(|span| span.start_ns);
    let names: Vec<_> = spans.iter().take(NAMED).map(|span| format!("`{}` of {}", span.name, span.service())).collect();
    let more = spans.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", names.join(", "))
}
