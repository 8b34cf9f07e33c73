//! The files that components are given: read from beside the layer that names them, folders with everything below.
//!
//! Called by `component`. Every file goes into the plan as text, because nothing is mounted.

use std::{collections::BTreeMap, path::Path};

use super::{desk::Desk, layers::LARGEST, merge::Said, shelf::Shelf};
use crate::support::{
    disk,
    source::{Place, Problem},
    yaml::{Entry, Node},
};

/// The most files one folder brings; more is a folder that nobody meant.
const MOST_FILES: usize = 1000;

/// The most bytes that all files of a stack have together: 16 MiB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Reads files and counts what they weigh.
#[derive(Debug, Default)]
pub(super) struct Configs {
    bytes: usize,
}

/// Where a path is said.
#[derive(Clone, Copy)]
struct Site {
    layer: usize,
    place: Place,
}

impl Configs {
    /// The files of a component by their path in the container. A file that is named itself wins over the same one in a folder.
    pub(super) fn files(&mut self, said: &Said, desk: &mut Desk) -> BTreeMap<String, String> {
        let (mut folders, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (target, said) in said.entries() {
            let site = Site { layer: said.layer, place: said.blame };
            let Some(node) = said.leaf() else { continue };
            if let Some(text) = node.get("text").and_then(Node::text) {
                files.insert(target.to_owned(), text.to_owned());
            } else if let Some(path) = node.text() {
                let shelf = desk.layer(said.layer).shelf;
                let whole = desk.layer(said.layer).folder.join(path);
                if shelf.is_folder(&whole) {
                    folders.extend(self.folder(path, &whole, target, site, desk));
                } else {
                    files.extend(self.file(path, shelf, &whole, site, desk).map(|text| (target.to_owned(), text)));
                }
            }
        }
        folders.extend(files);
        folders
    }

    /// The content of the one file that `entry` names.
    pub(super) fn text(&mut self, entry: &Entry, layer: usize, desk: &mut Desk) -> Option<String> {
        let path = entry.value.text()?;
        let (shelf, whole) = (desk.layer(layer).shelf, desk.layer(layer).folder.join(path));
        self.file(path, shelf, &whole, Site { layer, place: entry.blame() }, desk)
    }

    fn folder(&mut self, path: &str, whole: &Path, target: &str, site: Site, desk: &mut Desk) -> Vec<(String, String)> {
        let shelf = desk.layer(site.layer).shelf;
        let mut unreadable = Vec::new();
        let found = shelf.walk(whole, &mut unreadable);
        for (below, problem) in unreadable {
            let below = shelf.shown(&below);
            desk.complain(
                site.layer,
                Problem::at(site.place, "missing-config", format!("cannot use `{below}`: {}", problem.message)),
            );
        }
        if found.is_empty() || found.len() > MOST_FILES {
            let (why, label) = match found.len() {
                0 => ("has no files".to_owned(), "empty"),
                many => (format!("has {many} files, more than the {MOST_FILES} that are read"), "too many"),
            };
            desk.complain(
                site.layer,
                Problem::at(site.place, "missing-config", format!("the folder `{path}` {why}")).label(label),
            );
            return Vec::new();
        }
        let root = if shelf == Shelf::Embedded { disk::normal(whole) } else { whole.display().to_string() };
        let mut files = Vec::new();
        for file in found {
            let below = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
            let named = format!("{}/{below}", path.trim_end_matches('/'));
            files.extend(self.file(&named, shelf, &file, site, desk).map(|text| (format!("{target}/{below}"), text)));
        }
        files
    }

    fn file(&mut self, path: &str, shelf: Shelf, whole: &Path, site: Site, desk: &mut Desk) -> Option<String> {
        let wrong = |message: String| Problem::at(site.place, "missing-config", message);
        let problem = match shelf.read(whole, LARGEST).map(disk::text) {
            Ok(Ok(text)) => {
                self.bytes += text.len();
                if self.bytes <= MOST_BYTES {
                    return Some(text);
                }
                let most = disk::mebibytes(MOST_BYTES as u64);
                wrong(format!("the files of this stack have more than {most} together")).label("too much from here on")
            }
            Ok(Err(problem)) => wrong(format!("cannot use the file `{path}`: {}", problem.message)).label("not text"),
            Err(error) => {
                let problem = wrong(format!("cannot use the file `{path}`: {error}")).label("this file");
                problem.help(format!("looked for {}", shelf.shown(whole)))
            }
        };
        desk.complain(site.layer, problem);
        None
    }
}
