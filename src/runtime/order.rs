//! What `devstack up` asks for, decided and complete: the one thing the supervisor is told.
//!
//! Made by `cli` from options and stack files; passed to the supervisor as JSON on its stdin; carried out by the runtimes.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    stack::{Settings, Stack},
    support::{millis, project::Project},
};

/// Where a stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// Real components in containers.
    Docker,
    /// devstack's own backend, in the supervisor.
    Embedded,
    /// Endpoints that run elsewhere.
    Remote,
}

/// Whose containers, networks and volumes they are: a project on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The project's name and a digest of where its state lies, such as `shop-1a2b3c4d`: the label `dev.devstack.owner`, and part of every
    /// name.
    pub id: String,
    /// The project's folder, for people: the label `dev.devstack.project`.
    pub root: PathBuf,
    /// Where the project's state lies.
    pub state: PathBuf,
}

/// Whether images are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// Those that are not there.
    #[default]
    Missing,
    /// None; a missing one is an error.
    Never,
    /// All, every time.
    Always,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Who owns it.
    pub owner: Owner,
    /// Where it runs.
    pub runtime: RuntimeKind,
    /// What runs; for the embedded runtime only its name says something.
    pub stack: Stack,
    /// Whether devstack's own listeners take any free port instead of 4317, 4318 and 3200. The stack's ports are decided in the stack.
    pub free_ports: bool,
    /// Where devstack's own listeners listen. Containers are published on 127.0.0.1 whatever it says.
    pub listen: IpAddr,
    /// Host names that requests to them may be addressed to, besides those of the loopback interface.
    pub allow_hosts: Vec<String>,
    /// Whether images are fetched.
    pub pull: Pull,
    /// A network that exists, which the collector joins too.
    pub network: Option<String>,
    /// How long all of it may take.
    #[serde(rename = "deadline_ms", with = "millis")]
    pub deadline: Duration,
    /// Whether the demo services run beside it.
    pub demo: bool,
    /// The project's services and externals that run beside it; none with `--no-services`.
    #[serde(default)]
    pub settings: Settings,
    /// The build that gives the order: [`build`].
    pub build: String,
}

impl Order {
    /// Digest of what is to run: a stack that is up under an order with the same one needs nothing.
    pub fn digest(&self) -> String {
        let own = (self.free_ports, self.listen, &self.allow_hosts);
        let what = (self.runtime, self.stack.digest(), own, &self.network, self.demo, &self.settings);
        digest(&serde_json::to_vec(&what).expect("an order has only text keys"))
    }
}

impl Owner {
    /// The owner of a project's stack; `None` where the environment names no home for its state.
    pub fn of(project: &Project) -> Option<Self> {
        let state = project.state()?;
        // Two users of one engine, or one with two places for state, may have a project in the same folder.
        let hash = digest(state.as_os_str().as_encoded_bytes());
        let slug = state.file_name()?.to_string_lossy();
        let name = slug.rsplit_once('-').map_or("project", |(name, _)| name).to_lowercase();
        Some(Self { id: format!("{name}-{}", &hash[..8]), root: project.root().to_owned(), state: state.to_owned() })
    }

    /// A file in the project's state folder.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.state.join(name)
    }
}

/// This build of devstack: version and a digest of the executable's path, size and time of change.
pub fn build() -> String {
    let mut digest = Sha256::new();
    if let Ok(path) = std::env::current_exe() {
        digest.update(path.as_os_str().as_encoded_bytes());
        if let Ok(about) = path.metadata() {
            let changed = about.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            digest.update(about.len().to_le_bytes());
            digest.update(changed.unwrap_or_default().as_nanos().to_le_bytes());
        }
    }
    format!("{}+{}", env!("CARGO_PKG_VERSION"), &const_hex::encode(digest.finalize())[..8])
}

fn digest(bytes: &[u8]) -> String {
    const_hex::encode(Sha256::digest(bytes))[..16].to_owned()
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Embedded => "embedded",
            Self::Remote => "remote",
        })
    }
}
