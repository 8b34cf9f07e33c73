//! Where the files of a stack come from: the disk, or the shipped stacks inside the binary.
//!
//! Read by `layers` and `component`. Folders of the binary are relative to the shipped `stacks` folder.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::support::{
    disk::{self, ReadError},
    source::Problem,
};

/// The shipped stacks by name, the default first.
const SHIPPED: [&str; 3] = ["default", "jaeger", "remote"];

/// Begins the name of a file inside the binary.
const EMBEDDED: &str = "embedded:stacks/";

#[derive(RustEmbed)]
#[folder = "stacks/"]
struct Shipped;

/// Where files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// The file system.
    Disk,
    /// The binary.
    Embedded,
}

/// The shipped stacks by name, the default first.
pub fn names() -> Vec<&'static str> {
    SHIPPED.to_vec()
}

impl Shelf {
    pub(super) fn read(self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        match self {
            Self::Disk => disk::read(path, limit),
            Self::Embedded => Ok(Shipped::get(&disk::normal(path)).ok_or(ReadError::Missing)?.data.into_owned()),
        }
    }

    pub(super) fn is_folder(self, path: &Path) -> bool {
        match self {
            Self::Disk => path.is_dir(),
            Self::Embedded => {
                let folder = disk::normal(path) + "/";
                Shipped::iter().any(|file| file.starts_with(&folder))
            }
        }
    }

    /// Every file below `folder`, sorted; hidden ones are left out.
    pub(super) fn walk(self, folder: &Path, problems: &mut Vec<(PathBuf, Problem)>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        match self {
            Self::Disk => disk::walk(folder, &mut files, problems),
            Self::Embedded => {
                let inside = Shipped::iter().map(|file| PathBuf::from(&*file));
                files.extend(inside.filter(|file| file.starts_with(disk::normal(folder))));
            }
        }
        files.sort();
        files
    }

    /// The same for the same file however it is reached.
    pub(super) fn identity(self, path: &Path) -> PathBuf {
        match self {
            Self::Disk => disk::identity(path),
            Self::Embedded => PathBuf::from(disk::normal(path)),
        }
    }

    /// The path as the user is shown it: from the working directory on, where it lies below.
    pub(super) fn shown(self, path: &Path) -> String {
        match self {
            Self::Disk => {
                let here = disk::identity(Path::new("."));
                disk::shown(path.strip_prefix(here).unwrap_or(path))
            }
            Self::Embedded => format!("{EMBEDDED}{}", disk::normal(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SHIPPED, Shelf, Shipped};

    #[test]
    fn every_stack_file_in_the_binary_is_named_and_every_name_has_one() {
        let mut files: Vec<String> =
            Shipped::iter().filter(|file| file.ends_with(".yaml") && !file.contains('/')).map(|file| file.to_string()).collect();
        files.sort();
        let mut named = SHIPPED.map(|name| format!("{name}.yaml"));
        named.sort();
        assert_eq!(files, named);
    }

    #[test]
    fn folders_of_the_binary_are_folders() {
        assert!(Shelf::Embedded.is_folder(Path::new("collector")));
        assert!(!Shelf::Embedded.is_folder(Path::new("default.yaml")));
        assert!(!Shelf::Embedded.is_folder(Path::new("collect")));
    }
}
