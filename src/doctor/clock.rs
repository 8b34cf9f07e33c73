//! The clock against the engine's: spans of containers and of services on this machine stand in one trace.

use super::{check::Check, engine_facts::EngineFacts};

/// From so many milliseconds apart parents and children visibly disagree.
const ATTENTION_MS: u64 = 1_000;
/// From so many apart stores refuse or hide what comes: Prometheus takes nothing from further ahead than ten minutes.
const BROKEN_MS: u64 = 600_000;

/// Judges the difference of the clocks; `None` where the engine does not tell its time.
pub(super) fn clock(facts: &EngineFacts) -> Option<Check> {
    const CODE: &str = "clock";
    let skew = facts.skew_ms?;
    let apart = skew.unsigned_abs();
    // What the answer's own way may explain is no difference.
    let certain = apart.saturating_sub(facts.skew_within_ms);
    let words = || {
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        format!("the engine's clock is {} {direction} this machine's", told(apart))
    };
    let check = match certain {
        0..ATTENTION_MS => Check::ok(CODE, format!("clock agrees with the engine ({apart} ms)")),
        ATTENTION_MS..BROKEN_MS => Check::attention(CODE, words()).fix(fix()),
        BROKEN_MS.. => Check::broken(CODE, words()).fix(fix()),
    };
    Some(check.detail("skew_ms", skew).detail("within_ms", facts.skew_within_ms))
}

fn fix() -> &'static str {
    // Desktops run the engine in a virtual machine, whose clock stays behind when the computer slept.
    if cfg!(target_os = "linux") { "sudo timedatectl set-ntp true" } else { "restart Docker Desktop" }
}

fn told(millis: u64) -> String {
    match millis / 1000 {
        0 => format!("{millis} ms"),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
