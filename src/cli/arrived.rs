//! What arrived from a service between two moments: asked of the receiver's counters, told in one line.
//!
//! Used by `run` when its command has ended.

use std::time::Duration;

use crate::{
    client::CountersClient,
    model::{
        Traffic,
        traffic::{Sent, TRAFFIC_PATH},
    },
    runtime::Note,
    support::{address::Address, poll::Poll},
};

/// How long what a program sent in its last moment may take to be counted.
const PATIENCE: Duration = Duration::from_millis(300);

/// The name of devstack's own telemetry.
const OWN: &str = "devstack";

/// What was counted at one moment; nothing where nobody could be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted(Option<Traffic>);

impl Counted {
    /// What the receiver of this stack counts now.
    pub(super) async fn read(note: &Note) -> Self {
        let address = Address::plain(format!("{}{TRAFFIC_PATH}", note.ledger));
        match CountersClient::new(&address) {
            Ok(client) => Self(client.traffic().await.ok()),
            Err(_) => Self(None),
        }
    }

    /// What has arrived from `service` since, as a line.
    pub(super) async fn since(&self, note: &Note, service: &str) -> String {
        let mut poll = Poll::until(PATIENCE);
        loop {
            let now = Self::read(note).await;
            let (Some(before), Some(now)) = (&self.0, &now.0) else {
                return format!("nobody can tell what arrived from {service}: the stack does not answer");
            };
            let sent = difference(before, now, service);
            if sent != Sent::default() {
                return format!("{service} sent {}", words(sent));
            }
            if !poll.again().await {
                return nothing(before, now, service);
            }
        }
    }
}

fn difference(before: &Traffic, now: &Traffic, service: &str) -> Sent {
    let of = |traffic: &Traffic| traffic.services.get(service).copied().unwrap_or_default();
    let (before, now) = (of(before), of(now));
    Sent {
        spans: now.spans.saturating_sub(before.spans),
        points: now.points.saturating_sub(before.points),
        logs: now.logs.saturating_sub(before.logs),
    }
}

/// `42 spans, 3 metric points`.
fn words(sent: Sent) -> String {
    let part = |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let parts = [(sent.spans, "span"), (sent.points, "metric point"), (sent.logs, "log record")];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| part(count, noun)).collect::<Vec<_>>().join(", ")
}

/// Why not, as far as it can be seen from here.
fn nothing(before: &Traffic, now: &Traffic, service: &str) -> String {
    let others = now.services.keys().filter(|name| *name != service && *name != OWN);
    let others: Vec<_> =
        others.filter(|name| difference(before, now, name) != Sent::default()).map(|name| format!("`{name}`")).collect();
    let bad = |traffic: &Traffic| {
        traffic.unreadable
            + traffic.turned_away
            + [traffic.spans, traffic.points, traffic.logs].map(|flow| flow.rejected).iter().sum::<u64>()
    };
    let why = match (&now.last_problem, others.is_empty()) {
        (Some(problem), _) if bad(now) > bad(before) => problem.clone(),
        (_, false) => format!("in the meantime {} sent something; is it the same program under another name?", others.join(", ")),
        _ => "it exported nothing here; is its OpenTelemetry SDK loaded?".to_owned(),
    };
    format!("nothing arrived from {service}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(services: &[(&str, Sent)]) -> Traffic {
        let services = services.iter().map(|(name, sent)| ((*name).to_owned(), *sent)).collect();
        Traffic { services, ..Traffic::default() }
    }

    #[test]
    fn what_came_in_the_meantime_is_counted_in_words() {
        let before = traffic(&[("api", Sent { spans: 8, points: 3, logs: 0 })]);
        let now = traffic(&[("api", Sent { spans: 50, points: 4, logs: 0 })]);
        assert_eq!(words(difference(&before, &now, "api")), "42 spans, 1 metric point");
    }

    #[test]
    fn nothing_has_a_reason_where_one_is_seen() {
        let before = traffic(&[("devstack", Sent { spans: 1, ..Sent::default() })]);
        assert!(nothing(&before, &before, "api").ends_with("is its OpenTelemetry SDK loaded?"));
        let other =
            traffic(&[("devstack", Sent { spans: 9, ..Sent::default() }), ("shop", Sent { spans: 1, ..Sent::default() })]);
        assert!(nothing(&before, &other, "api").contains("in the meantime `shop` sent something"));
        let bad = Traffic { unreadable: 1, last_problem: Some("JSON sent as protobuf".to_owned()), ..other };
        assert_eq!(nothing(&before, &bad, "api"), "nothing arrived from api: JSON sent as protobuf");
    }
}
