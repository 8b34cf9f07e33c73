//! What happens while a stack starts and stops, as data: from the runtimes through the supervisor to whoever draws it.
//!
//! One JSON document a line on the supervisor's stdout; `cli` draws them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Note, RuntimeKind};
use crate::support::millis;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum UpEvent {
    /// The supervisor has begun.
    Begun {
        /// Where it will run.
        runtime: RuntimeKind,
        /// The engine in a few words, `docker 28.2`; `None` where there is none.
        engine: Option<String>,
        /// The stack's name.
        stack: String,
        /// Names of the components, in the order of the stack.
        components: Vec<String>,
    },
    /// How far the fetching of an image is. Sent for each change of a layer.
    Pulling {
        /// The image.
        image: String,
        /// The layer's short id; empty for the image as a whole.
        layer: String,
        /// What the engine says: `Downloading`, `Extracting`, `Pull complete`.
        status: String,
        /// Bytes done, of [`Self::Pulling::total`].
        current: u64,
        /// Bytes of the layer; 0 where the engine does not say.
        total: u64,
    },
    /// A component is somewhere on its way.
    Component {
        /// Its name.
        name: String,
        /// Where on its way.
        step: Step,
    },
    /// A canary came back.
    Canary {
        /// `trace` or `metric`.
        signal: String,
        /// The hops it went through: `devstack`, `collector`, `tempo`.
        hops: Vec<String>,
        /// How long it took, in milliseconds.
        #[serde(rename = "after_ms", with = "millis")]
        after: Duration,
    },
    /// What was begun is being taken back.
    RollingBack,
    /// Something worth a line that stops nothing.
    Warning {
        /// A sentence.
        words: String,
    },
    /// All of it runs and telemetry flows.
    Ready(Box<Ready>),
    /// It could not start; everything that this run created is gone again.
    Failed(Box<UpFailure>),
    /// It is down: the supervisor has let go.
    Gone,
}

/// Where a component is on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// It waits for others.
    Waiting {
        /// For whom.
        on: Vec<String>,
    },
    /// Its container is being made.
    Creating,
    /// It was started and does not answer yet.
    Starting {
        /// The last thing seen: `/ready: connection reset`.
        last: String,
    },
    /// It answers as it should.
    Ready {
        /// Its main address, where it has one.
        address: Option<String>,
        /// From the creation of its container, in milliseconds.
        #[serde(rename = "after_ms", with = "millis")]
        after: Duration,
    },
    /// It ran already, just so.
    Kept {
        /// Its main address, where it has one.
        address: Option<String>,
    },
    /// It is gone.
    Removed,
    /// A service has ended, as it was asked to.
    Stopped,
}

/// Everything that is told of a stack that is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Where everything is.
    pub note: Note,
    /// Whether it was up already and nothing was done.
    pub unchanged: bool,
    /// From the start of the supervisor to here, in milliseconds.
    #[serde(rename = "after_ms", with = "millis")]
    pub after: Duration,
}

/// Why a stack did not start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpFailure {
    /// The component, where one is to blame.
    pub component: Option<String>,
    /// What went wrong: `port 4317 is taken`.
    pub message: String,
    /// Further lines: `by otelcol (pid 4121)`, the last thing seen.
    pub details: Vec<String>,
    /// The end of the component's log.
    pub log_tail: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// Whether it was cancelled and not failed.
    pub cancelled: bool,
    /// Whether another supervisor was faster: there is a stack to look at again.
    #[serde(default)]
    pub overtaken: bool,
}

/// Where events go; a clone shares the way. A receiver that is gone is no error.
#[derive(Debug, Clone)]
pub struct Events(mpsc::UnboundedSender<UpEvent>);

impl Events {
    /// A way and its end.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<UpEvent>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// A way that leads here.
    pub(super) fn of(sender: mpsc::UnboundedSender<UpEvent>) -> Self {
        Self(sender)
    }

    /// Tells one.
    pub fn tell(&self, event: UpEvent) {
        // Nobody listens any more: the work goes on all the same.
        let _ = self.0.send(event);
    }

    /// Tells where a component is.
    pub fn component(&self, name: &str, step: Step) {
        self.tell(UpEvent::Component { name: name.to_owned(), step });
    }
}

impl UpFailure {
    /// A failure that no component is to blame for.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            component: None,
            message: message.into(),
            details: Vec::new(),
            log_tail: Vec::new(),
            hints: Vec::new(),
            cancelled: false,
            overtaken: false,
        }
    }

    /// It was cancelled and did not fail.
    pub fn cancelled() -> Self {
        Self { cancelled: true, ..Self::new("cancelled") }
    }

    /// With something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With a further line.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }
}
