//! A service that runs already as the target: where it is, whether fixtures may be sent there, and where its telemetry comes in.
//!
//! Called by `stand`. Its telemetry comes to the stack that is up; with none up the run takes the ports that SDKs export to by default.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use super::{
    Stand, Started, Wishes, environment, own, stack,
    way::{Takers, Way},
};
use crate::{
    check::Aim,
    cli::Failure,
    fixture::Target,
    replay::Pace,
    runtime::{Note, Receiving},
    support::{project::Project, suggest},
};

/// The name under which `services:` of a suite says where scripted externals are.
const EXTERNALS: &str = "externals";

/// Where requests go.
struct Place {
    /// In the header of a run: an address, with the name in front where it was found by one.
    words: String,
    url: String,
    /// The service's name: where nobody says it, its host and port.
    name: String,
}

/// Finds the target and its stack.
pub(super) async fn find(
    wishes: &Wishes,
    project: &Project,
    note: Option<&Note>,
    http: &reqwest::Client,
    stop: &CancellationToken,
) -> Result<Stand, Failure> {
    let wanted = &wishes.wanted;
    if let Target::Service(name) = &wanted.target
        && let Some(service) = wishes.settings.services.iter().find(|service| service.name == *name)
    {
        return own::find(service, wishes, project, note, http, stop).await;
    }
    let place = place(wishes)?;
    let mut services = vec![(place.name.clone(), place.url.clone())];
    services
        .extend(wanted.services.iter().filter(|(name, _)| **name != place.name).map(|(name, url)| (name.clone(), url.clone())));
    allowed(&services, &wanted.allow).await?;
    let externals = services.iter().position(|(name, _)| name == EXTERNALS).map(|at| services.remove(at).1);

    let (mut way, started) = match note {
        Some(note) => (Way::of_note(stack::in_words(note), note), Started::Nothing),
        None => receive(wishes).await?,
    };
    way.stack = format!("{} · {}", way.stack, place.words);
    let pace = wanted.rate.map(|rate| Pace::new(rate.spacing()));
    let aim = Aim { pace, ..Aim::at(place.url, place.name) };
    let takers =
        Takers { services, externals, secrets: wishes.secrets.clone(), isolation: None, examiner: Some(way.examiner(project)) };
    Ok(Stand { grounds: way.grounds(aim, takers, http), started, warnings: Vec::new() })
}

/// A receiver for the length of the run.
async fn receive(wishes: &Wishes) -> Result<(Way, Started), Failure> {
    let (grpc, http) = wishes.otlp_ports;
    let receiving = Receiving::start(grpc, http).await.map_err(|failure| {
        let message = std::iter::once(failure.message).chain(failure.details).collect::<Vec<_>>().join("\n  ");
        Failure::environment(message)
            .hint("a run without a stack takes 4317 and 4318, where services export unless they are told otherwise")
            .hint("stop what holds the port, or `devstack up --ports auto` and start the service with `devstack run -- COMMAND`")
    })?;
    let [grpc, http] = receiving.ports();
    let words = format!("embedded stack on {grpc}, {http}");
    let way = Way::embedded(words, &receiving.ledger(), &receiving.otlp_http(), &receiving.otlp_grpc());
    Ok((way, Started::Receiving(Box::new(receiving))))
}

/// Where the target is. A name is looked for in the suite's `services:`; those of the project's own are somebody else's ([`own`]).
fn place(wishes: &Wishes) -> Result<Place, Failure> {
    let wanted = &wishes.wanted;
    match &wanted.target {
        Target::Service(name) => {
            let own = wishes.settings.services.iter().map(|service| &service.name);
            let Some(url) = wanted.services.get(name) else { return Err(unknown(name, wanted.services.keys().chain(own))) };
            Ok(Place { words: format!("{name} at {url}"), url: url.clone(), name: name.clone() })
        }
        target => {
            let url = target.to_string();
            let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(&url);
            let name = wanted.service.clone().unwrap_or_else(|| authority.to_owned());
            Ok(Place { words: url.clone(), url, name })
        }
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String> + Clone) -> Failure {
    let failure = Failure::usage(format!("there is no service `{name}` to send to"));
    match suggest::nearest(name, known.clone().map(String::as_str).chain(["demo"])) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.clone().next().is_none() => failure
            .hint("describe it under `services:` in devstack.yaml (`devstack init` begins one), or `--target http://HOST:PORT`"),
        None => {
            let names: Vec<_> = known.map(|name| format!("`{name}`")).collect();
            failure.hint(format!("suite.yaml and devstack.yaml know {}", names.join(", ")))
        }
    }
}

/// Fixtures are sent to this machine, and elsewhere only where somebody said so: they create orders and write to customers.
async fn allowed(services: &[(String, String)], allow: &[String]) -> Result<(), Failure> {
    let mut refused: Vec<String> = Vec::new();
    let mut shown = Vec::new();
    for (_, url) in services {
        let Ok(parsed) = reqwest::Url::parse(url) else {
            return Err(Failure::usage(format!("`{url}` is not the address of a service")));
        };
        let host = parsed.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if allow.contains(&host) || refused.contains(&host) || is_loopback(&host, parsed.port_or_known_default()).await? {
            continue;
        }
        shown.push(format!("`{url}`"));
        refused.push(host);
    }
    if refused.is_empty() {
        return Ok(());
    }
    let (is, it) = if shown.len() == 1 { ("is", "it") } else { ("are", "them") };
    let options: Vec<_> = refused.iter().map(|host| format!("--allow-target {host}")).collect();
    Err(Failure::usage(format!("{} {is} not on this machine; nothing was sent", shown.join(", "))).hint(format!(
        "`{}` sends to {it} all the same; in suite.yaml `allow_target: [{}]`",
        options.join(" "),
        refused.join(", ")
    )))
}

/// Whether every address of a host is of the loopback interface.
async fn is_loopback(host: &str, port: Option<u16>) -> Result<bool, Failure> {
    if host == "localhost" {
        return Ok(true);
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(ip.is_loopback());
    }
    let found = tokio::net::lookup_host((host, port.unwrap_or_default())).await.map_err(|error| {
        environment(&error).hint(format!("the name `{host}` of the target has no address; is it spelt right?"))
    })?;
    let mut addresses = found.peekable();
    Ok(addresses.peek().is_some() && addresses.all(|address| address.ip().is_loopback()))
}
