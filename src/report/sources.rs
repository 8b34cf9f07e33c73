//! The texts that findings point into.
//!
//! Filled by `cli` with the fixture files as they were read, so that carets show what was judged even when the file has changed since.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Fixture texts by the name the user gave the file, and the folder those names are relative to.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: BTreeMap<String, Arc<str>>,
    base: Option<PathBuf>,
}

impl Sources {
    /// No texts; file names become links below `base` (an absolute folder).
    pub fn below(base: impl Into<PathBuf>) -> Self {
        Self { texts: BTreeMap::new(), base: Some(base.into()) }
    }

    /// Adds the text of a file.
    pub fn insert(&mut self, file: impl Into<String>, text: impl Into<Arc<str>>) {
        self.texts.insert(file.into(), text.into());
    }

    /// The text of a file.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(AsRef::as_ref)
    }

    /// Where a file is, for a link; `None` when it is not on disk (the embedded set) or nobody said where.
    pub fn path(&self, file: &str) -> Option<PathBuf> {
        let file = Path::new(file);
        if file.is_absolute() { Some(file.to_owned()) } else { self.base.as_ref().map(|base| base.join(file)) }
    }
}

impl<F: Into<String>, T: Into<Arc<str>>> FromIterator<(F, T)> for Sources {
    fn from_iter<I: IntoIterator<Item = (F, T)>>(pairs: I) -> Self {
        Self { texts: pairs.into_iter().map(|(file, text)| (file.into(), text.into())).collect(), base: None }
    }
}
