//! Which project a command is run in, and where its state lies.
//!
//! Found once by `cli` from the working directory and the environment; read by `runs`. A project is the nearest folder upwards
//! with a `devstack.yaml` or a `.git`, else the working directory itself.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::env::Env;

/// Files and folders that make a folder a project.
const MARKERS: [&str; 2] = ["devstack.yaml", ".git"];

/// Hex digits of the path's hash: enough to tell apart the folders of one machine that are called the same.
const HASH_DIGITS: usize = 8;

/// A project and its place for state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
    state: Option<PathBuf>,
}

impl Project {
    /// The project that `directory` (absolute) lies in.
    pub fn find(directory: &Path, env: &dyn Env) -> Self {
        let marked = directory.ancestors().find(|folder| MARKERS.iter().any(|marker| folder.join(marker).exists()));
        let root = marked.unwrap_or(directory);
        // The same folder by another way (a link, `..`) is the same project.
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let state = state_home(env).map(|home| home.join("devstack").join(slug(&root)));
        Self { root, state }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where its state lies: `$XDG_STATE_HOME/devstack/<name>-<hash>`; `None` when the environment names no home. Not made here.
    pub fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }
}

/// XDG Base Directory Specification: a relative path counts as unset, the default is `~/.local/state`.
fn state_home(env: &dyn Env) -> Option<PathBuf> {
    let absolute = |name| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local").join("state")))
}

/// The folder's name as far as it is harmless, and a hash of its path.
fn slug(root: &Path) -> String {
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let harmless = |ch: char| if ch.is_ascii_alphanumeric() || ch == '_' { ch } else { '-' };
    let name: String = name.chars().take(40).map(harmless).collect();
    let hash = const_hex::encode(Sha256::digest(root.as_os_str().as_encoded_bytes()));
    let name = name.trim_matches('-');
    if name.is_empty() { hash[..HASH_DIGITS].to_owned() } else { format!("{name}-{}", &hash[..HASH_DIGITS]) }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Project, slug};
    use crate::support::{env::Map, random};

    /// A folder that goes when the test ends.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("devstack-{}", random::uuid()));
            fs::create_dir_all(&path).unwrap();
            Self(path.canonicalize().unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn env(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().copied().collect()
    }

    #[test]
    fn the_nearest_marked_folder_is_the_project() {
        let folder = Folder::new();
        let deep = folder.0.join("outer/inner/deep");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(folder.0.join("outer/.git")).unwrap();
        assert_eq!(Project::find(&deep, &env(&[])).root(), folder.0.join("outer"));
        fs::write(folder.0.join("outer/inner/devstack.yaml"), "").unwrap();
        assert_eq!(Project::find(&deep, &env(&[])).root(), folder.0.join("outer/inner"));
    }

    #[test]
    fn state_follows_the_xdg_specification() {
        let state = |pairs| Project::find(Path::new("/"), &env(pairs)).state().map(|path| path.parent().unwrap().to_owned());
        assert_eq!(state(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).as_deref(), Some(Path::new("/s/devstack")));
        assert_eq!(state(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]).as_deref(), Some(Path::new("/h/.local/state/devstack")));
        assert_eq!(state(&[]), None);
    }

    #[test]
    fn folders_of_the_same_name_do_not_share_state() {
        let (a, b) = (slug(Path::new("/a/my shop")), slug(Path::new("/b/my shop")));
        assert!(a.starts_with("my-shop-") && b.starts_with("my-shop-"), "{a} {b}");
        assert_ne!(a, b);
        assert_eq!(slug(Path::new("/")).len(), 8);
        assert!(!slug(Path::new("/x/..hidden")).starts_with('.'));
    }
}
