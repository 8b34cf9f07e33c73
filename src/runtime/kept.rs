//! The note that `devstack demo` leaves while it runs, so that `replay` in another terminal finds its services.
//!
//! Written to the project's state folder with mode 0600, because it carries the secrets that deliveries are signed with. A note whose
//! process is gone is recognised by asking its ledger, and removed.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::webhook::Secrets;

/// How long a kept demo may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The file's name in the project's state folder.
const FILE: &str = "demo.json";

/// What a running demo tells of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Its process.
    pub pid: u32,
    /// Base address of the ledger's API.
    pub ledger: String,
    /// Base address of OTLP over HTTP.
    pub otlp_http: String,
    /// Services and their addresses.
    pub services: Vec<(String, String)>,
    /// Control address of the externals.
    pub externals: String,
    /// What deliveries are signed with.
    pub secrets: Secrets,
}

/// The note could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Writing failed.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Reading failed.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another demo of this project is running.
    #[error("the demo services of this project are already running (pid {pid})")]
    Running {
        /// Its process.
        pid: u32,
    },
}

impl Kept {
    /// Leaves the note; refused while another demo of the project answers.
    pub async fn leave(&self, folder: &Path, http: &reqwest::Client) -> Result<Note, KeptError> {
        if let Some(other) = Self::find(folder, http).await? {
            return Err(KeptError::Running { pid: other.pid });
        }
        let path = folder.join(FILE);
        let failed = |source| KeptError::Write { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let temporary = folder.join(format!("{FILE}.{}", self.pid));
        let text = serde_json::to_vec_pretty(self).expect("a note has only text keys");
        private(&temporary).and_then(|mut file| file.write_all(&text)).map_err(failed)?;
        fs::rename(&temporary, &path).map_err(failed)?;
        Ok(Note { path })
    }

    /// The demo of this project that answers, if one does.
    pub async fn find(folder: &Path, http: &reqwest::Client) -> Result<Option<Self>, KeptError> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeptError::Read { path, source }),
        };
        let kept = serde_json::from_slice::<Self>(&text).ok();
        if let Some(kept) = kept
            && kept.answers(http).await
        {
            return Ok(Some(kept));
        }
        // Left behind by a process that was killed, or by another version: nobody needs it.
        let _ = fs::remove_file(&path);
        Ok(None)
    }

    async fn answers(&self, http: &reqwest::Client) -> bool {
        let ready = http.get(format!("{}/ready", self.ledger)).timeout(PATIENCE).send().await;
        ready.is_ok_and(|answer| answer.status().is_success())
    }
}

/// The note on disk; removed when dropped.
#[derive(Debug)]
pub struct Note {
    path: PathBuf,
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
