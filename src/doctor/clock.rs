//! The clock against the engine's: spans of containers and of services on this machine stand in one trace.

use super::{check::Check, engine_facts::EngineFacts};

/// From so many milliseconds apart parents and children visibly disagree.
const ATTENTION_MS: u64 = 1_000;
/// From so many apart stores refuse or hide what comes: Prometheus takes nothing from further ahead than ten minutes.
const BROKEN_MS: u64 = 600_000;

/// Judges the difference of the clocks; `None` where the engine does not tell its time.
pub(super) fn clock(facts: &EngineFacts) -> Option<Check> {
    const CODE: &str = "clock";
    let skew = facts.facts.skew?;
    let apart = skew.millis.unsigned_abs();
    // What the answer's own way may explain is no difference.
    let certain = apart.saturating_sub(skew.within);
    let words = || {
        let direction = if skew.millis > 0 { "ahead of" } else { "behind" };
        format!("the engine's clock is {} {direction} this machine's", told(apart))
    };
    let check = match certain {
        0..ATTENTION_MS => Check::ok(CODE, format!("clock agrees with the engine ({apart} ms)")),
        ATTENTION_MS..BROKEN_MS => Check::attention(CODE, words()).fix(fix()),
        BROKEN_MS.. => Check::broken(CODE, words()).fix(fix()),
    };
    Some(check.detail("skew_ms", skew.millis).detail("within_ms", skew.within))
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

#[cfg(test)]
mod tests {
    use super::clock;
    use crate::{
        doctor::{Check, Level, engine_facts::EngineFacts},
        runtime::docker::Skew,
    };

    fn judged(millis: Option<i64>, within: u64) -> Option<Check> {
        let mut facts = EngineFacts::sample();
        facts.facts.skew = millis.map(|millis| Skew { millis, within });
        clock(&facts)
    }

    #[test]
    fn clocks_that_agree_differ_or_cannot_be_used_together() {
        let ok = judged(Some(-3), 2).unwrap();
        assert_eq!((ok.level, ok.message.as_str()), (Level::Ok, "clock agrees with the engine (3 ms)"));
        let behind = judged(Some(-90_000), 2).unwrap();
        assert_eq!(
            (behind.level, behind.message.as_str()),
            (Level::Attention, "the engine's clock is 90 s behind this machine's")
        );
        assert!(behind.fix.is_some());
        let ahead = judged(Some(7_300_000), 2).unwrap();
        assert_eq!((ahead.level, ahead.message.as_str()), (Level::Broken, "the engine's clock is 2 h ahead of this machine's"));
    }

    #[test]
    fn an_answer_that_took_long_proves_nothing() {
        assert_eq!(judged(Some(1_500), 700).unwrap().level, Level::Ok);
        assert_eq!(judged(None, 0), None);
    }
}
