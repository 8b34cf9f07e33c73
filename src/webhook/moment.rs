//! A moment as providers write it, which can be moved and stays written the same way.
//!
//! ```text
//! 1700000000  "1700000000"      Unix seconds (Stripe, WhatsApp); 13 digits are milliseconds, 16 microseconds (Pipedrive)
//! "2024-01-15T10:00:00.000Z"    ISO 8601, with `T` or a space, with or without fraction and offset
//! "2024-01-15"                  a day
//! "1700000000.123456"           Unix seconds with a fraction (Slack)
//! "Mon, 15 Jan 2024 10:00:00 +0000"   as mail writes it, RFC 2822 (Twilio)
//! ```
//!
//! Read by [`freshen`](super::freshen).

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Zoned, tz::TimeZone};

const DAY_SECONDS: i64 = 86_400;
/// Length of `2024-01-15T10:00:00`.
const CLOCK_LENGTH: usize = 19;
/// RFC 2822 as Twilio writes it: the day with two digits.
const MAIL: &str = "%a, %d %b %Y %H:%M:%S %z";
/// Length of `2024-01-15`.
const DAY_LENGTH: usize = 10;

/// A parsed moment; it remembers how it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Moment<'a> {
    /// A count since the Unix epoch, in units of which a second has `per_second`.
    Count { value: i64, per_second: i64, fraction: &'a str },
    /// A wall clock and whatever follows the seconds.
    Clock { clock: DateTime, separator: char, rest: &'a str },
    /// A day.
    Day(Date),
    /// As in the header of a mail.
    Mail(Zoned),
}

impl<'a> Moment<'a> {
    /// Reads a moment; `None` for what is written in no known way.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let whole = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(whole);
        if rest.is_empty() || rest.starts_with('.') {
            return Self::parse_count(digits, rest);
        }
        if text.contains(',') {
            return Self::parse_mail(text);
        }
        if text.len() == DAY_LENGTH {
            return text.parse().ok().map(Self::Day);
        }
        let (clock, rest) = text.split_at_checked(CLOCK_LENGTH)?;
        let separator = clock.chars().nth(DAY_LENGTH).filter(|sign| matches!(sign, 'T' | 't' | ' '))?;
        let moment = Self::Clock { clock: clock.parse().ok()?, separator, rest };
        moment.unix_seconds().map(|_| moment)
    }

    fn parse_count(digits: &str, fraction: &'a str) -> Option<Self> {
        let per_second = match digits.len() {
            9..=11 => 1,
            13 => 1_000,
            16 => 1_000_000,
            _ => return None,
        };
        let decimals = fraction.strip_prefix('.').unwrap_or("0");
        let right = !decimals.is_empty() && decimals.bytes().all(|byte| byte.is_ascii_digit());
        right.then_some(Self::Count { value: digits.parse().ok()?, per_second, fraction })
    }

    /// Only what comes out again as it was written.
    fn parse_mail(text: &str) -> Option<Self> {
        let zoned = Zoned::strptime(MAIL, text).ok()?;
        (zoned.strftime(MAIL).to_string() == text).then_some(Self::Mail(zoned))
    }

    /// The first whole Unix second that is not before it.
    pub(super) fn unix_seconds(&self) -> Option<i64> {
        match self {
            Self::Count { value, per_second, fraction } => {
                let begun = fraction.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
                Some((value + per_second - 1).div_euclid(*per_second) + i64::from(begun))
            }
            Self::Mail(moment) => Some(moment.timestamp().as_second()),
            Self::Clock { clock, rest, .. } => {
                let (fraction, offset) = split_offset(rest)?;
                let begun = i64::from(fraction.bytes().any(|byte| matches!(byte, b'1'..=b'9')));
                Some(utc_seconds(*clock)? - offset + begun)
            }
            Self::Day(day) => utc_seconds(day.to_datetime(jiff::civil::Time::midnight())),
        }
    }

    /// The moment `seconds` later, written the same way; a day moves by whole days. `None` outside of the years that can be written.
    pub(super) fn later(&self, seconds: i64) -> Option<String> {
        match self {
            Self::Count { value, per_second, fraction } => {
                let value = value.checked_add(seconds.checked_mul(*per_second)?)?;
                (value >= 0).then(|| format!("{value}{fraction}"))
            }
            Self::Mail(moment) => {
                let moved = moment.checked_add(SignedDuration::from_secs(seconds)).ok()?;
                Some(moved.strftime(MAIL).to_string())
            }
            Self::Clock { clock, separator, rest } => {
                let moved = clock.checked_add(SignedDuration::from_secs(seconds)).ok()?;
                let date = moved.date();
                Some(format!("{date}{separator}{}{rest}", moved.strftime("%H:%M:%S")))
            }
            Self::Day(day) => {
                let days = seconds.div_euclid(DAY_SECONDS);
                day.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok().map(|day| day.to_string())
            }
        }
    }
}

