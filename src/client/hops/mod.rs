//! Where a span was lost: what each hop between the services and the store counted since the run began.
//!
//! Asked by the witness of `check` once spans are missing, and by `runtime` once a canary did not come back. The hops are listed by whoever made the grounds, in the order of the way; which counters
//! tell what is in `counted`.

mod counted;

use counted::{Counted, Gravity, Word, gap, words};
use futures_util::future::join_all;

use super::{ClientError, CountersClient};
use crate::support::{address::Address, words::capitalised};

/// What a hop is: its counters are read accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HopKind {
    /// devstack's own receiver, which counts in JSON ([`crate::model::Traffic`]).
    Receiver,
    /// An OpenTelemetry collector.
    Collector,
    /// Tempo.
    Tempo,
    /// Jaeger, which is a collector with a store.
    Jaeger,
}

/// A hop that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopAddress {
    /// The component's name.
    pub name: String,
    /// What it is.
    pub kind: HopKind,
    /// Its metrics in Prometheus' text format, `http://127.0.0.1:49153/metrics`; the receiver's traffic in JSON.
    pub metrics: String,
}

/// The hops and what they had counted when the run began.
#[derive(Debug)]
pub struct Hops(Vec<Hop>);

#[derive(Debug)]
struct Hop {
    address: HopAddress,
    before: Result<Option<Counted>, ClientError>,
}

/// Who lost something, in sentences.
#[derive(Debug, PartialEq, Eq)]
pub struct Blame {
    /// The one that matters first.
    pub sentences: Vec<String>,
    /// The component to look at.
    pub component: Option<String>,
}

impl Hops {
    /// Reads all hops, side by side. One that cannot be read now may be readable later, with everything it counts then.
    pub async fn read(addresses: &[HopAddress]) -> Self {
        let hops =
            addresses.iter().map(|address| async { Hop { address: address.clone(), before: read(address).await.map(Some) } });
        Self(join_all(hops).await)
    }

    /// Hops that have just begun: whatever they count is of this run.
    pub fn fresh(addresses: &[HopAddress]) -> Self {
        let hop = |address: &HopAddress| Hop { address: address.clone(), before: Ok(None) };
        Self(addresses.iter().map(hop).collect())
    }

    /// Reads them again and says which of them lost spans on their way to the store.
    pub async fn blame(&self, store: &str) -> Blame {
        let now = join_all(self.0.iter().map(|hop| read(&hop.address))).await;
        let (mut readable, mut silent) = (Vec::new(), Vec::new());
        for (hop, now) in self.0.iter().zip(now) {
            match now {
                Ok(now) => {
                    let before = hop.before.as_ref().ok().and_then(Option::as_ref);
                    readable.push((&hop.address, now.since(before), now));
                }
                Err(error) => silent.push(format!("What {} counted cannot be read: {error}.", hop.address.called())),
            }
        }
        blamed(&readable, silent, store)
    }
}

impl HopAddress {
    /// What it is called in a sentence.
    pub(super) fn called(&self) -> &str {
        match self.kind {
            HopKind::Receiver => "devstack's receiver",
            HopKind::Collector => "the collector",
            HopKind::Tempo => "Tempo",
            HopKind::Jaeger => "Jaeger",
        }
    }
}

async fn read(hop: &HopAddress) -> Result<Counted, ClientError> {
    let client = CountersClient::new(&Address::plain(hop.metrics.as_str()))?;
    match hop.kind {
        HopKind::Receiver => client.traffic().await.map(Counted::Traffic),
        HopKind::Collector | HopKind::Tempo | HopKind::Jaeger => client.read().await.map(Counted::Counters),
    }
}

/// From what was added at each hop, and what stands there now: spans that are gone for sure come first, then those that a hop still holds,
/// then those that arrived in smaller number than they were sent, then those that were refused and may have been sent again.
fn blamed(hops: &[(&HopAddress, Counted, Counted)], silent: Vec<String>, store: &str) -> Blame {
    let mut said: Vec<(Gravity, &HopAddress, String)> = Vec::new();
    for (at, (hop, added, now)) in hops.iter().enumerate() {
        said.extend(words(hop, added, now).into_iter().map(|Word(gravity, text)| (gravity, *hop, text)));
        if let Some((next, received, _)) = hops.get(at + 1)
            && let Some(text) = gap(hop, added, next, received)
        {
            said.push((Gravity::Gap, next, text));
        }
    }
    // Stable: of equal gravity the first on the way stays first.
    said.sort_by_key(|(gravity, ..)| *gravity);
    let Some((_, culprit, _)) = said.first() else {
        return Blame { sentences: unexplained(hops, silent, store), component: None };
    };
    let component = (culprit.kind != HopKind::Receiver).then(|| culprit.name.clone());
    let sentences = said.into_iter().map(|(_, _, text)| text).chain(silent).collect();
    Blame { sentences, component }
}

fn unexplained(hops: &[(&HopAddress, Counted, Counted)], silent: Vec<String>, store: &str) -> Vec<String> {
    if hops.is_empty() && silent.is_empty() {
        return vec!["Nothing on the way there counts what goes through it.".to_owned()];
    }
    let counted: Vec<_> = hops.iter().map(|(hop, ..)| hop.called()).collect();
    let all = match counted.split_last() {
        None => None,
        Some((only, [])) => Some(format!("{only} counted no loss")),
        Some((last, others)) => Some(format!("{} and {last} counted no loss", others.join(", "))),
    };
    let all = all.map(|all| format!("{}; {store} does not show the spans.", capitalised(&all)));
    all.into_iter().chain(silent).collect()
}

#[cfg(test)]
mod tests;
