//! The pace of a run: requests go out evenly spaced, over all cases.
//!
//! Made by `cli` from `--rate`; asked by `check` before each first byte.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::support::clock;

/// Whose turn it is when; a clone shares it. There is no burst: after a pause the next two are as far apart as any.
#[derive(Debug, Clone)]
pub struct Pace {
    spacing: Duration,
    next: Arc<Mutex<Option<Instant>>>,
}

impl Pace {
    /// Requests at least so far apart.
    pub fn new(spacing: Duration) -> Self {
        Self { spacing, next: Arc::default() }
    }

    /// Takes the next turn, and says how long it is until then. Whoever has taken one keeps it.
    pub fn take_turn(&self) -> Duration {
        self.turn_at(clock::monotonic())
    }

    fn turn_at(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.spacing);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;
    use crate::support::clock;

    #[test]
    fn turns_are_evenly_spaced_and_a_pause_saves_up_nothing() {
        let pace = Pace::new(Duration::from_secs(2));
        let start = clock::monotonic();
        let after = |seconds| pace.turn_at(start + Duration::from_secs(seconds)).as_secs();
        assert_eq!([after(0), after(0), after(1)], [0, 2, 3], "at 0, 2 and 4 s");
        assert_eq!([after(60), after(60), after(61)], [0, 2, 3], "at 60, 62 and 64 s");
    }
}
