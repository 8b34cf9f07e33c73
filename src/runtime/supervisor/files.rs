//! The supervisor's files in the project's state folder: the note of where everything is, the control socket, the journal.
//!
//! Written by the supervisor; read by every command that uses a stack.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::runtime::{NOTE_FILE, NOTE_VERSION, Note, Owner};

/// The journal's name in the project's state folder.
const JOURNAL: &str = "supervisor.log";

/// How long a path of a Unix socket may be: `sun_path` has 104 bytes on macOS, 108 on Linux.
const LONGEST_SOCKET: usize = 100;

/// A file of the state folder could not be used.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} `{}`", path.display())]
pub struct FileError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Writes the note, whole or not at all, readable by its owner only.
pub(super) fn write_note(owner: &Owner, note: &Note) -> Result<(), FileError> {
    let path = owner.file(NOTE_FILE);
    let failed = |source| FileError { doing: "write", path: path.clone(), source };
    fs::create_dir_all(&owner.state).map_err(failed)?;
    let temporary = owner.file(format!("{NOTE_FILE}.{}", std::process::id()));
    let text = serde_json::to_vec_pretty(note).expect("a note has only text keys");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&temporary).and_then(|mut file| file.write_all(&text)).map_err(failed)?;
    fs::rename(&temporary, &path).map_err(failed)
}

/// The note of a project's stack; `None` when there is none, or it is of another shape.
pub fn read_note(owner: &Owner) -> Result<Option<Note>, FileError> {
    let path = owner.file(NOTE_FILE);
    match fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice::<Note>(&text).ok().filter(|note| note.version == NOTE_VERSION)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError { doing: "read", path, source }),
    }
}

/// Removes the note; one that is gone already is fine.
pub fn remove_note(owner: &Owner) {
    // What cannot be removed is recognised as stale by the lock that nobody holds.
    let _ = fs::remove_file(owner.file(NOTE_FILE));
}

/// Where the control socket lies: in the state folder, or where that path is too long for a socket, in a private folder of the
/// temporary directory.
pub(super) fn control_socket(owner: &Owner) -> Result<PathBuf, FileError> {
    let near = owner.file("control.sock");
    if near.as_os_str().len() <= LONGEST_SOCKET {
        return Ok(near);
    }
    let hash = const_hex::encode(Sha256::digest(near.as_os_str().as_encoded_bytes()));
    let folder = std::env::temp_dir().join(format!("devstack-{}", &hash[..16]));
    private_folder(&folder).map_err(|source| FileError { doing: "make", path: folder.clone(), source })?;
    Ok(folder.join("control.sock"))
}

/// Removes the control socket, and the folder that was made for it alone.
pub(super) fn remove_control(socket: &Path, owner: &Owner) {
    // Nobody can use what is left: the lock says that nobody is there.
    let _ = fs::remove_file(socket);
    if let Some(folder) = socket.parent().filter(|folder| *folder != owner.state) {
        let _ = fs::remove_dir(folder);
    }
}

/// Where the supervisor writes what it did.
pub fn journal(owner: &Owner) -> PathBuf {
    owner.file(JOURNAL)
}

/// A folder that only its owner can look into; one that is there and belongs to somebody else is refused.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Whoever may change the mode owns it.
            #[cfg(unix)]
            fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            Ok(())
        }
        other => other,
    }
}
