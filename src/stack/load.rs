//! Loads a stack: the files found and read as layers, put over each other, checked as a whole.
//!
//! Called by `cli` and, through [`inspect`], by `lint`. Either everything is right, or every problem of every layer is told at once, each
//! at the place that said it. The layers, each over the one before: what a stack extends, the stack, the project's `devstack.yaml`,
//! `--set` by `--set`.

use std::path::{Path, PathBuf};

use super::{
    check,
    component::component,
    configs::Configs,
    desk::Desk,
    endpoints::Reader,
    layers::{self, Asker, Found},
    merge::{Map, Said},
    order::order,
    plan::{Endpoints, Judge, Stack},
    project, sets,
    settings::{self, Settings},
    shelf::{Shelf, names},
};
use crate::support::{
    env::Env,
    source::{Level, Problem, Problems},
    yaml::{Entry, Node},
};

/// The stack of the remote runtime, where nothing names another.
const REMOTE: &str = "remote";

/// Which stack is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `--stack`: a shipped name, or a path from the working directory (else from the project) on.
    pub stack: Option<String>,
    /// `--runtime`: where nothing names a stack, it decides which.
    pub runtime: Option<RuntimeWish>,
    /// Each `--set`, as it was written.
    pub sets: Vec<String>,
    /// The project's folder.
    pub root: PathBuf,
    /// Whether the project's services and externals are wanted, too.
    pub services: bool,
}

/// A stack with what a project says about it.
#[derive(Debug)]
pub struct Loaded {
    /// The stack.
    pub stack: Stack,
    /// The services and externals, where they were wanted.
    pub settings: Settings,
    /// `runtime:` of the project's file; `None` where it does not say.
    pub runtime: Option<RuntimeWish>,
    /// `ports: auto` of the project's file.
    pub free_ports: bool,
    /// The stack files that were read, without those inside the binary.
    pub files: Vec<String>,
    /// What is allowed but worth a look.
    pub warnings: Problems,
}

/// Where a project wants its stack to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeWish {
    /// Docker where an engine answers, else embedded.
    Auto,
    /// In containers.
    Docker,
    /// In devstack's own backend.
    Embedded,
    /// Elsewhere.
    Remote,
}

/// What `lint` is told of a stack or a project.
#[derive(Debug)]
pub struct Inspected {
    /// Errors and warnings.
    pub problems: Problems,
    /// The files that were read, without those inside the binary.
    pub files: Vec<String>,
}

/// Loads the stack that is wanted, with variables from `env`.
pub fn load(wanted: &Wanted, env: &dyn Env) -> Result<Loaded, Problems> {
    let mut desk = Desk::default();
    let project = layers::project(&wanted.root, &mut desk);
    let stack = assemble(wanted, project, Some(env), &mut desk);
    let settings = if wanted.services { settings::read(project, Some(env), &mut desk) } else { Settings::default() };
    let said = project.map(|layer| layers::entries(&desk, layer)).unwrap_or_default();
    let files = desk.files();
    let problems = desk.into_problems();
    match stack {
        Some(stack) if problems.count(Level::Error) == 0 => Ok(Loaded {
            stack,
            settings,
            runtime: runtime(&said),
            free_ports: text(&said, "ports") == Some("auto"),
            files,
            warnings: problems,
        }),
        _ => Err(problems),
    }
}

/// Looks at a project's `devstack.yaml` and the stack it names. Whether the environment sets the variables is not asked: that is no
/// matter of the files.
pub fn inspect_project(root: &Path) -> Inspected {
    let mut desk = Desk::default();
    let project = layers::project(root, &mut desk);
    assemble(&Wanted { root: root.to_owned(), ..Wanted::default() }, project, None, &mut desk);
    settings::read(project, None, &mut desk);
    Inspected { files: desk.files(), problems: desk.into_problems() }
}

/// Looks at a stack file, as [`inspect_project`] does.
pub fn inspect(file: &Path) -> Inspected {
    let mut desk = Desk::default();
    let root = file.parent().map(Path::to_owned).unwrap_or_default();
    if let Some(chain) = layers::chain(Found { shelf: Shelf::Disk, path: file.to_owned() }, &mut desk) {
        assemble_layers(&chain, None, &Wanted { root, ..Wanted::default() }, None, &mut desk);
    }
    Inspected { files: desk.files(), problems: desk.into_problems() }
}

fn assemble(wanted: &Wanted, project: Option<usize>, env: Option<&dyn Env>, desk: &mut Desk) -> Option<Stack> {
    let said = project.map(|layer| layers::entries(desk, layer)).unwrap_or_default();
    let named = said.iter().find(|entry| entry.key == "stack").filter(|entry| entry.value.text().is_some());
    let found = match (&wanted.stack, named, project) {
        (Some(stack), ..) => {
            let folders = vec![PathBuf::new(), wanted.root.clone()];
            layers::find(stack, &Asker::CommandLine(folders), desk)
        }
        (None, Some(entry), Some(layer)) => {
            let name = entry.value.text().unwrap_or_default();
            layers::find(name, &Asker::Key { layer, place: entry.blame() }, desk)
        }
        _ => {
            let remote = wanted.runtime.or_else(|| runtime(&said)) == Some(RuntimeWish::Remote);
            let name = if remote { REMOTE } else { names()[0] };
            Some(Found { shelf: Shelf::Embedded, path: PathBuf::from(format!("{name}.yaml")) })
        }
    };
    let chain = layers::chain(found?, desk)?;
    assemble_layers(&chain, project, wanted, env, desk)
}

