//! The engine that answers: found once by `cli`, the supervisor or `doctor`; everything else of this room speaks through it.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use super::{
    discover::{self, Address, Places},
    said::{self, Said, os_kind},
};
use crate::support::env::Env;

/// How long an engine may take to say which version it is.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an engine may take to begin an answer to anything else. Starting a container on a busy machine takes seconds.
const CALL: Duration = Duration::from_mins(1);

/// An engine that answers; a clone speaks to the same one.
#[derive(Debug, Clone)]
pub struct Engine {
    api: Docker,
    about: EngineAbout,
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAbout {
    /// `docker` or `podman`.
    pub name: String,
    /// Its version: `28.2.2`.
    pub version: String,
    /// The newest version of the API that it speaks: `1.50`.
    pub api: String,
    /// Where it is: `unix:///var/run/docker.sock`.
    pub at: String,
    /// The operating system of its containers: `linux`.
    pub os: String,
    /// Their architecture: `amd64`.
    pub arch: String,
}

/// Why there is no engine to speak to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// There is none on this machine, as far as one can look.
    #[error("there is no Docker engine here (looked at {})", looked.join(", "))]
    Absent {
        /// Where was looked.
        looked: Vec<String>,
    },
    /// There is one, and it does not answer.
    #[error("the Docker engine at {at} does not answer: {reason}")]
    Silent {
        /// Where.
        at: String,
        /// What happened instead.
        reason: String,
    },
    /// There is one, and this user may not speak to it.
    #[error("this user may not speak to the Docker engine at {at}")]
    Refused {
        /// Where.
        at: String,
    },
    /// The address is of a kind that devstack does not speak, or names nothing.
    #[error("cannot use the Docker engine at {at}: {reason}")]
    Unusable {
        /// Where.
        at: String,
        /// Why.
        reason: String,
    },
}

impl EngineError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "install Docker or Podman, or use `--runtime embedded`, which needs neither",
            Self::Silent { .. } => {
                "start it (`systemctl start docker`, Docker Desktop, `colima start`), or use `--runtime embedded`"
            }
            Self::Refused { .. } => "add yourself to its group: `sudo usermod -aG docker $USER`, then log in again",
            Self::Unusable { .. } => "set DOCKER_HOST to the engine's socket: `unix:///path/to/docker.sock`",
        }
    }

    /// Whether there is simply none: the one case in which something else may be used instead.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }
}

impl Engine {
    /// The engine of this environment: the one that `DOCKER_HOST` or the Docker context names, else the first known socket that answers.
    pub async fn discover(env: &dyn Env) -> Result<Self, EngineError> {
        Self::discover_within(env, PATIENCE).await
    }

    /// The same with another patience for each that is asked.
    pub async fn discover_within(env: &dyn Env, patience: Duration) -> Result<Self, EngineError> {
        match discover::places(env)? {
            Places::Named { by, at } => match &at {
                Address::Socket(path) if !exists(path) => Err(EngineError::Absent { looked: vec![format!("{at} ({by})")] }),
                _ => Self::at(&at, patience).await,
            },
            Places::Usual(sockets) => {
                let looked = sockets.iter().map(|path| path.display().to_string()).collect();
                let mut first = None;
                for path in sockets.into_iter().filter(|path| exists(path)) {
                    match Self::at(&Address::Socket(path), patience).await {
                        Ok(engine) => return Ok(engine),
                        // Another may answer; if none does, the first is the one to speak of.
                        Err(error) => first = first.or(Some(error)),
                    }
                }
                Err(first.unwrap_or(EngineError::Absent { looked }))
            }
        }
    }

    /// What it says of itself.
    pub fn about(&self) -> &EngineAbout {
        &self.about
    }

    /// Whether it answers now; it may have been stopped since it was found.
    pub async fn answers(&self) -> Result<(), EngineError> {
        let silent = |reason| EngineError::Silent { at: self.about.at.clone(), reason };
        match tokio::time::timeout(PATIENCE, self.api.ping()).await {
            Err(_) => Err(silent(format!("no answer within {} s", PATIENCE.as_secs()))),
            Ok(Err(error)) => Err(silent(words(error))),
            Ok(Ok(_)) => Ok(()),
        }
    }

    pub(super) fn api(&self) -> &Docker {
        &self.api
    }

    /// The engine's API for a call that may take `longer` than others.
    pub(super) fn patient(&self, longer: Duration) -> Docker {
        self.api.clone().with_timeout(CALL + longer)
    }

    async fn at(address: &Address, patience: Duration) -> Result<Self, EngineError> {
        let at = address.to_string();
        let silent = |reason: String| EngineError::Silent { at: at.clone(), reason };
        let api = connect(address).map_err(|error| silent(Said::from(error).words))?;
        let asked = async {
            let api = api.negotiate_version().await?;
            let version = api.version().await?;
            Ok::<_, bollard::errors::Error>((api, version))
        };
        match tokio::time::timeout(patience, asked).await {
            Err(_) => Err(silent(format!("no answer within {} s", patience.as_secs_f64()))),
            Ok(Err(error)) if os_kind(&error) == Some(std::io::ErrorKind::PermissionDenied) => Err(EngineError::Refused { at }),
            Ok(Err(error)) => Err(silent(words(error))),
            Ok(Ok((api, version))) => {
                let about = about(version, at);
                Ok(Self { api, about })
            }
        }
    }
}

fn connect(address: &Address) -> Result<Docker, bollard::errors::Error> {
    let seconds = CALL.as_secs();
    match address {
        Address::Socket(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION),
        Address::Tcp(address) => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
    }
}

/// A link to nowhere is what an engine that is switched off leaves behind: as good as nothing.
fn exists(path: &std::path::Path) -> bool {
    path.try_exists().unwrap_or(true)
}

/// What happened instead of an answer, for sentences that say already that there was none.
fn words(error: bollard::errors::Error) -> String {
    let words = Said::from(error).words;
    words.strip_prefix(said::UNANSWERED).map_or(words.clone(), ToOwned::to_owned)
}

fn about(version: bollard::models::SystemVersion, at: String) -> EngineAbout {
    let parts = version.components.unwrap_or_default();
    let podman = parts.iter().any(|part| part.name.to_ascii_lowercase().contains("podman"));
    let unknown = || "unknown".to_owned();
    EngineAbout {
        name: if podman { "podman" } else { "docker" }.to_owned(),
        version: version.version.unwrap_or_else(unknown),
        api: version.api_version.unwrap_or_else(unknown),
        at,
        os: version.os.unwrap_or_else(unknown),
        arch: version.arch.unwrap_or_else(unknown),
    }
}
