//! The ports that devstack and the stack want: free, ours already, or who holds them.

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::{check::Check, engine_facts::EngineFacts};
use crate::{
    runtime::docker::Published,
    stack::Stack,
    support::ports::{self, Holder},
};

/// Ports of devstack's own receiver.
const RECEIVER: [(u16, &str); 2] = [(4317, "OTLP over gRPC"), (4318, "OTLP over HTTP")];
/// The port of the embedded runtime's trace API; a stack that publishes it names it itself.
const TRACES: (u16, &str) = (3200, "Tempo's API");

/// What helps whoever holds a port.
const ELSEWHERE: &str = "`devstack up --ports auto`";

/// A port of 127.0.0.1 that something will listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortWanted {
    /// Its number.
    pub port: u16,
    /// What for: `OTLP over HTTP`, `grafana`.
    pub what: String,
}

/// What was found on a port that is not free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) wanted: PortWanted,
    /// `None` where the operating system does not tell this user.
    pub(super) holder: Option<Holder>,
}

/// Everything that `devstack up` with this stack listens on, by number.
pub fn wanted(stack: &Stack) -> Vec<PortWanted> {
    let mut all: Vec<PortWanted> = RECEIVER.map(|(port, what)| PortWanted { port, what: what.to_owned() }).into();
    for component in &stack.components {
        let hosts = component.ports.values().filter_map(|port| port.host);
        all.extend(hosts.map(|port| PortWanted { port, what: component.name.clone() }));
    }
    if !stack.is_remote() && all.iter().all(|wanted| wanted.port != TRACES.0) {
        all.push(PortWanted { port: TRACES.0, what: TRACES.1.to_owned() });
    }
    all.sort_by_key(|wanted| wanted.port);
    all.dedup_by_key(|wanted| wanted.port);
    all
}

/// Who of this project may hold ports.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ours<'a> {
    /// The supervisor's process.
    pub(super) supervisor: Option<u32>,
    /// The owner's id, which its containers carry.
    pub(super) owner: Option<&'a str>,
}

/// Those that are taken, and by whom. Blocks.
pub(super) fn scan(wanted: &[PortWanted]) -> Vec<Taken> {
    let taken = wanted.iter().filter(|wanted| !ports::is_free((Ipv4Addr::LOCALHOST, wanted.port).into()));
    taken.map(|wanted| Taken { wanted: wanted.clone(), holder: ports::holder(wanted.port) }).collect()
}

/// Judges what was found: a finding for each port in the way, and one for all others.
pub(super) fn judge(wanted: &[PortWanted], taken: &[Taken], engine: Option<&EngineFacts>, us: Ours<'_>) -> Vec<Check> {
    let published = engine.map_or(&[][..], |facts| &facts.facts.published);
    let ours: BTreeSet<u16> = taken.iter().filter(|taken| is_ours(taken, published, us)).map(|taken| taken.wanted.port).collect();
    let foreign: Vec<_> = taken.iter().filter(|taken| !ours.contains(&taken.wanted.port)).collect();
    let in_way: BTreeSet<_> = foreign.iter().map(|taken| taken.wanted.port).collect();
    let free: Vec<u16> =
        wanted.iter().map(|wanted| wanted.port).filter(|port| !in_way.contains(port) && !ours.contains(port)).collect();
    let mut checks: Vec<_> = foreign.into_iter().map(|taken| held(taken, published)).collect();
    if !ours.is_empty() {
        let ours: Vec<_> = ours.into_iter().collect();
        checks.push(Check::ok("ports.ours", format!("{} held by this project's stack", are(&ours))).detail("ports", ours));
    }
    if !free.is_empty() {
        checks.push(Check::ok("ports", format!("{} free", are(&free))).detail("ports", free));
    }
    checks
}

fn held(taken: &Taken, published: &[Published]) -> Check {
    let PortWanted { port, what } = &taken.wanted;
    let check = |by: &str| Check::broken("port", format!("port {port} ({what}) is held by {by}"));
    let container = published.iter().find(|published| published.port == *port);
    let check = match (container, &taken.holder) {
        (Some(Published { container, .. }), _) => check(&format!("container {container}"))
            .fix(format!("stop it (`docker stop {container}`), or {ELSEWHERE}"))
            .detail("container", container.clone()),
        // The engine that this container runs in did not answer, or is another one.
        (None, Some(holder)) if holder.is_docker_proxy => check(&format!("a container ({})", with_age(holder)))
            .fix(format!("find it (`docker ps --filter publish={port}`), or {ELSEWHERE}"))
            .detail("pid", holder.pid),
        (None, Some(holder)) => check(&with_age(holder))
            .fix(format!("stop it (`kill {}`), or {ELSEWHERE}", holder.pid))
            .detail("process", holder.name.clone())
            .detail("pid", holder.pid),
        (None, None) => check("a process that this user may not see")
            .fix(format!("find it (`sudo lsof -nP -iTCP:{port} -sTCP:LISTEN`), or {ELSEWHERE}")),
    };
    check.detail("port", *port).detail("for", what.clone())
}

