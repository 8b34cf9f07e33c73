//! How a stack is, as data: for the table of `devstack status` and for its JSON.
//!
//! Put together by the supervisor, or without one by whoever finds its traces; drawn by `cli`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RuntimeKind;
use crate::model::Traffic;

/// The version of the JSON shape; grows when a field changes its meaning or goes away.
pub const STATUS_VERSION: u32 = 1;

/// The state of a component of which nobody can tell anything.
pub const UNKNOWN: &str = "unknown";

/// How a stack is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`STATUS_VERSION`].
    pub version: u32,
    /// How it is as a whole.
    pub state: StackState,
    /// Why, in a sentence, where it is not simply up or down.
    pub reason: Option<String>,
    /// Where it runs; `None` when nothing is up.
    pub runtime: Option<RuntimeKind>,
    /// The stack's name.
    pub stack: Option<String>,
    /// The supervisor's process.
    pub pid: Option<u32>,
    /// For how long it has been up, in seconds.
    pub uptime_s: Option<u64>,
    /// Whether another build of devstack runs it.
    pub other_build: Option<String>,
    /// Its parts, devstack's own receiver first.
    pub components: Vec<ComponentStatus>,
    /// What went through the receiver.
    pub traffic: Option<Traffic>,
}

/// How a stack is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackState {
    /// Everything runs.
    Up,
    /// On its way up.
    Starting,
    /// The receiver runs; something else does not.
    Degraded,
    /// Containers run (or are left) and the supervisor is gone.
    Orphaned,
    /// Nothing is up.
    Down,
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Its name.
    pub name: String,
    /// `running`, `exited (1)`, `paused`, `removed`, `unknown`: the engine's words.
    pub state: String,
    /// Whether that is as it should be.
    pub healthy: bool,
    /// What its readiness probe says now, where it has one: `ready`, `/ready: 503`.
    pub health: Option<String>,
    /// Its main address.
    pub address: Option<String>,
    /// All of its published ports, by name.
    pub ports: BTreeMap<String, u16>,
    /// For how long it has been running, in seconds.
    pub uptime_s: Option<u64>,
    /// Its image.
    pub image: Option<String>,
    /// The engine's id of its container.
    pub container: Option<String>,
    /// Its process, where it is a program of the project's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What it stands in for, where it is an external that devstack plays: `trigger.dev`, else its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
}

impl ComponentStatus {
    /// A component of which nobody can tell anything, and why.
    pub fn unknown(name: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: UNKNOWN.to_owned(),
            healthy: false,
            health: Some(why.to_owned()),
            address: None,
            ports: BTreeMap::new(),
            uptime_s: None,
            image: None,
            container: None,
            pid: None,
            stand_in: None,
        }
    }
}

impl Status {
    /// Nothing is up.
    pub fn down() -> Self {
        Self {
            version: STATUS_VERSION,
            state: StackState::Down,
            reason: None,
            runtime: None,
            stack: None,
            pid: None,
            uptime_s: None,
            other_build: None,
            components: Vec::new(),
            traffic: None,
        }
    }
}

/// A line that a component wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The component or service.
    pub name: String,
    /// When, in nanoseconds since the Unix epoch; 0 where nobody says.
    pub at_ns: u64,
    /// Whether it went to stderr.
    pub stderr: bool,
    /// The line, without its end.
    pub text: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsWanted {
    /// Components and services; all when empty.
    #[serde(default)]
    pub names: Vec<String>,
    /// Only lines from this moment on, in seconds since the Unix epoch.
    pub since: Option<i64>,
    /// Only the last so many of each.
    pub tail: Option<usize>,
    /// Whether to go on as lines come.
    #[serde(default)]
    pub follow: bool,
}
