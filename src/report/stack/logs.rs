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
        text::{clean, clip_name, pad_end, pad_start, span_time, width, wrap},
    },
};

/// Columns of a time of day.
const CLOCK: usize = 12;
/// From so many columns on a trace id is shown whole.
const WIDE: usize = 120;
/// No line is wider: what belongs together should be seen together.
const WIDEST: usize = 160;
/// Columns of a service.
const SERVICE: usize = 18;
/// Columns of a status.
const STATUS: usize = 6;
/// Columns of a time.
const TIME: usize = 8;

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
        // Columns are ours here: a tab would be shown as what it is.
        format!("{at}{name}  {}", clean(&line.text.replace('\t', "  ")))
    }
}

/// What happened, as a line.
pub fn happening(happening: &Happening, look: &Look) -> String {
    match happening {
        Happening::Span(span) => arrived(span, look),
        Happening::Problem { at_ns, service, words } => {
            let service = service.as_deref().unwrap_or("?");
            problem(&clock_time(*at_ns), &pad_end(&clip_name(service, SERVICE, look), SERVICE), words, look)
        }
        Happening::Missed { count } => {
            look.paint(Role::Dim, &format!("({count} left out: they came faster than they were read)"))
        }
    }
}

/// Words are not cut but go on below themselves.
fn problem(at: &str, service: &str, words: &str, look: &Look) -> String {
    let front = CLOCK + 2 + SERVICE + 2;
    let room = look.width.saturating_sub(front).max(24);
    let lines = wrap(&clean(words), room);
    let painted: Vec<_> = lines.iter().map(|line| look.paint(Role::Warning, line)).collect();
    format!("{at}  {service}  {}", painted.join(&format!("\n{}", " ".repeat(front))))
}

fn arrived(span: &SpanArrived, look: &Look) -> String {
    let service = clip_name(&span.service, SERVICE, look);
    let service = look.paint_service(&span.service, &pad_end(&service, SERVICE));
    let short = || format!("{}{}", span.trace_id.short(), look.ellipsis());
    let id = if look.width < WIDE { short() } else { span.trace_id.to_string() };
    let taken = CLOCK + 2 + SERVICE + 2 + 2 + STATUS + TIME + 2 + width(&id);
    let room = look.width.min(WIDEST).saturating_sub(taken).max(16);
    let name = pad_end(&clip_name(&span.name, room, look), room);
    let status = pad_end(&span.status, STATUS);
    let status = if span.error { look.paint(Role::Bad, &status) } else { status };
    let duration = pad_start(&span_time(Duration::from_nanos(span.duration_ns), look), TIME);
    let id = look.paint(Role::Dim, &id);
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