/// `otelcol (pid 4121), started 2 h ago`.
fn with_age(holder: &Holder) -> String {
    let since = holder.since.as_deref().map(|since| format!(", started {since}")).unwrap_or_default();
    format!("{holder}{since}")
}

/// The supervisor of the stack that is up, or one of this project's containers.
fn is_ours(taken: &Taken, published: &[Published], us: Ours<'_>) -> bool {
    let by_supervisor = us.supervisor.is_some() && taken.holder.as_ref().map(|holder| holder.pid) == us.supervisor;
    let of_container = |published: &&Published| published.port == taken.wanted.port && published.owner.is_some();
    let by_container = published.iter().find(of_container).is_some_and(|published| published.owner.as_deref() == us.owner);
    by_supervisor || by_container
}

/// `ports 4317, 4318 and 9090 are`.
fn are(ports: &[u16]) -> String {
    let numbers: Vec<_> = ports.iter().map(u16::to_string).collect();
    match numbers.split_last() {
        Some((only, [])) => format!("port {only} is"),
        Some((last, rest)) => format!("ports {} and {last} are", rest.join(", ")),
        None => "no port is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Holder, Ours, PortWanted, Published, Taken, judge};
    use crate::doctor::{Level, engine_facts::EngineFacts};

    const US: &str = "shop-1a2b3c4d";

    fn wanted(port: u16, what: &str) -> PortWanted {
        PortWanted { port, what: what.to_owned() }
    }

    fn holder(name: &str, pid: u32) -> Holder {
        let since = Some("2 h ago".to_owned());
        Holder { pid, name: name.to_owned(), since, is_docker_proxy: name == "docker-proxy" }
    }

    fn judged(taken: Option<Holder>, published: &[Published]) -> Vec<(Level, String, Option<String>)> {
        let all = [wanted(4317, "OTLP over gRPC"), wanted(9090, "prometheus")];
        let taken = [Taken { wanted: all[1].clone(), holder: taken }];
        let mut facts = EngineFacts::sample();
        facts.facts.published = published.to_vec();
        let checks = judge(&all, &taken, Some(&facts), Ours { supervisor: Some(77), owner: Some(US) });
        checks.into_iter().map(|check| (check.level, check.message, check.fix)).collect()
    }

    fn shop(ours: bool) -> Published {
        let owner = Some(if ours { US } else { "other-5e6f7a8b" }.to_owned());
        Published { port: 9090, container: "shop-prometheus".to_owned(), owner }
    }

    #[test]
    fn a_process_is_named_with_its_age_and_how_to_stop_it() {
        let checks = judged(Some(holder("prometheus", 812)), &[]);
        assert_eq!(
            checks,
            [
                (
                    Level::Broken,
                    "port 9090 (prometheus) is held by prometheus (pid 812), started 2 h ago".to_owned(),
                    Some("stop it (`kill 812`), or `devstack up --ports auto`".to_owned())
                ),
                (Level::Ok, "port 4317 is free".to_owned(), None),
            ]
        );
    }

    #[test]
    fn a_container_is_named_instead_of_the_proxy_that_stands_for_it() {
        let checks = judged(Some(holder("docker-proxy", 9)), &[shop(false)]);
        assert_eq!(checks[0].1, "port 9090 (prometheus) is held by container shop-prometheus");
        assert_eq!(checks[0].2.as_deref(), Some("stop it (`docker stop shop-prometheus`), or `devstack up --ports auto`"));
        let checks = judged(Some(holder("docker-proxy", 9)), &[]);
        assert_eq!(checks[0].1, "port 9090 (prometheus) is held by a container (docker-proxy (pid 9), started 2 h ago)");
    }

    #[test]
    fn neither_the_projects_own_container_nor_its_supervisor_is_in_the_way() {
        let by_supervisor = judged(Some(holder("devstack", 77)), &[]);
        assert_eq!(by_supervisor[0].1, "port 9090 is held by this project's stack");
        let checks = judged(Some(holder("docker-proxy", 9)), &[shop(true)]);
        assert_eq!(
            checks.iter().map(|check| check.1.as_str()).collect::<Vec<_>>(),
            ["port 9090 is held by this project's stack", "port 4317 is free"]
        );
    }

    #[test]
    fn a_holder_that_may_not_be_seen_is_still_in_the_way() {
        let checks = judged(None, &[]);
        assert_eq!(
            (checks[0].0, checks[0].1.as_str()),
            (Level::Broken, "port 9090 (prometheus) is held by a process that this user may not see")
        );
    }
}
