//! What is asked, and everything that was found out before anything is judged. Tests of the rules make these facts by hand.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{
    language::{Language, Loading},
    propagation::Propagation,
};
use crate::{
    model::arrival::Sender,
    support::inspect::{NotTold, Variables},
};

/// What is examined.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Where the service answers: `http://localhost:3000`.
    pub url: String,
    /// The receiver of the stack that is up; `None` where none is.
    pub receiver: Option<Receiver>,
    /// Whether a control request may be sent to the service. Without, only what can be told without sending is.
    pub measure: bool,
    /// How long to wait for its span; by default twice its export delay, and two seconds.
    pub wait: Option<Duration>,
    /// Processes that are known to have ended, by whoever started them.
    pub known_exits: Vec<Exit>,
}

/// The receiver of a stack, and where its ledger answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receiver {
    /// Base address of OTLP over HTTP.
    pub otlp_http: String,
    /// Base address of OTLP over gRPC.
    pub otlp_grpc: String,
    /// Base address of the ledger's API.
    pub ledger: String,
}

/// A process that ended while spans of it may have been waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// What it was called by whoever started it.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// How it ended.
    pub how: ExitHow,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitHow {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, which it did not handle.
    Signal(i32),
    /// Nobody was there to see it.
    Unseen,
}

/// A URL that cannot be examined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not the URL of a service: {reason}")]
pub struct TargetUrlError {
    /// What was given, without credentials.
    pub shown: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Everything that was found out.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The URL, without credentials.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// Whether it is on this machine.
    pub here: bool,
    /// Whether somebody listens there.
    pub reach: Reach,
    /// Who does; `None` where that is not told.
    pub process: Option<Process>,
    /// Where the traces of the process go, as far as its variables say.
    pub traces_to: Option<Destination>,
    /// The stack's receiver.
    pub receiver: Option<Receiver>,
    /// What measuring showed; `None` where nothing was sent.
    pub measured: Option<Measured>,
    /// Processes that are known to have ended.
    pub known_exits: Vec<Exit>,
}

/// Whether somebody listens at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Somebody does.
    Open,
    /// Connections are refused.
    Refused,
    /// No connection came about, for another reason.
    #[default]
    Unknown,
}

/// The process that listens.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
    /// When it started, for people.
    pub since: Option<String>,
    /// What it runs, of its command line: a script or a module. Arguments may hold secrets and are not kept.
    pub runs: Option<String>,
    /// Whether it only stands for a container.
    pub is_container: bool,
    /// Who started it, the nearest first, as far as they are of the same program or a launcher.
    pub started_by: Vec<Relative>,
    /// What it started.
    pub started: Vec<Relative>,
    /// What it is written in.
    pub language: Language,
    /// Whether something loads instrumentation when it starts.
    pub loading: Loading,
    /// The variables it was started with that matter here.
    pub variables: Result<Variables, NotTold>,
    /// Ports of receivers that it was seen connected with, or trying.
    pub connected: Vec<u16>,
}

/// A process near the one that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relative {
    /// Its id.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// The variable that says so; `None` for the default of the standard.
    pub variable: Option<&'static str>,
    /// The address, without credentials.
    pub endpoint: String,
    /// Its port.
    pub port: u16,
    /// Whether it is on this machine.
    pub loopback: bool,
    /// Whether it is gRPC; `None` where the code of the program decides.
    pub grpc: Option<bool>,
    /// Whether somebody listens there.
    pub reach: Reach,
}

/// What a control request showed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// What became of the request.
    pub asked: Asked,
    /// How far the service's clock is ahead of ours in seconds, where they certainly differ.
    pub clock_ahead: Option<i64>,
    /// Whether the arrivals could be watched: a stack is up, and its ledger answers.
    pub watched: bool,
    /// The service's span of the request.
    pub span: Option<SpanSeen>,
    /// What the receiver could not take meanwhile, in its words.
    pub rejected: Vec<String>,
    /// How long was waited after the answer, in milliseconds.
    pub waited_ms: u64,
    /// Who sends as this service: by the span, its process id, or the name it was given.
    pub senders: Vec<Sender>,
    /// Whether the ones of `senders` sent metrics or logs while it was waited.
    pub others_came: bool,
    /// When it is now on the ledger's clock, in nanoseconds.
    pub now_ns: u64,
    /// How its traces go on in other services.
    pub propagation: Propagation,
}

/// What became of the control request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It was answered with this status.
    Answered(u16),
    /// Something answered that is not HTTP, or hung up.
    NotHttp(String),
    /// No answer came in time.
    Silent,
    /// It could not be sent.
    #[default]
    NotSent,
}

/// A span of the control request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanSeen {
    /// `service.name` of who sent it.
    pub service: String,
    /// `service.instance.id` of who sent it.
    pub instance: String,
    /// `process.pid` of who sent it, where it was sent.
    pub pid: Option<i64>,
    /// How long after the answer it came, in milliseconds.
    pub after_ms: u64,
    /// Whether it is a SERVER span.
    pub server: bool,
    /// Whether it went on with the trace that was sent; else it began its own.
    pub continued: bool,
}

impl Measured {
    /// Whether anything of the request arrived.
    pub fn arrived(&self) -> bool {
        self.span.is_some()
    }

    /// The longest time from the end of a span to its arrival, in milliseconds, over everything seen.
    pub fn longest_lag_ms(&self) -> u64 {
        // An earlier process of the same name may have been set otherwise.
        let own =
            |sender: &&Sender| self.span.as_ref().is_none_or(|span| (&sender.instance, sender.pid) == (&span.instance, span.pid));
        let seen = self.senders.iter().filter(own).map(|sender| sender.longest_lag_ns / 1_000_000).max().unwrap_or_default();
        seen.max(self.span.as_ref().map_or(0, |span| span.after_ms))
    }
}

impl Facts {
    /// Whether it was watched and a span of the request came.
    pub(super) fn arrived(&self) -> bool {
        self.measured.as_ref().is_some_and(Measured::arrived)
    }

    /// Whether it was watched, the service answered, and no span came.
    pub(super) fn is_silent(&self) -> bool {
        let answered = |measured: &Measured| matches!(measured.asked, Asked::Answered(_));
        self.measured.as_ref().is_some_and(|measured| measured.watched && answered(measured) && !measured.arrived())
    }

    /// Whether it was seen exporting: connected with a receiver, or heard of at all.
    pub(super) fn exports(&self) -> bool {
        let connected = self.process.as_ref().is_some_and(|process| !process.connected.is_empty());
        connected || self.measured.as_ref().is_some_and(|measured| measured.arrived() || !measured.senders.is_empty())
    }

    /// The variables of the process, where they are told.
    pub(super) fn variables(&self) -> Option<&Variables> {
        self.process.as_ref()?.variables.as_ref().ok()
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}
