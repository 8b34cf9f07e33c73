//! Where a draft goes: a folder where it finds a free name, or a file that a person named.
//!
//! Read by [`super::save()`].

use std::path::PathBuf;

use super::redact::Redacted;

/// Where a draft goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Into a folder, under the provider's and the event's name, or under `name`; numbered when that is taken.
    Folder {
        /// The folder of fixtures.
        folder: PathBuf,
        /// The name without extension, with folders if need be.
        name: Option<String>,
    },
    /// Into this file, the body beside it.
    File {
        /// The fixture's path, `.yaml` at the end.
        path: PathBuf,
        /// Whether what is there may be replaced.
        force: bool,
    },
}

impl Place {
    /// The path of the nth try, without extension; `None` when there is no further one.
    pub(super) fn stem(&self, of: &Redacted, nth: usize) -> Option<PathBuf> {
        match self {
            Self::File { path, .. } => (nth == 1).then(|| path.with_extension("")),
            Self::Folder { folder, name } => {
                let name = name.clone().unwrap_or_else(|| default_name(of));
                let numbered = if nth == 1 { name } else { format!("{name}-{nth}") };
                (nth <= 10_000).then(|| folder.join(numbered))
            }
        }
    }

    /// Whether what is there may be replaced.
    pub(super) fn may_replace(&self) -> bool {
        matches!(self, Self::File { force: true, .. })
    }
}

fn default_name(of: &Redacted) -> String {
    let event = if of.event.is_empty() { "delivery" } else { &of.event };
    if of.somebody().is_empty() { event.to_owned() } else { format!("{}/{event}", of.somebody()) }
}
