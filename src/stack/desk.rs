//! The layers of a stack with what is wrong in each.
//!
//! Filled by `layers` and `sets`; every later look adds its problems to the layer that said what is wrong.

use std::{path::PathBuf, sync::Arc};

use super::{merge::Map, shelf::Shelf};
use crate::support::{
    source::{Problem, Problems},
    yaml::{Entry, Node},
};

/// A file, or a `--set`, that says part of a stack.
#[derive(Debug)]
pub(super) struct Layer {
    /// As the user is shown it.
    pub(super) file: String,
    /// Its text.
    pub(super) source: Arc<str>,
    /// Where the files that it names come from.
    pub(super) shelf: Shelf,
    /// The folder they are relative to.
    pub(super) folder: PathBuf,
    /// What it says; `None` when it is no YAML.
    pub(super) node: Option<Node>,
}

/// All layers, by number.
#[derive(Debug, Default)]
pub(super) struct Desk {
    layers: Vec<Layer>,
    /// Layers in the order in which they were put over each other, which is not the order in which they were read.
    put: Vec<usize>,
    problems: Problems,
}

impl Desk {
    /// Takes a layer with what is wrong with it; returns its number.
    pub(super) fn add(&mut self, layer: Layer, problems: Vec<Problem>) -> usize {
        self.problems.add(layer.file.clone(), Some(Arc::clone(&layer.source)), problems);
        self.layers.push(layer);
        self.layers.len() - 1
    }

    pub(super) fn layer(&self, number: usize) -> &Layer {
        &self.layers[number]
    }

    /// Puts what a layer says over what is there.
    pub(super) fn put(&mut self, merged: &mut Map, entries: &[Entry], layer: usize) {
        self.put.push(layer);
        for problem in merged.put(entries, layer) {
            self.complain(layer, problem);
        }
    }

    /// How far out a layer is: who is further out has the last word.
    pub(super) fn rank(&self, layer: usize) -> usize {
        self.put.iter().position(|put| *put == layer).unwrap_or_default()
    }

    /// Adds what is wrong in a layer.
    pub(super) fn complain(&mut self, layer: usize, problem: Problem) {
        let Layer { file, source, .. } = &self.layers[layer];
        self.problems.add(file.clone(), Some(Arc::clone(source)), [problem]);
    }

    /// Adds what is wrong with something that is no layer.
    pub(super) fn complain_of(&mut self, file: &str, source: Option<Arc<str>>, problem: Problem) {
        self.problems.add(file, source, [problem]);
    }

    /// The files that were read, without those inside the binary.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        for layer in self.layers.iter().filter(|layer| layer.shelf == Shelf::Disk && layer.file != super::sets::FILE) {
            if !files.contains(&layer.file) {
                files.push(layer.file.clone());
            }
        }
        files
    }

    pub(super) fn into_problems(self) -> Problems {
        self.problems
    }
}
