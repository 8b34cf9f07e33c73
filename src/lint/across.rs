//! Warnings about fixtures together: names used twice, files nobody reads.
//!
//! Called by `run`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use crate::{
    fixture::Loaded,
    support::{
        source::{Place, Problem},
        yaml,
    },
};

/// A warning with the file it belongs to and, where it has a place, the file's text.
type Warning = (String, Option<Arc<str>>, Problem);

/// Everything worth a look in what was loaded.
pub(super) fn warnings(loaded: &Loaded) -> Vec<Warning> {
    let mut warnings = same_names(loaded);
    warnings.extend(unread(loaded));
    warnings
}

/// Two cases of one name cannot be told apart in a report.
fn same_names(loaded: &Loaded) -> Vec<Warning> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut warnings = Vec::new();
    for fixture in &loaded.fixtures {
        let name = fixture.name.to_lowercase();
        if let Some(id) = first.get(&name) {
            let problem = Problem::at(place_of_name(&fixture.source), "same-name", "another fixture has the same name");
            let problem = problem.label(format!("also `{id}`")).warning();
            warnings.push((fixture.file.clone(), Some(Arc::clone(&fixture.source)), problem));
        } else {
            first.insert(name, &fixture.id);
        }
    }
    warnings
}

fn place_of_name(source: &str) -> Place {
    let node = yaml::read(source, &mut Vec::new());
    node.as_ref().and_then(|node| node.entry("name")).map(yaml::Entry::blame).unwrap_or_default()
}

/// Body files without a fixture, and fixtures under a name that is not looked for.
fn unread(loaded: &Loaded) -> Vec<Warning> {
    let extension = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().into_owned());
    let mut of_bodies: BTreeSet<String> = loaded.bodies.iter().filter_map(|body| extension(body)).collect();
    of_bodies.insert("json".to_owned());
    let warning = |file: &str, problem: Problem| (file.to_owned(), None, problem.warning());
    let mut warnings = Vec::new();
    for other in &loaded.others {
        let extension = extension(&other.identity).unwrap_or_default();
        if extension == "yml" {
            let problem = Problem::of_file("not-read", "fixtures end in `.yaml`, so this file is not read");
            warnings.push(warning(&other.file, problem.help("rename it")));
        } else if of_bodies.contains(&extension)
            && !loaded.bodies.contains(&other.identity)
            && !other.file.ends_with(".schema.json")
        {
            let problem = Problem::of_file("unused-body", "no fixture here sends this file");
            warnings.push(warning(&other.file, problem));
        }
    }
    warnings
}
