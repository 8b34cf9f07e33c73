//! Lines of components, and arrivals as `tail` shows them: time, who, what.
//!
//! ```text
//! 12:01:07.412  api       POST /webhooks/whatsapp     200    4 ms   4bf9…
//! ```

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    model::{Happening, SpanArrived},
    runtime::LogLine,
    term::{
        Look, Role,
        text::{clean, clip_name, pad_end, pad_start, time, width},
    },
};

/// Columns of a service.
const SERVICE: usize = 18;
/// Columns of a status.
const STATUS: usize = 6;
/// Columns of a time.
const TIME: usize = 8;
/// Hex digits of a trace id that tell apart what is on one screen.
const DIGITS: usize = 8;

/// Draws log lines, with the names in one column.
#[derive(Debug)]
pub struct LogLines {
    names: usize,
    look: Look,
}

impl LogLines {
    /// Lines in this look.
    pub fn new(look: &Look) -> Self {
        Self { names: 10, look: look.clone() }
    }

    /// One line.
    pub fn render(&mut self, line: &LogLine) -> String {
        self.names = self.names.max(width(&line.name));
        let name = self.look.paint_service(&line.name, &pad_end(&line.name, self.names));
        let at = if line.at_ns == 0 { String::new() } else { self.look.paint(Role::Dim, &clock_time(line.at_ns)) + "  " };
        format!("{at}{name}  {}", clean(&line.text))
    }
}

/// What happened, as a line.
pub fn happening(happening: &Happening, look: &Look) -> String {
    match happening {
        Happening::Span(span) => arrived(span, look),
        Happening::Problem { at_ns, service, words } => {
            let service = service.as_deref().unwrap_or("?");
            let words = look.paint(Role::Warning, &clean(words));
            format!("{}  {}  {words}", clock_time(*at_ns), pad_end(&clip_name(service, SERVICE, look), SERVICE))
        }
        Happening::Missed { count } => {
            look.paint(Role::Dim, &format!("({count} left out: they came faster than they were read)"))
        }
    }
}

fn arrived(span: &SpanArrived, look: &Look) -> String {
    let service = clip_name(&span.service, SERVICE, look);
    let service = look.paint_service(&span.service, &pad_end(&service, SERVICE));
    let taken = 12 + 2 + SERVICE + 2 + 2 + STATUS + TIME + 2 + DIGITS + 1;
    let room = look.width.saturating_sub(taken).max(16);
    let name = pad_end(&clip_name(&span.name, room, look), room);
    let status = pad_end(&span.status, STATUS);
    let status = if span.error { look.paint(Role::Bad, &status) } else { status };
    let duration = pad_start(&time(Duration::from_nanos(span.duration_ns)), TIME);
    let id = span.trace_id.to_string();
    let id = look.paint(Role::Dim, &format!("{}{}", &id[..DIGITS], look.ellipsis()));
    format!("{}  {service}  {name}  {status}{duration}  {id}", clock_time(span.at_ns))
}

/// The time of day here, to the millisecond.
fn clock_time(at_ns: u64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(at_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
    let at = at.to_zoned(TimeZone::system());
    format!("{}.{:03}", at.strftime("%H:%M:%S"), at.subsec_nanosecond() / 1_000_000)
}

/// `--since`: a duration back from `now` (`5m`), or a moment (RFC 3339), in seconds since the Unix epoch.
pub fn since(text: &str, now: i64) -> Result<i64, String> {
    if let Ok(back) = text.parse::<jiff::SignedDuration>() {
        return Ok(now - back.as_secs());
    }
    let moment = text.parse::<Timestamp>().map_err(|_| "a duration such as `5m`, or a moment such as `2026-11-22T12:00:00Z`")?;
    Ok(moment.as_second())
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn since_is_a_duration_or_a_moment() {
        assert_eq!(since("5m", 1000), Ok(700));
        assert_eq!(since("1970-01-01T00:01:00Z", 1000), Ok(60));
        assert!(since("yesterday", 1000).is_err());
    }
}
