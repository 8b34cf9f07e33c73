//! Who sends: the resources of what is held, with how much came of each and when.
//!
//! Asked by `doctor` now and then, so that looking at everything is soon enough; resources are compared only where they are not the same
//! object, which the interners of the stores make them mostly.

use std::{collections::HashMap, sync::Arc};

use super::{logs::Logs, metrics::Metrics, spans::Spans};
use crate::model::{
    Resource,
    arrival::{LONGEST_LAG_NS, Sender},
};

/// The senders of everything held, by service and instance; `opened` is when the ledger was, in nanoseconds since the Unix epoch.
pub(super) fn list(spans: &Spans, logs: &Logs, metrics: &Metrics, opened: u64) -> Vec<Sender> {
    let mut all = Senders::default();
    for arrival in spans.each() {
        let sender = all.of(&arrival.span.resource);
        sender.spans.add(arrival.at_ns);
        let lag = (opened + arrival.at_ns).saturating_sub(arrival.span.end_ns);
        if lag < LONGEST_LAG_NS {
            sender.longest_lag_ns = sender.longest_lag_ns.max(lag);
        }
    }
    for (record, at_ns) in logs.each() {
        all.of(&record.resource).logs.add(at_ns);
    }
    for arrival in metrics.each() {
        all.of(&arrival.point.series.resource).series.add(arrival.at_ns);
    }
    all.list.sort_by(|one, other| (&one.service, &one.instance, one.pid).cmp(&(&other.service, &other.instance, other.pid)));
    all.list
}

#[derive(Default)]
struct Senders {
    list: Vec<Sender>,
    known: HashMap<*const Resource, usize>,
}

impl Senders {
    fn of(&mut self, resource: &Arc<Resource>) -> &mut Sender {
        let list = &mut self.list;
        let at = *self.known.entry(Arc::as_ptr(resource)).or_insert_with(|| {
            let sender = Sender::of(resource);
            let same = list.iter().position(|known| known.is(&sender));
            same.unwrap_or_else(|| {
                list.push(sender);
                list.len() - 1
            })
        });
        &mut self.list[at]
    }
}
