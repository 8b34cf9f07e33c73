//! Stack files among the paths: told from fixtures, and looked at.
//!
//! Called by `run`, which gives what is left over to the fixtures.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    stack::{self, Inspected},
    support::{disk, env::Map, project::Project, source::Problems, yaml},
    webhook::Providers,
};

/// The name of a project's file.
const PROJECT_FILE: &str = "devstack.yaml";

/// Keys at the top of a file that make it a stack.
const KEYS: [&str; 3] = ["components", "endpoints", "extends"];

/// What was found in stack files.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    pub(super) problems: Problems,
    /// The files that were read.
    pub(super) files: BTreeSet<String>,
    /// Paths that are no stacks.
    pub(super) others: Vec<PathBuf>,
}

/// Looks at the stacks among `paths`; without a path at the `devstack.yaml` of the project that `home` lies in.
pub(super) fn lint(paths: &[PathBuf], home: &Path) -> Stacks {
    let mut stacks = Stacks::default();
    if paths.is_empty() {
        // Where its state lies is not asked, so the environment does not matter.
        let project = Project::find(&disk::identity(home), &Map::default());
        if project.root().join(PROJECT_FILE).is_file() {
            stacks.take(stack::inspect_project(project.root()));
        }
    }
    for path in paths {
        stacks.path(path);
    }
    stacks
}

/// The names of the externals of the project that `home` lies in.
pub(super) fn externals(home: &Path) -> Vec<String> {
    stack::external_names(Project::find(&disk::identity(home), &Map::default()).root())
}

/// The providers that its fixtures may name; the built-in ones where its file has errors, which are told anyway.
pub(super) fn providers(home: &Path) -> Providers {
    stack::providers(Project::find(&disk::identity(home), &Map::default()).root()).unwrap_or_default()
}

impl Stacks {
    fn path(&mut self, path: &Path) {
        if path.is_dir() {
            let here = stack_files(path);
            for file in &here {
                self.take(stack::inspect(file));
            }
            if path.join(PROJECT_FILE).is_file() {
                self.take(stack::inspect_project(path));
            }
            // A folder of stacks holds their configs too, which are no fixtures.
            if here.is_empty() {
                self.others.push(path.to_owned());
            }
        } else if path.file_name().is_some_and(|name| name == PROJECT_FILE) && path.is_file() {
            let root = path.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
            self.take(stack::inspect_project(root));
        } else if is_stack(path) {
            self.take(stack::inspect(path));
        } else {
            self.others.push(path.to_owned());
        }
    }

    fn take(&mut self, inspected: Inspected) {
        self.files.extend(inspected.files);
        self.problems.merge(inspected.problems);
    }
}

/// The stack files directly in a folder, sorted.
fn stack_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.file_name().is_some_and(|name| name != PROJECT_FILE)).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml") && is_stack(path));
    files.sort();
    files
}

/// Whether a file has a key at its top that only stacks have. One that is no YAML is told by its lines.
fn is_stack(path: &Path) -> bool {
    const LARGEST: u64 = 1024 * 1024;
    let Some(text) = disk::read(path, LARGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    match yaml::read(&text, &mut Vec::new()) {
        Some(node) => KEYS.iter().any(|key| node.get(key).is_some()),
        None => text.lines().any(|line| KEYS.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))),
    }
}