/// Puts the layers over each other and makes a stack of them; `None` where there is nothing to make one of.
fn assemble_layers(
    chain: &[usize],
    project: Option<usize>,
    wanted: &Wanted,
    env: Option<&dyn Env>,
    desk: &mut Desk,
) -> Option<Stack> {
    let outermost = *chain.last()?;
    let mut merged = Map::default();
    for layer in chain {
        let entries = layers::entries(desk, *layer);
        desk.put(&mut merged, &entries, *layer);
    }
    if let Some(layer) = project {
        let entries = if wanted.stack.is_some() { project::fitting(layer, &merged, desk) } else { layers::entries(desk, layer) };
        desk.put(&mut merged, &entries, layer);
    }
    sets::apply(&wanted.sets, &wanted.root, &mut merged, desk);

    let none = Map::default();
    let components = merged.get("components").and_then(Said::map).unwrap_or(&none);
    either(&merged, outermost, desk);
    check::components(components, desk);
    let mut configs = Configs::default();
    let made = components.entries().filter(|(_, said)| said.map().is_some());
    let made = made.map(|(name, said)| component(name, said, desk, &mut configs)).collect();
    let made = order(made, components, desk);
    let endpoints = endpoints(&merged, &wanted.root, env, desk);
    let judge = match merged.get("judge").and_then(Said::text) {
        Some("stored") => Judge::Stored,
        _ => Judge::Ledger,
    };
    Some(Stack { name: name(outermost, desk), components: made, endpoints, judge })
}

/// A stack has components or endpoints.
fn either(merged: &Map, outermost: usize, desk: &mut Desk) {
    let filled = |key: &str| merged.get(key).filter(|said| said.map().is_some_and(|map| !map.is_empty()));
    match (filled("components"), filled("endpoints")) {
        (Some(components), Some(endpoints)) => {
            let (later, other, key) = if desk.rank(endpoints.layer) >= desk.rank(components.layer) {
                (endpoints, components, "components")
            } else {
                (components, endpoints, "endpoints")
            };
            let of_file =
                if other.layer == later.layer { String::new() } else { format!(" of {}", desk.layer(other.layer).file) };
            let problem = Problem::at(later.key, "components-and-endpoints", "a stack has components or endpoints, not both");
            let problem = problem.label(format!("`{key}` is on line {}{of_file}", other.key.line));
            desk.complain(later.layer, problem.help("take out the ones, or name another stack"));
        }
        (None, None) if merged.get("components").or(merged.get("endpoints")).is_none_or(|said| said.map().is_some()) => {
            let problem = Problem::of_file("nothing-to-run", "this stack has neither components nor endpoints");
            desk.complain(
                outermost,
                problem.help("`components`: what runs in containers; `endpoints`: what already runs elsewhere"),
            );
        }
        _ => {}
    }
}

fn endpoints(merged: &Map, root: &Path, env: Option<&dyn Env>, desk: &mut Desk) -> Endpoints {
    let Some(said) = merged.get("endpoints") else { return Endpoints::default() };
    let mut reader = Reader { desk, env, root: root.to_owned(), left_out: Vec::new() };
    let endpoints = reader.endpoints(said);
    let mut left_out = reader.left_out;
    left_out.dedup();
    if endpoints == Endpoints::default() && !left_out.is_empty() {
        let problem =
            Problem::at(said.key, "nothing-to-run", "no endpoint is left: every address is empty").label("all left out");
        let problem = problem.help(format!("set one of {}", left_out.join(", ")));
        desk.complain(said.layer, problem);
    }
    endpoints
}

/// What the outermost file calls itself, else what it is called.
fn name(outermost: usize, desk: &Desk) -> String {
    let layer = desk.layer(outermost);
    let said = layer.node.as_ref().and_then(|node| node.get("name")).and_then(Node::text);
    let stem = || Path::new(&layer.file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    said.map_or_else(stem, str::to_owned)
}

fn runtime(said: &[Entry]) -> Option<RuntimeWish> {
    match text(said, "runtime")? {
        "docker" => Some(RuntimeWish::Docker),
        "embedded" => Some(RuntimeWish::Embedded),
        "remote" => Some(RuntimeWish::Remote),
        _ => Some(RuntimeWish::Auto),
    }
}

fn text<'a>(said: &'a [Entry], key: &str) -> Option<&'a str> {
    said.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.text())
}
