//! What stands beneath devstack's receiver: nothing (embedded), containers, or endpoints elsewhere.
//!
//! Brought up by the supervisor, each kind behind the same few questions; the receiver passes on to what the [`Footing`] names.

mod docker;
mod remote;

use std::collections::BTreeMap;

use docker::DockerBase;
pub(super) use docker::not_removed;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use remote::RemoteBase;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{ComponentStatus, Events, Hop, LogLine, LogsWanted, Order, RuntimeKind, UpFailure, supervisor::Journal};
use crate::{backend::Upstreams, client::StoreAddress, support::address::Address};

/// What stands beneath the receiver.
pub(super) enum Base {
    /// The receiver is the last hop.
    Embedded,
    /// Containers.
    Docker(Box<DockerBase>),
    /// Endpoints elsewhere.
    Remote(RemoteBase),
}

/// Where the parts of a base are.
#[derive(Debug, Clone, Default)]
pub(super) struct Footing {
    /// What keeps the traces; `None` where the receiver itself does, or nothing.
    pub(super) store: Option<StoreAddress>,
    /// What keeps the metrics.
    pub(super) prometheus: Option<Address>,
    /// What draws.
    pub(super) grafana: Option<String>,
    /// Who counts.
    pub(super) hops: Vec<Hop>,
    /// Names of the hops between devstack and the trace store, the store last.
    pub(super) trace_way: Vec<String>,
    /// Names of the hops between devstack and the metric store, the store last.
    pub(super) metric_way: Vec<String>,
    /// Published ports of containers.
    pub(super) components: BTreeMap<String, BTreeMap<String, u16>>,
    /// Their network.
    pub(super) network: Option<String>,
    /// Whether some of them ran before.
    pub(super) kept: bool,
}

/// Who is told what changes.
pub(super) struct Followers {
    /// The receiver: where to pass on to.
    pub(super) upstreams: watch::Sender<Upstreams>,
    /// The supervisor: where everything is now.
    pub(super) footing: mpsc::UnboundedSender<Footing>,
    /// Whoever reads the journal later.
    pub(super) journal: Journal,
}

impl Base {
    /// Brings it up and tells the receiver where to pass on to. On failure nothing of it is left.
    pub(super) async fn start(
        order: &Order,
        upstreams: &watch::Sender<Upstreams>,
        events: &Events,
        stop: &CancellationToken,
    ) -> Result<(Self, Footing), UpFailure> {
        match order.runtime {
            RuntimeKind::Embedded => Ok((Self::Embedded, Footing::default())),
            RuntimeKind::Docker => {
                let (base, footing) = DockerBase::start(order, upstreams, events, stop).await?;
                Ok((Self::Docker(Box::new(base)), footing))
            }
            RuntimeKind::Remote => {
                let (base, footing) = RemoteBase::start(order, upstreams)?;
                Ok((Self::Remote(base), footing))
            }
        }
    }

    /// How its parts are now.
    pub(super) async fn states(&self) -> Vec<ComponentStatus> {
        match self {
            Self::Embedded => Vec::new(),
            Self::Docker(docker) => docker.states().await,
            Self::Remote(remote) => remote.states().await,
        }
    }

    /// What its parts wrote.
    pub(super) fn logs(&self, wanted: &LogsWanted) -> BoxStream<'static, LogLine> {
        match self {
            Self::Docker(docker) => docker.logs(wanted),
            Self::Embedded | Self::Remote(_) => futures_util::stream::empty().boxed(),
        }
    }

    /// Follows what changes beneath the receiver, for as long as it is asked to: a container that was restarted has other ports.
    pub(super) fn follow(&self, followers: Followers) -> BoxFuture<'static, ()> {
        match self {
            Self::Docker(docker) => docker.follow(followers).boxed(),
            Self::Embedded | Self::Remote(_) => std::future::pending().boxed(),
        }
    }

    /// Takes back what [`Base::start`] made, because a later step failed.
    pub(super) async fn undo(self, events: &Events) {
        if let Self::Docker(docker) = self {
            docker.undo(events).await;
        }
    }

    /// Removes its parts. Gives sentences about what others keep there; fails where something of ours is left.
    pub(super) async fn end(&self, volumes: bool, events: &Events) -> Result<Vec<String>, UpFailure> {
        match self {
            Self::Docker(docker) => docker.end(volumes, events).await,
            Self::Embedded | Self::Remote(_) => Ok(Vec::new()),
        }
    }
}
