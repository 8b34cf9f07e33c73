//! Asking again and again for something that comes soon or never: often at first, then less, until a deadline.
//!
//! Used by `check` (the witness) and `runtime` (canaries); the caller says what it waits for when the time is over.

use std::time::Duration;

use super::clock::{self, Stopwatch};

/// The first pause. What is there within milliseconds should be seen within milliseconds.
const FIRST: Duration = Duration::from_millis(5);

/// The longest pause: seldom enough to cost nothing.
const LONGEST: Duration = Duration::from_millis(50);

/// The same for questions to somebody else's server, by many at once.
const GENTLE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// The pauses between questions, up to a deadline.
#[derive(Debug)]
pub struct Poll {
    clock: Stopwatch,
    deadline: Duration,
    pause: Duration,
    longest: Duration,
}

impl Poll {
    /// Begins now and ends after `deadline`.
    pub fn until(deadline: Duration) -> Self {
        Self { clock: Stopwatch::start(), deadline, pause: FIRST, longest: LONGEST }
    }

    /// Begins now and ends after `deadline`, asking ten times as seldom.
    pub fn gently(deadline: Duration) -> Self {
        Self { pause: GENTLE.0, longest: GENTLE.1, ..Self::until(deadline) }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Waits for the next moment to ask; false, at once, when the deadline has come.
    pub async fn again(&mut self) -> bool {
        let left = self.deadline.saturating_sub(self.clock.elapsed());
        if left.is_zero() {
            return false;
        }
        clock::pause(self.pause.min(left)).await;
        self.pause = (self.pause * 3 / 2).min(self.longest);
        true
    }
}
