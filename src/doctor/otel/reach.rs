//! Whether anybody listens where telemetry is sent to. It connects and says nothing.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;

use super::{FAMILIES, endpoint::Endpoint, proxy};
use crate::{doctor::Check, support::env::Env};

/// How long a connect may take; those on one machine take less than a millisecond.
const CONNECT: Duration = Duration::from_millis(700);

/// A place that telemetry is sent to.
struct Place {
    variable: &'static str,
    endpoint: Endpoint,
}

/// Judges all endpoints that are set and not behind a proxy, each place once.
pub(in crate::doctor) async fn reach(env: &dyn Env) -> Vec<Check> {
    let mut places: Vec<Place> = Vec::new();
    for family in &FAMILIES {
        let Some(endpoint) = env.get(family.endpoint).and_then(|text| Endpoint::read(text.trim())) else { continue };
        let known = |place: &Place| (place.endpoint.host(), place.endpoint.port()) == (endpoint.host(), endpoint.port());
        if !places.iter().any(known) && !proxy::is_proxied(env, endpoint.scheme(), endpoint.host()) {
            places.push(Place { variable: family.endpoint, endpoint });
        }
    }
    join_all(places.iter().map(try_place)).await.into_iter().flatten().collect()
}

async fn try_place(place: &Place) -> Option<Check> {
    let (host, port) = (place.endpoint.host(), place.endpoint.port());
    let addresses: Vec<SocketAddr> = match tokio::net::lookup_host((host, port)).await {
        Ok(addresses) => addresses.collect(),
        Err(_) => Vec::new(),
    };
    let open = join_all(addresses.iter().map(|address| is_open(*address))).await;
    let open: Vec<_> = addresses.iter().zip(open).filter(|(_, open)| *open).map(|(address, _)| *address).collect();
    judge(place, &addresses, &open)
}

/// `addresses` in the order in which programs try them, and those of them where somebody listens.
fn judge(place: &Place, addresses: &[SocketAddr], open: &[SocketAddr]) -> Option<Check> {
    let Place { variable, endpoint } = place;
    let is = format!("{variable}={}", endpoint.shown);
    let check = match (addresses.first(), open.first()) {
        (None, _) => Check::attention("otel.reach", format!("{is}: the name {} is not known here", endpoint.host()))
            .fix(endpoint.on_host(variable, "127.0.0.1")),
        (Some(_), None) if endpoint.is_loopback() => {
            Check::attention("otel.reach", format!("nobody listens at {is}")).fix("devstack up")
        }
        (Some(_), None) => {
            Check::attention("otel.reach", format!("nobody answers at {is}")).fix(endpoint.on_host(variable, "127.0.0.1"))
        }
        (Some(first), Some(answering)) => {
            let both = (first.ip(), answering.ip());
            if both != (IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)) {
                return None;
            }
            let words = format!("{is}: {} means ::1 first here, and only 127.0.0.1 listens", endpoint.host());
            Check::attention("otel.localhost", words).fix(endpoint.on_host(variable, "127.0.0.1"))
        }
    };
    Some(check.detail("variable", *variable))
}

async fn is_open(address: SocketAddr) -> bool {
    matches!(tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(address)).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Endpoint, Place, judge};

    fn judged(url: &str, addresses: &[&str], open: &[&str]) -> Option<(String, String)> {
        let read = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let place = Place { variable: "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint: Endpoint::read(url).unwrap() };
        judge(&place, &read(addresses), &read(open)).map(|check| (check.message, check.fix.unwrap()))
    }

    #[test]
    fn localhost_that_means_another_address_first_is_told() {
        let (words, fix) = judged("http://localhost:4318", &["[::1]:4318", "127.0.0.1:4318"], &["127.0.0.1:4318"]).unwrap();
        let is = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318";
        assert_eq!(words, format!("{is}: localhost means ::1 first here, and only 127.0.0.1 listens"));
        assert_eq!(fix, "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318");
        let both = ["[::1]:4318", "127.0.0.1:4318"];
        assert_eq!(judged("http://localhost:4318", &both, &both), None);
        assert_eq!(judged("http://localhost:4318", &["127.0.0.1:4318", "[::1]:4318"], &["127.0.0.1:4318"]), None);
    }

    #[test]
    fn nobody_there_and_no_such_name() {
        let (words, fix) = judged("http://127.0.0.1:4318", &["127.0.0.1:4318"], &[]).unwrap();
        assert_eq!(words, "nobody listens at OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318");
        assert_eq!(fix, "devstack up");
        let (words, fix) = judged("http://me:secret@collector:4318/otlp", &[], &[]).unwrap();
        assert_eq!(words, "OTEL_EXPORTER_OTLP_ENDPOINT=http://***@collector:4318/otlp: the name collector is not known here");
        assert_eq!(fix, "set OTEL_EXPORTER_OTLP_ENDPOINT to http://***@127.0.0.1:4318/otlp with your own credentials");
    }
}
