//! What an engine says when it refuses, and what devstack was doing then: the errors of this room.
//!
//! Every call to the engine ends in one of these; `failure` turns those of `up` into what a person reads.

use std::{error::Error, io, time::Duration};

use bollard::errors::Error as Raw;

/// How a sentence about an engine that cannot be reached begins.
pub(super) const UNANSWERED: &str = "the engine does not answer: ";

/// The engine's answer to a call that failed, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Said {
    /// The HTTP status; `None` where no answer came.
    pub status: Option<u16>,
    /// The engine's words, or the operating system's.
    pub words: String,
}

/// Why something could not be done with containers, networks or volumes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DockerError {
    /// Asking what there is.
    #[error("the engine could not list {what}")]
    List {
        /// Containers, networks, volumes.
        what: &'static str,
        /// Its words.
        source: Said,
    },
    /// Asking about one thing.
    #[error("the engine could not tell about `{name}`")]
    Inspect {
        /// Its name.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Making a network.
    #[error("the engine could not make the network `{name}`")]
    Network {
        /// Its name.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Making a volume.
    #[error("the engine could not make the volume `{name}`")]
    Volume {
        /// Its name.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Making a container.
    #[error("the engine could not make the container `{name}`")]
    Create {
        /// Its name.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Putting files into a container.
    #[error("the engine could not put files into `{name}`")]
    Upload {
        /// The container.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Joining a network.
    #[error("`{name}` could not join the network `{network}`")]
    Join {
        /// The container.
        name: String,
        /// The network.
        network: String,
        /// Its words.
        source: Said,
    },
    /// Starting a container.
    #[error("the engine could not start `{name}`")]
    Start {
        /// The container.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Removing something.
    #[error("the engine could not remove `{name}`")]
    Remove {
        /// What.
        name: String,
        /// Its words.
        source: Said,
    },
    /// Reading a container's output.
    #[error("the engine could not give the output of `{name}`")]
    Logs {
        /// The container.
        name: String,
        /// Its words.
        source: Said,
    },
}

impl Said {
    /// What is asked about is not there.
    pub fn is_missing(&self) -> bool {
        self.status == Some(404)
    }

    /// It is there already, or in the midst of something.
    pub fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }

    /// Nobody answered.
    fn unheard(why: &str) -> Self {
        Self { status: None, words: format!("{UNANSWERED}{why}") }
    }

    /// Nothing was heard for so long.
    pub(super) fn silence(after: Duration) -> Self {
        Self { status: None, words: format!("nothing was heard from the engine for {} s", after.as_secs()) }
    }
}

impl DockerError {
    /// The engine's words.
    pub fn said(&self) -> &Said {
        match self {
            Self::List { source, .. }
            | Self::Inspect { source, .. }
            | Self::Network { source, .. }
            | Self::Volume { source, .. }
            | Self::Create { source, .. }
            | Self::Upload { source, .. }
            | Self::Join { source, .. }
            | Self::Start { source, .. }
            | Self::Remove { source, .. }
            | Self::Logs { source, .. } => source,
        }
    }
}

impl DockerError {
    /// What failed and why, on one line.
    pub fn sentence(&self) -> String {
        format!("{self}: {}", self.said())
    }
}

impl From<Raw> for Said {
    fn from(error: Raw) -> Self {
        match error {
            Raw::DockerResponseServerError { status_code, message } => Self { status: Some(status_code), words: message },
            Raw::DockerStreamError { error } => Self { status: None, words: error },
            Raw::RequestTimeoutError => Self { status: None, words: "the engine does not answer".to_owned() },
            // The libraries' own words around these say nothing that a person could use.
            other => match os_kind(&other) {
                Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Self::unheard("connection refused"),
                Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Self::unheard("connection reset"),
                _ => Self { status: None, words: chain(&other) },
            },
        }
    }
}

/// The chain of causes on one line. Libraries often repeat the cause's text in their own.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// The operating system's kind of failure, wherever it stands in the chain of causes.
pub(super) fn os_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<io::Error>() {
            // An error of a library in the clothes of an I/O error: what caused it stands inside.
            match found.get_ref() {
                Some(inner) if found.kind() == io::ErrorKind::Other => return os_kind(inner),
                _ => return Some(found.kind()),
            }
        }
        next = cause.source();
    }
    None
}