fn utc_seconds(clock: DateTime) -> Option<i64> {
    clock.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

/// Splits what follows the seconds into the fraction and the offset from UTC in seconds. No offset means UTC.
fn split_offset(rest: &str) -> Option<(&str, i64)> {
    let at = rest.find(|sign: char| sign != '.' && !sign.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, offset) = rest.split_at(at);
    let seconds = match offset {
        "" | "Z" | "z" => 0,
        _ => {
            let sign = match offset.as_bytes()[0] {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits: String = offset[1..].chars().filter(|sign| *sign != ':').collect();
            let (hours, minutes) = digits.split_at_checked(2)?;
            let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
            sign * (hours.parse::<i64>().ok()? * 3600 + minutes * 60)
        }
    };
    Some((fraction, seconds))
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn each_way_of_writing_is_kept() {
        for (text, later, expected) in [
            ("1700000000", 60, "1700000060"),
            ("1700000000123", 60, "1700000060123"),
            ("1700000000123456", 60, "1700000060123456"),
            ("2024-01-15 10:00:00", 3600, "2024-01-15 11:00:00"),
            ("2024-12-31T23:59:59Z", 1, "2025-01-01T00:00:00Z"),
            ("2024-02-28T23:00:00.250+02:00", 7200, "2024-02-29T01:00:00.250+02:00"),
            ("2024-01-15", 86_400, "2024-01-16"),
            ("1700000000.000200", 60, "1700000060.000200"),
            ("Mon, 15 Jan 2024 23:30:00 +0000", 3600, "Tue, 16 Jan 2024 00:30:00 +0000"),
            ("Mon, 01 Jan 2024 10:00:00 +0200", -1, "Mon, 01 Jan 2024 09:59:59 +0200"),
            ("2024-01-15", -1, "2024-01-14"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().later(later).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_same_moment_written_differently_is_the_same_second() {
        for text in [
            "1705312800",
            "1705312800000",
            "2024-01-15T10:00:00Z",
            "2024-01-15 10:00:00",
            "2024-01-15T12:00:00+02:00",
            "1705312800.0",
            "Mon, 15 Jan 2024 12:00:00 +0200",
        ] {
            assert_eq!(Moment::parse(text).unwrap().unix_seconds(), Some(1_705_312_800), "{text}");
        }
        for text in ["1705312800001", "1705312800.000001", "2024-01-15T10:00:00.001Z"] {
            assert_eq!(Moment::parse(text).unwrap().unix_seconds(), Some(1_705_312_801), "{text}, rounded up: never after now");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "12",
            "yesterday",
            "2024-13-01",
            "2024-01-15X10:00:00",
            "2024-01-15T10:00:00 CET",
            "-1700000000",
            "1700000000.",
            "1700000000.5e3",
            "Tue, 15 Jan 2024 10:00:00 +0000",
            "Mon, 15 Jan 2024",
            "ăăăăăăăăăăăăăăăăăăă",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
