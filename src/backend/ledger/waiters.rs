//! Who waits for what, and how they are woken.
//!
//! A subscription is made under the ledger's lock and ends when its topic changes: the sender is dropped, which every receiver
//! notices, whether it was already waiting or not.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::watch;

use super::handle::Shared;
use crate::model::TraceId;

/// What one can wait for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// Any change of a trace.
    Trace(TraceId),
    /// One more trace with this correlation id.
    Correlation(Arc<str>),
}

/// The open subscriptions by topic.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    senders: HashMap<Topic, watch::Sender<()>>,
    /// Topics that changed during the insert under way.
    marked: HashSet<Topic>,
}

/// One wait; forgets itself when dropped. Never drop it while holding the ledger's lock.
#[derive(Debug)]
pub(super) struct Subscription {
    shared: Arc<Shared>,
    topic: Topic,
    receiver: Option<watch::Receiver<()>>,
}

impl Waiters {
    /// Notes that a topic changed, if anyone waits for it.
    pub(super) fn mark(&mut self, topic: Topic) {
        if self.senders.contains_key(&topic) {
            self.marked.insert(topic);
        }
    }

    /// Wakes whoever waits for a marked topic: once an insert, however many spans it brought.
    pub(super) fn wake_marked(&mut self) {
        for topic in self.marked.drain() {
            self.senders.remove(&topic);
        }
    }

    fn subscribe(&mut self, topic: &Topic) -> watch::Receiver<()> {
        match self.senders.get(topic) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(());
                self.senders.insert(topic.clone(), sender);
                receiver
            }
        }
    }

    fn forget_if_alone(&mut self, topic: &Topic) {
        if self.senders.get(topic).is_some_and(|sender| sender.receiver_count() == 0) {
            self.senders.remove(topic);
        }
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.senders.values().map(watch::Sender::receiver_count).sum()
    }
}

impl Subscription {
    /// Subscribes under the lock that the caller holds.
    pub(super) fn new(shared: &Arc<Shared>, waiters: &mut Waiters, topic: Topic) -> Self {
        let receiver = Some(waiters.subscribe(&topic));
        Self { shared: Arc::clone(shared), topic, receiver }
    }

    /// Returns when the topic has changed since the subscription was made.
    pub(super) async fn woken(mut self) {
        if let Some(receiver) = &mut self.receiver {
            // Nothing is ever sent; the error is the sender's end, which is the wake-up.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // The receiver goes first, so that the count below no longer has it.
        self.receiver = None;
        self.shared.lock().waiters.forget_if_alone(&self.topic);
    }
}
