//! What a run is aimed at, and how requests go there: to whom, how fast, by whose clock, and what is known of it afterwards.
//!
//! Made by `cli`, part of the [`Grounds`](super::Grounds).

use std::time::Duration;

use crate::replay::{Pace, Sender, Skews};

/// How long a case may take on a target that is not the demo, where neither fixture nor suite says. An SDK left at its defaults hands a
/// span over 5 s after it ended, and *quiet* is 10.5 s from then: within the 15 s of DESIGN (section 7, verdict 8) such a service could
/// never be judged.
pub const TARGET_DEADLINE: Duration = Duration::from_secs(20);

/// Cases under way at once on such a target: it may be one process on a developer's machine, and it has limits of its own.
pub const TARGET_JOBS: usize = 4;

/// The target of a run.
#[derive(Debug, Clone)]
pub struct Aim {
    /// For people and reports: `demo`, or the target's address.
    pub target: String,
    /// The service that takes requests which name none; `None` where the providers' own do (the demo).
    pub recipient: Option<String>,
    /// How long a case may take where neither fixture nor suite says; `None` for what the judge needs.
    pub deadline: Option<Duration>,
    /// Whether the services may be asked for their work. Only where all of them are known: the word of some says nothing of the others,
    /// and a service that is not ours is asked nothing that no fixture asks, but for the control request of `trace: none`.
    pub reports: bool,
    /// How fast requests go out; `None` for as fast as they come.
    pub pace: Option<Pace>,
    /// What is known of the services' clocks.
    pub skews: Skews,
    /// Sends the requests.
    pub sender: Sender,
}

impl Aim {
    /// Services at `target` of which `recipient` takes what names none, and of which nothing but their telemetry is known.
    pub fn at(target: impl Into<String>, recipient: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            recipient: Some(recipient.into()),
            deadline: Some(TARGET_DEADLINE),
            reports: false,
            ..Self::default()
        }
    }
}

impl Default for Aim {
    /// The demo services.
    fn default() -> Self {
        Self {
            target: "demo".to_owned(),
            recipient: None,
            deadline: None,
            reports: true,
            pace: None,
            skews: Skews::default(),
            sender: Sender::default(),
        }
    }
}
