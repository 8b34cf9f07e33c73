//! What a folder says of the service in it, each fact with the file that says it.
//!
//! Read by [`super::files`] through the choices of a person.

use std::{collections::BTreeMap, path::Path};

use super::{
    manifests, samples,
    sources::{self, Sources},
};
use crate::webhook::Providers;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Services, the one that takes requests first.
    pub services: Vec<FoundService>,
    /// Providers, those first of which most is known.
    pub providers: Vec<FoundProvider>,
    /// Variables with addresses that the sources read, and the file of each.
    pub addresses: Vec<(String, String)>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundService {
    /// What to call it.
    pub name: String,
    /// What starts it.
    pub command: String,
    /// Where it listens.
    pub port: Option<u16>,
    /// The path that says that it is ready.
    pub ready: Option<String>,
    /// Files that say so.
    pub said_by: Vec<String>,
    /// Its own source file, where the command names one.
    pub source: Option<String>,
}

/// A provider whose webhooks the service seems to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProvider {
    /// Its name in fixtures; `plain` for nobody in particular.
    pub name: String,
    /// The path that takes its deliveries.
    pub path: Option<String>,
    /// Variables that the service reads its secret from.
    pub secrets: Vec<String>,
    /// Why: `STRIPE_WEBHOOK_SECRET in .env.example`.
    pub said_by: Vec<String>,
}

/// Names that mean something else in devstack.yaml.
const RESERVED: [&str; 2] = ["secret", "devstack"];

/// Whether a service can be called so.
pub fn is_service_name(name: &str) -> bool {
    name.starts_with(|sign: char| sign.is_ascii_alphabetic())
        && name.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_".contains(sign))
        && !RESERVED.contains(&name)
}

/// Looks at a folder. What cannot be read is passed over: all of it is a proposal.
pub fn look(folder: &Path) -> Found {
    let sources = Sources::read(folder);
    let mut services = manifests::services(folder);
    let several = services.len() > 1;
    for service in &mut services {
        if !is_service_name(&service.name) {
            "api".clone_into(&mut service.name);
        }
        // Of several services each has a file of its own, or nothing is known of it.
        let within = service.source.clone().filter(|_| several);
        if several && within.is_none() {
            continue;
        }
        let port = service.port.is_none().then(|| port(folder, &sources, within.as_deref())).flatten();
        if let Some((port, file)) = port {
            service.port = Some(port);
            say(&mut service.said_by, file);
        }
        if let Some((path, file)) = sources.ready(within.as_deref()) {
            service.ready = Some(path);
            say(&mut service.said_by, file);
        }
    }
    if let Some(first) = services.first_mut() {
        first.port = first.port.or_else(|| manifests::usual_port(&first.command));
    }
    let addresses = sources.variables().iter().filter(|(name, _)| name.ends_with("_URL")).cloned().collect();
    Found { services, providers: providers(folder, &sources), addresses }
}

/// What the files say of a port; of one source file, only what that says.
fn port(folder: &Path, sources: &Sources, within: Option<&str>) -> Option<(u16, String)> {
    if within.is_some() {
        return sources.port(within);
    }
    manifests::port_of_environment(folder).or_else(|| sources.port(None)).or_else(|| manifests::port_of_compose(folder))
}

impl Found {
    /// What the first service should be given: the secrets of the webhooks that it takes, under the names that it reads.
    pub fn secrets(&self) -> Vec<(String, String)> {
        let all = Providers::built_in();
        let of = |found: &FoundProvider| {
            let provider = all.get(&found.name)?;
            let key = provider.key()?;
            let reference = |name: &String| {
                let secret = provider.variables().find(|variable| variable == name).unwrap_or(key);
                (name.clone(), format!("${{secret.{secret}}}"))
            };
            // What answers a provider's question about the address is no key.
            Some(found.secrets.iter().filter(|name| !name.contains("VERIFY")).map(reference).collect::<Vec<_>>())
        };
        self.providers.iter().filter_map(of).flatten().collect()
    }
}

fn say(said_by: &mut Vec<String>, file: String) {
    if !said_by.contains(&file) {
        said_by.push(file);
    }
}

fn providers(folder: &Path, sources: &Sources) -> Vec<FoundProvider> {
    let mut found: BTreeMap<&str, FoundProvider> = BTreeMap::new();
    let mut entry = |name: &'static str, path: Option<String>, secret: Option<&str>, why: String| {
        let new = || FoundProvider { name: name.to_owned(), path: None, secrets: Vec::new(), said_by: Vec::new() };
        let provider = found.entry(name).or_insert_with(new);
        provider.path = provider.path.take().or(path);
        if let Some(secret) = secret {
            if provider.secrets.iter().any(|known| known == secret) {
                return;
            }
            provider.secrets.push(secret.to_owned());
        }
        say(&mut provider.said_by, why);
    };
    for (variable, file) in manifests::variables(folder).iter().chain(sources.variables()) {
        if let Some(name) = samples::of_variable(variable) {
            entry(name, None, Some(variable), format!("{variable} in {file}"));
        }
    }
    for route in sources.webhook_routes() {
        let name = samples::of_route(&route.path).unwrap_or("plain");
        entry(name, Some(route.path.clone()), None, format!("{} in {}", route.path, route.file));
    }
    let mut providers: Vec<_> = found.into_values().collect();
    providers
        .sort_by_key(|provider| (provider.name == "plain", std::cmp::Reverse((provider.path.is_some(), provider.said_by.len()))));
    providers
}

impl sources::Route {
    /// Whether it is a route that answers when the service is ready.
    pub(super) fn is_ready(&self) -> bool {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        ["health", "healthz", "ready", "readyz", "livez", "status", "ping", "_health"].contains(&last)
    }
}
