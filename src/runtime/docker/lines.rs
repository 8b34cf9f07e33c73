//! Output of containers as lines: chunks put together, timestamps taken off, control characters removed where they would be shown.
//!
//! Fed by `logs`, `ready` and `tail`, which get chunks from the engine.

use bollard::container::LogOutput;

/// A line longer than this is cut in pieces: no program may fill our memory.
const LONGEST: usize = 1 << 20;

/// A line with its time, in nanoseconds since the Unix epoch; 0 where the engine did not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at_ns: u64,
    pub(super) stderr: bool,
    pub(super) text: String,
}

/// Puts chunks of one container together. A chunk is usually a line; long lines come in several, some engines send several at once.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What has no end yet, of stdout and of stderr.
    open: [Vec<u8>; 2],
}

impl Lines {
    /// The lines that end with this chunk.
    pub(super) fn push(&mut self, chunk: LogOutput) -> Vec<Line> {
        let stderr = matches!(chunk, LogOutput::StdErr { .. });
        let bytes = chunk.into_bytes();
        let open = &mut self.open[usize::from(stderr)];
        // Each chunk of a long line repeats the time of the line.
        let more = if open.is_empty() { &bytes[..] } else { after_time(&bytes).map_or(&bytes[..], |(_, rest)| rest) };
        open.extend_from_slice(more);
        let mut lines = Vec::new();
        while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
            lines.push(line(&open[..end], stderr));
            open.drain(..=end);
        }
        if open.len() > LONGEST {
            lines.push(line(open, stderr));
            open.clear();
        }
        lines
    }

    /// What was left without an end.
    pub(super) fn rest(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, open) in self.open.iter_mut().enumerate().filter(|(_, open)| !open.is_empty()) {
            lines.push(line(open, at == 1));
            open.clear();
        }
        lines
    }
}

fn line(bytes: &[u8], stderr: bool) -> Line {
    let (at_ns, text) = after_time(bytes).unwrap_or((0, bytes));
    let text = String::from_utf8_lossy(text);
    Line { at_ns, stderr, text: text.trim_end_matches('\r').to_owned() }
}

/// The time at the beginning of a chunk, as the engine writes it (RFC 3339), and what follows.
fn after_time(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(40).position(|byte| *byte == b' ').unwrap_or_else(|| bytes.len().min(40));
    let time: jiff::Timestamp = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    let at_ns = u64::try_from(time.as_nanosecond()).ok()?;
    Some((at_ns, bytes.get(end + 1..).unwrap_or_default()))
}

/// A line as it can be shown: without escape sequences and other controls, no longer than `most` characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\u{1b}' => skip_escape(&mut signs),
            '\t' => out.push(' '),
            sign if sign.is_control() => {}
            sign => out.push(sign),
        }
    }
    match out.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &out[..cut]),
        None => out,
    }
}

/// ECMA-48: `ESC [` parameters, then one final byte `@` to `~`; `ESC ]` up to BEL or `ESC \`; else one sign.
fn skip_escape(signs: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match signs.next() {
        Some('[') => while signs.next().is_some_and(|sign| !('@'..='~').contains(&sign)) {},
        Some(']') => {
            while let Some(sign) = signs.next() {
                if sign == '\u{7}' {
                    return;
                }
                if sign == '\u{1b}' {
                    signs.next();
                    return;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    fn err(text: &str) -> LogOutput {
        LogOutput::StdErr { message: text.to_owned().into() }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    const AT: &str = "2026-11-22T10:00:00.000000005Z";

    #[test]
    fn a_chunk_with_a_time_is_a_line_with_a_time() {
        let lines = Lines::default().push(out(&format!("{AT} ready\r\n")));
        assert_eq!(texts(&lines), ["ready"]);
        assert_eq!(lines[0].at_ns % 1_000_000_000, 5);
        assert!(!lines[0].stderr);
    }

    #[test]
    fn a_long_line_comes_in_chunks_that_repeat_its_time() {
        let mut whole = Lines::default();
        assert!(whole.push(out(&format!("{AT} abc"))).is_empty());
        assert_eq!(texts(&whole.push(err(&format!("{AT} between\n")))), ["between"]);
        assert_eq!(texts(&whole.push(out(&format!("{AT} def\n")))), ["abcdef"]);
    }

    #[test]
    fn several_lines_in_one_chunk_keep_their_times_and_an_open_end_is_not_lost() {
        let mut lines = Lines::default();
        let found = lines.push(out(&format!("{AT} one\n2026-11-22T10:00:01Z two\nthree")));
        assert_eq!(texts(&found), ["one", "two"]);
        assert_eq!(found[1].at_ns % 1_000_000_000, 0);
        assert_eq!(texts(&lines.rest()), ["three"]);
        assert!(lines.rest().is_empty());
    }

    #[test]
    fn an_empty_line_and_one_without_a_time_are_lines() {
        assert_eq!(texts(&Lines::default().push(out(&format!("{AT} \nplain\n\n")))), ["", "plain", ""]);
    }

    #[test]
    fn nothing_that_a_container_writes_moves_the_cursor() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\ttab\u{7}\r", 99), "red tab");
        assert_eq!(clean("\u{1b}]0;title\u{7}x\u{1b}]8;;u\u{1b}\\y", 99), "xy");
        assert_eq!(clean("äöüß", 2), "äö…");
        assert_eq!(clean("\u{1b}[", 9), "");
    }
}
