//! Room on the disks that matter: the state folder's, and the engine's where it is on this machine.

use std::path::{Path, PathBuf};

use super::{check::Check, engine_facts::EngineFacts};

const MB: u64 = 1_000_000;

/// What is kept somewhere, and how much room it wants.
struct Want {
    code: &'static str,
    what: &'static str,
    /// Less is worth a word, in bytes.
    attention: u64,
    /// Less does not work, in bytes.
    broken: u64,
    fix: &'static str,
}

/// The last twenty runs and logs.
const STATE: Want = Want {
    code: "disk.state",
    what: "devstack's state",
    attention: 500 * MB,
    broken: 20 * MB,
    fix: "free some space there, or set XDG_STATE_HOME to a folder on another disk",
};

/// Images of a whole stack unpack to about 1.5 GB, and what it stores comes on top.
const ENGINE: Want = Want {
    code: "disk.engine",
    what: "images, containers and volumes",
    attention: 3_000 * MB,
    broken: 300 * MB,
    fix: "docker system prune",
};

/// Judges the room of the state folder.
pub(super) fn state(folder: &Path) -> Option<Check> {
    let there = nearest(folder)?;
    Some(judge(&STATE, there, free(there)?))
}

/// Judges the room of the engine; `None` where its data is not on this machine, as with a remote one or a virtual machine.
pub(super) fn engine(root: &Path) -> Option<Check> {
    Some(judge(&ENGINE, root, free(root)?))
}

/// Where an engine on this machine keeps its data.
pub(super) fn local_root(facts: &EngineFacts) -> Option<PathBuf> {
    let root = facts.facts.root.as_deref().map(PathBuf::from)?;
    (facts.about.at.starts_with("unix://") && root.is_dir()).then_some(root)
}

fn judge(want: &Want, folder: &Path, free: u64) -> Check {
    let folder = folder.display().to_string();
    let words = format!("{} free for {} ({folder})", told(free), want.what);
    let check = match free {
        free if free < want.broken => Check::broken(want.code, format!("only {words}")).fix(want.fix),
        free if free < want.attention => Check::attention(want.code, format!("only {words}")).fix(want.fix),
        _ => Check::ok(want.code, words),
    };
    check.detail("free_bytes", free).detail("folder", folder)
}

/// The folder, or what is there of the way to it.
pub(super) fn nearest(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.exists())
}

/// Bytes that this user may still write.
fn free(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

fn told(bytes: u64) -> String {
    if bytes < 1000 * MB { format!("{} MB", bytes / MB) } else { format!("{} GB", bytes / (1000 * MB)) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ENGINE, MB, STATE, judge, state};
    use crate::doctor::Level;

    #[test]
    fn less_room_is_worse() {
        let level = |want, free| judge(want, Path::new("/x"), free).level;
        assert_eq!(
            [level(&STATE, 10 * MB), level(&STATE, 100 * MB), level(&STATE, 900 * MB)],
            [Level::Broken, Level::Attention, Level::Ok]
        );
        assert_eq!(level(&ENGINE, 900 * MB), Level::Attention);
        let check = judge(&ENGINE, Path::new("/x"), 900 * MB);
        assert_eq!(check.message, "only 900 MB free for images, containers and volumes (/x)");
        assert_eq!(check.fix.as_deref(), Some("docker system prune"));
    }

    #[test]
    fn a_folder_that_is_not_there_yet_counts_as_the_one_it_will_be_made_in() {
        let folder = std::env::temp_dir().join("devstack-not-there/deeper");
        let check = state(&folder).unwrap();
        assert_eq!(check.details["folder"], std::env::temp_dir().display().to_string().trim_end_matches('/'));
    }
}
