//! One tree of several layers: maps merge, everything else replaces, `null` takes away; each value remembers who said it.
//!
//! Fed by `load` with one layer after the other; read by `component`, `endpoints` and `check`.

use crate::support::{
    source::{Place, Problem},
    suggest,
    yaml::{Entry, Node, Value},
};

/// A value, and who said it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The number of the layer.
    pub(super) layer: usize,
    /// Where its key stands.
    pub(super) key: Place,
    /// Where to point when it is wrong.
    pub(super) blame: Place,
    /// The value.
    pub(super) what: What,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A map, whose parts may come from several layers.
    Map(Map),
    /// Anything else, whole from one layer.
    Leaf(Node),
}

/// A map in the order in which its keys came.
#[derive(Debug, Clone, Default)]
pub(super) struct Map(Vec<(String, Said)>);

/// The keys above a value.
type Path<'a> = [&'a str];

impl Said {
    /// The parts of a map; none of anything else.
    pub(super) fn map(&self) -> Option<&Map> {
        match &self.what {
            What::Map(map) => Some(map),
            What::Leaf(_) => None,
        }
    }

    /// A value that is no map.
    pub(super) fn leaf(&self) -> Option<&Node> {
        match &self.what {
            What::Map(_) => None,
            What::Leaf(node) => Some(node),
        }
    }

    /// The value of a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.get(key)
    }

    /// Text.
    pub(super) fn text(&self) -> Option<&str> {
        self.leaf()?.text()
    }

    /// The parts of a map, by key; none of anything else.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.map().into_iter().flat_map(Map::entries)
    }

    fn new(entry: &Entry, layer: usize, path: &Path<'_>) -> Self {
        let what = match &entry.value.value {
            Value::Map(entries) if !is_atom(path) => {
                let mut map = Map::default();
                map.add(entries, layer, path, &mut Vec::new());
                What::Map(map)
            }
            _ => What::Leaf(entry.value.clone()),
        };
        Self { layer, key: entry.key_place, blame: entry.blame(), what }
    }
}

impl Map {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Said> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, said)| said)
    }

    /// All of it, by key.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Said)> {
        self.0.iter().map(|(key, said)| (key.as_str(), said))
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts what a layer says over what is there; what it takes away in vain is a problem of its own.
    pub(super) fn put(&mut self, entries: &[Entry], layer: usize) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.add(entries, layer, &[], &mut problems);
        problems
    }

    fn add(&mut self, entries: &[Entry], layer: usize, above: &Path<'_>, problems: &mut Vec<Problem>) {
        for entry in entries {
            let path = [above, &[entry.key.as_str()]].concat();
            let known = self.0.iter().position(|(key, _)| *key == entry.key);
            match (&entry.value.value, known) {
                (Value::Null, Some(index)) if is_removable(&path) => drop(self.0.remove(index)),
                (Value::Null, None) if is_removable(&path) => problems.extend(self.in_vain(entry, &path)),
                // The check of the layer has said so already.
                (Value::Null, Some(_)) => {}
                (Value::Map(inner), Some(index)) if !is_atom(&path) => {
                    let said = &mut self.0[index].1;
                    said.spell_out(&path);
                    match &mut said.what {
                        What::Map(map) => map.add(inner, layer, &path, problems),
                        What::Leaf(_) => *said = Said::new(entry, layer, &path),
                    }
                }
                // Only where both are meant; elsewhere the check has said so.
                (_, Some(index)) if self.0[index].1.map().is_none() || takes_both(&path) => {
                    self.0[index].1 = Said::new(entry, layer, &path);
                }
                (_, Some(_)) => {}
                (_, None) => self.0.push((entry.key.clone(), Said::new(entry, layer, &path))),
            }
        }
    }

    /// `null` for what is not there: a misspelt name. An optional setting that is not set may be unset.
    fn in_vain(&self, entry: &Entry, path: &Path<'_>) -> Option<Problem> {
        if !matches!(path, ["components", _]) {
            return None;
        }
        let problem =
            Problem::at(entry.key_place, "nothing-removed", format!("there is no component `{}` to take away", entry.key));
        Some(match suggest::nearest(&entry.key, self.keys()) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.label("not there"),
        })
    }
}

impl Said {
    /// A short form as the map it stands for: `3200` is `{ container: 3200 }`, an address is `{ url: … }`.
    fn spell_out(&mut self, path: &Path<'_>) {
        let key = match path {
            ["components", _, "ports", _] => "container",
            ["endpoints", _] => "url",
            _ => return,
        };
        if let What::Leaf(node) = &self.what {
            let inner = Self { what: What::Leaf(node.clone()), ..*self };
            self.what = What::Map(Map(vec![(key.to_owned(), inner)]));
        }
    }
}

/// Values that are replaced as a whole although they are maps: two halves of two probes make none.
fn is_atom(path: &Path<'_>) -> bool {
    matches!(path, ["components", _, "ready"] | ["components", _, "environment" | "files", _])
}

/// Where `null` takes something away.
fn is_removable(path: &Path<'_>) -> bool {
    matches!(
        path,
        ["components" | "endpoints", _]
            | ["components", _, "environment" | "files" | "ports" | "volumes", _]
            | ["components", _, "memory" | "user"]
            | ["components", _, "ports", _, "host"]
            | ["endpoints", _, "headers", _]
    )
}

/// Where a map and a short form stand for the same.
fn takes_both(path: &Path<'_>) -> bool {
    matches!(path, ["components", _, "ports", _] | ["endpoints", _])
}
