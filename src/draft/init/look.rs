//! What a folder says of the service in it, each fact with the file that says it.
//!
//! Read by [`super::files`] through the choices of a person.

use std::{collections::BTreeMap, path::Path};

use super::{
    manifests, samples,
    sources::{self, Sources},
};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Services, the one that takes requests first.
    pub services: Vec<FoundService>,
    /// Providers, those first of which most is known.
    pub providers: Vec<FoundProvider>,
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
}

/// A provider whose webhooks the service seems to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProvider {
    /// Its name in fixtures; `plain` for nobody in particular.
    pub name: String,
    /// The path that takes its deliveries.
    pub path: Option<String>,
    /// Why: `STRIPE_WEBHOOK_SECRET in .env.example`.
    pub said_by: Vec<String>,
}

/// Looks at a folder. What cannot be read is passed over: all of it is a proposal.
pub fn look(folder: &Path) -> Found {
    let sources = Sources::read(folder);
    let mut services = manifests::services(folder);
    if let Some(first) = services.first_mut() {
        if first.port.is_none() {
            let named =
                manifests::port_of_environment(folder).or_else(|| sources.port()).or_else(|| manifests::port_of_compose(folder));
            if let Some((port, file)) = named {
                first.port = Some(port);
                say(&mut first.said_by, file);
            }
        }
        first.port = first.port.or_else(|| manifests::usual_port(&first.command));
        if let Some((path, file)) = sources.ready() {
            first.ready = Some(path);
            say(&mut first.said_by, file);
        }
    }
    Found { services, providers: providers(folder, &sources) }
}

fn say(said_by: &mut Vec<String>, file: String) {
    if !said_by.contains(&file) {
        said_by.push(file);
    }
}

fn providers(folder: &Path, sources: &Sources) -> Vec<FoundProvider> {
    let mut found: BTreeMap<&str, FoundProvider> = BTreeMap::new();
    let mut entry = |name: &'static str, path: Option<String>, why: String| {
        let new = || FoundProvider { name: name.to_owned(), path: None, said_by: Vec::new() };
        let provider = found.entry(name).or_insert_with(new);
        provider.path = provider.path.take().or(path);
        say(&mut provider.said_by, why);
    };
    for (variable, file) in manifests::variables(folder) {
        if let Some(name) = samples::of_variable(&variable) {
            entry(name, None, format!("{variable} in {file}"));
        }
    }
    for route in sources.webhook_routes() {
        let name = samples::of_route(&route.path).unwrap_or("plain");
        entry(name, Some(route.path.clone()), format!("{} in {}", route.path, route.file));
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
