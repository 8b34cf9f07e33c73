//! Endpoints that run elsewhere: nothing to start, everything to ask.
//!
//! Their addresses, headers and certificates come from the stack file; whether they work is shown by the canary.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::Footing;
use crate::{
    backend::Upstreams,
    client::{self, StoreAddress, StoreKind},
    runtime::{ComponentStatus, Order, UpFailure},
    stack::Endpoints,
    support::address::Address,
};

/// How long an endpoint may take to say how it is: somebody waits for the answer.
const ANSWER: Duration = Duration::from_secs(4);

/// Endpoints elsewhere.
pub(in crate::runtime) struct RemoteBase {
    /// Name, address, and a path that answers when it works, where one is known.
    asked: Vec<(&'static str, Address, Option<&'static str>)>,
}

impl RemoteBase {
    /// Tells the receiver where to pass on to.
    pub(super) fn start(order: &Order, upstreams: &watch::Sender<Upstreams>) -> Result<(Self, Footing), UpFailure> {
        let endpoints = &order.stack.endpoints;
        if endpoints.otlp_grpc.is_none() && endpoints.otlp_http.is_none() {
            let missing =
                UpFailure::new(format!("the stack `{}` names no OTLP endpoint to pass telemetry on to", order.stack.name));
            return Err(missing.hint("set OTEL_EXPORTER_OTLP_ENDPOINT, or `endpoints.otlp_http` in devstack.yaml"));
        }
        upstreams.send_replace(Upstreams { grpc: endpoints.otlp_grpc.clone(), http: endpoints.otlp_http.clone() });
        Ok((Self { asked: asked(endpoints) }, footing(endpoints)))
    }

    /// Asks each whether it works.
    pub(super) async fn states(&self) -> Vec<ComponentStatus> {
        join_all(self.asked.iter().map(|(name, at, path)| state(name, at, *path))).await
    }
}

/// A collector of another vendor has no path that is known to answer; a store has.
fn asked(endpoints: &Endpoints) -> Vec<(&'static str, Address, Option<&'static str>)> {
    let known = [
        ("otlp_grpc", &endpoints.otlp_grpc, None),
        ("otlp_http", &endpoints.otlp_http, None),
        ("tempo", &endpoints.tempo, Some("/api/echo")),
        ("jaeger", &endpoints.jaeger, Some("/api/v3/services")),
        ("prometheus", &endpoints.prometheus, Some("/api/v1/query?query=1")),
        ("grafana", &endpoints.grafana, Some("/api/health")),
    ];
    known.into_iter().filter_map(|(name, at, path)| at.clone().map(|at| (name, at, path))).collect()
}

fn footing(endpoints: &Endpoints) -> Footing {
    let store_of = |kind, at: &Option<Address>| at.clone().map(|at| StoreAddress { kind, at });
    let store = store_of(StoreKind::Tempo, &endpoints.tempo).or_else(|| store_of(StoreKind::Jaeger, &endpoints.jaeger));
    let store_name = match &store {
        Some(StoreAddress { kind: StoreKind::Tempo, .. }) => "tempo",
        _ => "jaeger",
    };
    let hop = |at: &Address| host(&at.url).to_owned();
    let way = endpoints.otlp_http.as_ref().or(endpoints.otlp_grpc.as_ref()).map(hop);
    let way_to = |name: &str| way.iter().cloned().chain([name.to_owned()]).collect();
    Footing {
        trace_way: way_to(store_name),
        metric_way: way_to("prometheus"),
        store,
        prometheus: endpoints.prometheus.clone(),
        grafana: endpoints.grafana.as_ref().map(|at| at.url.clone()),
        ..Footing::default()
    }
}

async fn state(name: &str, at: &Address, path: Option<&str>) -> ComponentStatus {
    let health = match path {
        Some(path) => Some(match tokio::time::timeout(ANSWER, client::probe(at, path)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
        }),
        None => None,
    };
    let health_words = health.map(|health| health.map_or_else(|words| words, |()| "ready".to_owned()));
    let healthy = health_words.as_deref().is_none_or(|words| words == "ready");
    ComponentStatus {
        name: name.to_owned(),
        state: "remote".to_owned(),
        healthy,
        health: health_words,
        address: Some(at.url.clone()),
        ports: BTreeMap::new(),
        uptime_s: None,
        image: None,
        container: None,
        pid: None,
        stand_in: None,
    }
}

/// The host and port of an address.
fn host(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    after.split(['/', '?']).next().unwrap_or(after)
}
