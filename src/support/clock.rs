//! The two clocks of a run: the true one for spans, signatures and arrival, and a scaled one that only drives timers.
//!
//! This is the one place that asks the operating system for the time (`clippy.toml` bans it elsewhere).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the Unix epoch, now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// Whole seconds since the Unix epoch, now.
pub fn unix_seconds() -> i64 {
    (unix_nanos() / 1_000_000_000) as i64
}

/// The monotonic clock of this process, now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A stretch of true time that began when it was made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(monotonic())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The moment it was started.
    pub fn started(&self) -> Instant {
        self.0
    }
}

/// The clock of timers: back-off, breaker windows, time-outs, waits. At scale 0.01 a second lasts ten milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimerClock {
    scale: f64,
}

impl TimerClock {
    /// A clock whose timers last `scale` times what they say; `scale` must be finite and above zero, else it counts as 1.
    pub fn scaled(scale: f64) -> Self {
        Self { scale: if scale.is_finite() && scale > 0.0 { scale } else { 1.0 } }
    }

    /// How long `nominal` lasts on this clock, in true time.
    pub fn real(&self, nominal: Duration) -> Duration {
        nominal.mul_f64(self.scale)
    }

    /// Waits for `nominal` on this clock.
    pub async fn wait(&self, nominal: Duration) {
        tokio::time::sleep(self.real(nominal)).await;
    }
}

impl Default for TimerClock {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

/// Lets true time pass. For pauses that are part of what is asked (a step sent 200 ms later), never for waiting until something is done.
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
