//! The files of a stack, found and read: the project's own, the stack it names, and what that extends.
//!
//! Called by `load`; every file that is read becomes a layer on the desk, checked by itself.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::{
    desk::{Desk, Layer},
    shelf::{Shelf, names},
    tables::{PROJECT, STACK},
};
use crate::support::{
    disk::{self, ReadError},
    source::{Place, Problem},
    suggest,
    yaml::{
        self, Entry, Node,
        shape::{Object, Shape},
    },
};

/// The name of a project's file.
pub(super) const PROJECT_FILE: &str = "devstack.yaml";

/// The largest file that is read, stack or config: 1 MiB.
pub(super) const LARGEST: u64 = 1024 * 1024;

/// A stack file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) shelf: Shelf,
    pub(super) path: PathBuf,
}

/// Who names a stack: where a path starts, and where to complain.
pub(super) enum Asker {
    /// `--stack`, with the folders in which a path is looked for.
    CommandLine(Vec<PathBuf>),
    /// A key of a layer.
    Key { layer: usize, place: Place },
}

impl Found {
    fn identity(&self) -> (Shelf, PathBuf) {
        (self.shelf, self.shelf.identity(&self.path))
    }
}

/// Reads a project's file; `None` where there is none.
pub(super) fn project(root: &Path, desk: &mut Desk) -> Option<usize> {
    let path = root.join(PROJECT_FILE);
    path.exists().then(|| read(&Found { shelf: Shelf::Disk, path }, &PROJECT, desk))?
}

/// Reads a stack and everything it extends, the outermost last. `None` where a part cannot be had, which is a problem then: what the
/// others lack may be in it, so nothing can be said of the whole.
pub(super) fn chain(found: Found, desk: &mut Desk) -> Option<Vec<usize>> {
    let (mut chain, mut seen) = (Vec::new(), Vec::new());
    let mut next = found;
    loop {
        seen.push(next.identity());
        let layer = read(&next, &STACK, desk)?;
        chain.push(layer);
        let Some(extends) = desk.layer(layer).node.as_ref()?.entry("extends") else { break };
        let (place, name) = (extends.blame(), extends.value.text()?.to_owned());
        next = find(&name, &Asker::Key { layer, place }, desk)?;
        if let Some(known) = seen.iter().position(|seen| *seen == next.identity()) {
            desk.complain(layer, circle(desk, &chain[known..], place));
            return None;
        }
    }
    chain.reverse();
    Some(chain)
}

fn circle(desk: &Desk, layers: &[usize], place: Place) -> Problem {
    let mut files: Vec<String> = layers.iter().map(|layer| format!("`{}`", desk.layer(*layer).file)).collect();
    files.extend(files.first().cloned());
    let problem = Problem::at(place, "extends-circle", "this stack extends itself").label("back to where it began");
    problem.help(files.join(" extends "))
}

/// Finds the stack of a name or path; `None` when there is none, which is a problem then.
pub(super) fn find(name: &str, asker: &Asker, desk: &mut Desk) -> Option<Found> {
    if names().contains(&name) {
        return Some(Found { shelf: Shelf::Embedded, path: PathBuf::from(format!("{name}.yaml")) });
    }
    let is_path =
        name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let (shelf, folders) = match asker {
        Asker::CommandLine(folders) => (Shelf::Disk, folders.clone()),
        Asker::Key { layer, .. } => (desk.layer(*layer).shelf, vec![desk.layer(*layer).folder.clone()]),
    };
    let tries: Vec<PathBuf> = folders.iter().map(|folder| joined(folder, name)).collect();
    let found = tries
        .iter()
        .find(|path| is_path && shelf.read(path, LARGEST).map_or_else(|error| !matches!(error, ReadError::Missing), |_| true));
    if let Some(path) = found {
        return Some(Found { shelf, path: path.clone() });
    }
    let place = match asker {
        Asker::CommandLine(_) => Place::of(name, 0..name.len()),
        Asker::Key { place, .. } => *place,
    };
    let problem = if is_path {
        let looked = tries.iter().map(|path| format!("`{}`", shelf.shown(path))).collect::<Vec<_>>().join(" and ");
        Problem::at(place, "missing-stack", format!("there is no stack file `{name}`"))
            .label("not there")
            .help(format!("looked for {looked}"))
    } else {
        unknown_name(name, place, &folders)
    };
    match asker {
        Asker::CommandLine(_) => desk.complain_of("--stack", Some(Arc::from(name)), problem),
        Asker::Key { layer, .. } => desk.complain(*layer, problem),
    }
    None
}

/// The path without `.` in it, so that a file is called the same however it is reached.
fn joined(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().filter(|component| *component != Component::CurDir).collect()
}

fn unknown_name(name: &str, place: Place, folders: &[PathBuf]) -> Problem {
    let problem = Problem::at(place, "unknown-stack", format!("there is no stack `{name}`"));
    let known = names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let file = format!("{name}.yaml");
    let beside = folders.iter().any(|folder| folder.join(&file).is_file());
    let problem = match suggest::nearest(name, names()) {
        _ if beside => problem.label(format!("did you mean `./{file}`?")),
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.label("not shipped"),
    };
    problem.help(format!("shipped are {known}; a path works too: `./{file}`"))
}

/// Reads a file as a layer and checks it by itself; `None` when there is no text.
fn read(found: &Found, table: &'static Object, desk: &mut Desk) -> Option<usize> {
    let Found { shelf, path } = found;
    let file = shelf.shown(path);
    let text = shelf.read(path, LARGEST).map_err(|error| Box::new(error.problem())).and_then(disk::text);
    let source: Arc<str> = match text {
        Ok(text) => Arc::from(text),
        Err(problem) => {
            desk.complain_of(&file, None, *problem);
            return None;
        }
    };
    let mut problems = Vec::new();
    let node = yaml::read(&source, &mut problems);
    if table.name == PROJECT.name {
        // A project that says nothing yet is a project.
        problems.retain(|problem| problem.code != "empty-file");
    }
    if let Some(node) = &node {
        yaml::check(node, &Shape::Object(table), &mut problems);
    }
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Some(desk.add(Layer { file, source, shelf: *shelf, folder, node }, problems))
}

/// What a layer says at its top.
pub(super) fn entries(desk: &Desk, layer: usize) -> Vec<Entry> {
    desk.layer(layer).node.as_ref().map(Node::entries).unwrap_or_default().to_vec()
}
