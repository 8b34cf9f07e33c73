//! Circuit breakers, one per external service: after too many failures a service is left alone for a while, then tried carefully.
//!
//! Asked by `clients::call` before and told after every call; its states are a metric. Timers run on the scaled clock.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::support::clock::{self, TimerClock};

/// Calls in a row that fail before the breaker opens (`medicalcor.md` 3.4).
const FAILURES_TO_OPEN: u32 = 5;
/// Time it stays open.
const OPEN_FOR: Duration = Duration::from_secs(30);
/// Successes in a row, half-open, before it closes.
const SUCCESSES_TO_CLOSE: u32 = 2;

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One call at a time, to see.
    HalfOpen,
}

/// The breaker of one service.
#[derive(Debug)]
pub(crate) struct Breaker {
    service: &'static str,
    clock: TimerClock,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    state: State,
    failures: u32,
    successes: u32,
    opened: Option<Instant>,
    probing: bool,
}

/// The breakers of a process.
#[derive(Debug)]
pub(crate) struct Breakers {
    all: Vec<std::sync::Arc<Breaker>>,
}

/// A call that was let through; dropped without a word (a cancelled call) it counts as neither.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl State {
    /// The one encoding of `medicalcor_circuit_breaker_state`: the more it holds back, the higher, so that the maximum over several
    /// workers is the state of the worst.
    pub(crate) fn code(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 0.5,
            Self::Open => 1.0,
        }
    }
}

impl Breaker {
    fn new(service: &'static str, clock: TimerClock) -> Self {
        let inside = Inside { state: State::Closed, failures: 0, successes: 0, opened: None, probing: false };
        Self { service, clock, inside: Mutex::new(inside) }
    }

    /// Lets a call through, or not (`None`).
    pub(crate) fn enter(&self) -> Option<Permit<'_>> {
        let mut inside = self.lock();
        self.age(&mut inside);
        let probe = match inside.state {
            State::Closed => false,
            State::HalfOpen if !inside.probing => true,
            State::Open | State::HalfOpen => return None,
        };
        inside.probing |= probe;
        Some(Permit { breaker: self, probe })
    }

    /// What it would do now.
    pub(crate) fn state(&self) -> State {
        let mut inside = self.lock();
        self.age(&mut inside);
        inside.state
    }

    /// Open becomes half-open with time.
    fn age(&self, inside: &mut Inside) {
        let over = inside.opened.is_some_and(|opened| opened.elapsed() >= self.clock.real(OPEN_FOR));
        if inside.state == State::Open && over {
            inside.state = State::HalfOpen;
            inside.successes = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The service answered as it should, or refused this one request for good reason.
    pub(crate) fn succeeded(self) {
        let mut inside = self.breaker.lock();
        inside.failures = 0;
        if inside.state == State::HalfOpen {
            inside.successes += 1;
            if inside.successes >= SUCCESSES_TO_CLOSE {
                inside.state = State::Closed;
            }
        }
    }

    /// The service did not answer, or not as it should.
    pub(crate) fn failed(self) {
        let mut inside = self.breaker.lock();
        inside.failures += 1;
        if inside.state == State::HalfOpen || inside.failures >= FAILURES_TO_OPEN {
            inside.state = State::Open;
            inside.failures = 0;
            inside.opened = Some(clock::monotonic());
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.lock().probing = false;
        }
    }
}

impl Breakers {
    /// A closed breaker per service.
    pub(crate) fn new(services: &[&'static str], clock: TimerClock) -> Self {
        Self { all: services.iter().map(|service| std::sync::Arc::new(Breaker::new(service, clock))).collect() }
    }

    /// The breaker of a service.
    pub(crate) fn of(&self, service: &str) -> Option<std::sync::Arc<Breaker>> {
        self.all.iter().find(|breaker| breaker.service == service).cloned()
    }

    /// Every service and its state.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&'static str, State)> + '_ {
        self.all.iter().map(|breaker| (breaker.service, breaker.state()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, FAILURES_TO_OPEN, State};
    use crate::support::clock::TimerClock;

    /// A scale at which thirty seconds are over at once.
    fn at_once() -> TimerClock {
        TimerClock::scaled(1e-12)
    }

    fn fail(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| breaker.enter().expect("let through").failed());
    }

    #[test]
    fn it_opens_after_five_failures_in_a_row() {
        let breaker = Breaker::new("hubspot", TimerClock::default());
        fail(&breaker, FAILURES_TO_OPEN - 1);
        breaker.enter().expect("let through").succeeded();
        fail(&breaker, FAILURES_TO_OPEN - 1);
        assert_eq!(breaker.state(), State::Closed);
        fail(&breaker, 1);
        assert_eq!(breaker.state(), State::Open);
        assert!(breaker.enter().is_none());
    }

    #[test]
    fn half_open_lets_one_through_and_closes_after_two() {
        let breaker = Breaker::new("hubspot", at_once());
        fail(&breaker, FAILURES_TO_OPEN);
        let probe = breaker.enter().expect("half-open lets one through");
        assert!(breaker.enter().is_none(), "and no second beside it");
        probe.succeeded();
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.enter().expect("the next").succeeded();
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_failed_probe_opens_again_and_a_dropped_one_frees_the_place() {
        let breaker = Breaker::new("hubspot", at_once());
        fail(&breaker, FAILURES_TO_OPEN);
        drop(breaker.enter());
        fail(&breaker, 1);
        assert!(breaker.lock().state == State::Open);
    }

    #[test]
    fn the_codes_are_zero_a_half_and_one() {
        let codes = [State::Closed, State::HalfOpen, State::Open].map(|state| state.code().to_string());
        assert_eq!(codes, ["0", "0.5", "1"]);
    }
}
