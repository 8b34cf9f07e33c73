//! The services of a project's `devstack.yaml`, decoded and put in order; what is wrong in form has been complained about already.
//!
//! Called by `settings`. What must hold between services is looked at by `service_check`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    desk::Desk,
    service_check,
    settings::{Command, External, PortWish, Readiness, Service, Template},
    templates::{self, Known},
};
use crate::support::{
    env::Env,
    env_file::{EnvFile, EnvFileError},
    source::Problem,
    yaml::{Entry, Node, Value, formats::duration},
};

/// How long a service may take to stop where nobody says: as containers may.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// All services of a layer, each after those that it waits for.
pub(super) fn services(layer: usize, externals: &[External], env: Option<&dyn Env>, desk: &mut Desk) -> Vec<Service> {
    let node = desk.layer(layer).node.clone();
    let entries = node.as_ref().and_then(|node| node.get("services")).map(Node::entries).unwrap_or_default();
    let known = Known::of(entries, externals);
    let services = entries.iter().map(|entry| Reader { layer, env, known: &known, desk }.service(entry)).collect();
    service_check::all(node.as_ref(), layer, services, externals, desk)
}

/// What a service is read with.
struct Reader<'a> {
    layer: usize,
    env: Option<&'a dyn Env>,
    known: &'a Known,
    desk: &'a mut Desk,
}

impl Reader<'_> {
    fn service(&mut self, entry: &Entry) -> Service {
        let node = &entry.value;
        let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        Service {
            name: entry.key.clone(),
            otel_name: text("name").unwrap_or_else(|| entry.key.clone()),
            command: node.get("command").map_or_else(|| Command::Shell(String::new()), |node| self.command(node)),
            directory: self.directory(node),
            environment: self.environment(node),
            port: node.get("port").and_then(port),
            url: text("url").map(|url| url.trim_end_matches('/').to_owned()),
            ready: node.get("ready").map_or(Readiness::Accepts, ready),
            after: node
                .get("after")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
            stop_grace: text("stop_grace").and_then(|text| duration(&text).ok()).unwrap_or(STOP_GRACE),
        }
    }

    fn command(&self, node: &Node) -> Command {
        match node.text() {
            Some(line) => Command::Shell(line.to_owned()),
            None => Command::Program(node.items().iter().filter_map(|node| self.written(node)).collect()),
        }
    }

    /// A value as it is written: `010` and `1.0` are text to a program.
    fn written(&self, node: &Node) -> Option<String> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Int(_) | Value::Double(_) => {
                self.desk.layer(self.layer).source.get(node.place.range()).map(str::to_owned)
            }
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    fn directory(&mut self, node: &Node) -> PathBuf {
        let folder = std::path::absolute(&self.desk.layer(self.layer).folder).unwrap_or_default();
        let Some(entry) = node.entry("directory") else { return folder };
        let Some(path) = entry.value.text() else { return folder };
        let whole = folder.join(path);
        if !whole.is_dir() {
            let problem = Problem::at(entry.blame(), "missing-directory", format!("there is no folder `{path}`"));
            self.desk.complain(self.layer, problem.label("not there").help("it is looked for from this file on"));
        }
        whole
    }

    /// `env_file`, and over it `environment`.
    fn environment(&mut self, node: &Node) -> BTreeMap<String, Template> {
        let file = node.entry("env_file").map(|entry| self.env_file(entry)).unwrap_or_default();
        let mut environment: BTreeMap<String, Template> =
            file.iter().map(|(name, value)| (name.clone(), Template::text(value))).collect();
        for entry in node.get("environment").map(Node::entries).unwrap_or_default() {
            let Some(text) = self.written(&entry.value) else { continue };
            let source = self.desk.layer(self.layer).source.clone();
            match templates::template(&text, entry, &source, self.known, self.env, &file) {
                Ok(template) => drop(environment.insert(entry.key.clone(), template)),
                Err(problems) => problems.into_iter().for_each(|problem| self.desk.complain(self.layer, problem)),
            }
        }
        environment
    }

    /// The variables of a file. Where the environment is not asked, neither is the file: it is often kept out of a repository.
    fn env_file(&mut self, entry: &Entry) -> BTreeMap<String, String> {
        let (Some(path), Some(_)) = (entry.value.text(), self.env) else { return BTreeMap::new() };
        let whole = self.desk.layer(self.layer).folder.join(path);
        match EnvFile::read_as(&whole, path.to_owned()) {
            Ok(file) => file.into_variables(),
            Err(error) => {
                let problem = Problem::at(entry.blame(), "bad-env-file", error.to_string());
                let problem = match error {
                    EnvFileError::Line { .. } => problem.help("a line is `NAME=value`"),
                    _ => problem.label("not read"),
                };
                self.desk.complain(self.layer, problem);
                BTreeMap::new()
            }
        }
    }
}

fn port(node: &Node) -> Option<PortWish> {
    match node.text() {
        Some(_) => Some(PortWish::Auto),
        None => node.int().and_then(|port| u16::try_from(port).ok()).map(PortWish::Fixed),
    }
}

fn ready(node: &Node) -> Readiness {
    let number = |key: &str| node.get(key).and_then(Node::int).and_then(|number| u16::try_from(number).ok());
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    if let Some(path) = node.text().map(str::to_owned).or_else(|| text("http")) {
        return Readiness::Http { path, status: number("status") };
    }
    match (text("log"), number("port")) {
        (Some(pattern), _) => Readiness::Log(pattern),
        (None, Some(port)) => Readiness::Port(port),
        (None, None) => Readiness::Accepts,
    }
}
