//! Text in columns: measuring, cutting, wrapping and padding by what a terminal shows, and times and counts in words.
//!
//! Everything here works on unstyled text; style goes on last. Read by everything that draws.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Look;

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` with everything that could move a cursor, ring or hide other text made visible: controls (C0, C1, DEL) and the marks that
/// turn the direction of writing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for ch in text.chars() {
        match ch {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ch if is_unsafe(ch) => write!(out, "\\u{{{:x}}}", u32::from(ch)).expect("writing to a string succeeds"),
            ch => out.push(ch),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(ch: char) -> bool {
    ch.is_control() || matches!(ch, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` cut at its end to `columns`, with an ellipsis where something was cut.
pub fn clip(text: &str, columns: usize, look: &Look) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns.checked_sub(1) {
        Some(room) => format!("{}{}", head(text, room), look.ellipsis()),
        None => String::new(),
    }
}

/// A span's name cut to `columns`: leading dotted segments go first, then the middle; the last word stays where it is short
/// (`trigger.dev.whatsapp-message-handler send` becomes `…whatsapp-message-h… send`).
pub fn clip_name(name: &str, columns: usize, look: &Look) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let mut rest = name;
    let mut cut = false;
    while let Some(at) = rest.find(['.', ' ']).filter(|at| rest[*at..].starts_with('.')) {
        rest = &rest[at + 1..];
        cut = true;
        if width(rest) < columns {
            return format!("{}{rest}", look.ellipsis());
        }
    }
    let front = if cut { look.ellipsis() } else { "" };
    let room = columns.saturating_sub(width(front));
    let tail = rest.rfind(' ').map_or("", |at| &rest[at..]);
    let tail = if width(tail) <= room / 3 { tail } else { "" };
    let body = &rest[..rest.len() - tail.len()];
    format!("{front}{}{tail}", clip(body, room - width(tail), look))
}

/// The longest beginning of `text` that fits `columns`.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, ch) in text.char_indices() {
        used += ch.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// `text` and spaces up to `columns`.
pub fn pad_end(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Spaces up to `columns`, then `text`.
pub fn pad_start(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Breaks `text` between words into lines of at most `columns`; a word that is longer gets cut in pieces. Nothing is lost.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) > columns && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > columns {
            let piece = head(word, columns);
            lines.push(piece.to_owned());
            word = &word[piece.len()..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Appends a line and its end.
pub fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// `text` wrapped to the width of the look, each line after `indent` spaces, each ended.
pub fn paragraph(text: &str, indent: usize, look: &Look) -> String {
    let mut out = String::new();
    // Prose wider than this is hard to read.
    let columns = look.width.min(100).saturating_sub(indent);
    for line in wrap(text, columns) {
        push_line(&mut out, &format!("{}{line}", " ".repeat(indent)));
    }
    out
}

/// A length of time of a span: `85 µs`, `4.1 ms`, `78.0 ms`, `1.24 s`, `2 min 03 s`.
pub fn fine_time(time: Duration, look: &Look) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match time.as_nanos() {
        0 => "0".to_owned(),
        1..=99_499 => format!("{micros:.0} {}", look.glyph("µs", "us")),
        99_500..=999_949_999 => format!("{:.1} ms", micros / 1e3),
        _ => long_time(time),
    }
}

/// A length of time of a span where digits matter less than room: `85 µs`, `4.1 ms`, `61 ms`, `1.24 s`.
pub fn span_time(time: Duration, look: &Look) -> String {
    match time.as_nanos() {
        0..=9_949_999 => fine_time(time, look),
        9_950_000..=999_499_999 => self::time(time),
        _ => long_time(time),
    }
}

/// A length of time of a case: `44 ms`, `5.0 s`, `2 min 03 s`.
pub fn time(time: Duration) -> String {
    match time.as_micros() {
        0..=999_499 => format!("{:.0} ms", time.as_secs_f64() * 1e3),
        999_500..=59_949_999 => format!("{:.1} s", time.as_secs_f64()),
        _ => long_time(time),
    }
}

/// A length of time of a run: `0.58 s`, `12.40 s`, `2 min 03 s`.
pub fn long_time(time: Duration) -> String {
    if time.as_secs_f64() < 59.995 {
        return format!("{:.2} s", time.as_secs_f64());
    }
    let seconds = time.as_secs_f64().round() as u64;
    match seconds / 60 {
        minutes @ 0..=59 => format!("{minutes} min {:02} s", seconds % 60),
        minutes => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// For how long something has been, coarsely: `12 s`, `3 min`, `2 h`, `5 d`.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `1 span`, `2 spans`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{clean, clip, clip_name, fine_time, long_time, pad_end, time, width, wrap};
    use crate::term::Look;

    #[test]
    fn a_name_loses_its_front_before_its_middle_and_keeps_its_verb() {
        let look = Look::plain();
        assert_eq!(clip_name("POST /webhooks/whatsapp", 23, &look), "POST /webhooks/whatsapp");
        assert_eq!(clip_name("trigger.dev.whatsapp-message-handler send", 32, &look), "…whatsapp-message-handler send");
        assert_eq!(clip_name("trigger.dev.whatsapp-message-handler send", 24, &look), "…whatsapp-message-… send");
        assert_eq!(clip_name("POST /webhooks/whatsapp", 12, &look), "POST /webho…");
        assert_eq!(clip_name("GET /files/a.b.json", 12, &look), "GET /files/…", "dots after a space are no segments");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(clip("日本語", 5, &Look::plain()), "日本…");
        assert_eq!(clip("日本語", 4, &Look::plain()), "日…");
        assert_eq!(pad_end("日本", 6), "日本  ");
    }

    #[test]
    fn controls_become_visible() {
        assert_eq!(clean("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(clean("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(clean("grün 日本"), "grün 日本");
    }

    #[test]
    fn times_read_well_at_every_size() {
        let look = Look::plain();
        let fine = |micros| fine_time(Duration::from_micros(micros), &look);
        assert_eq!([fine(0), fine(85), fine(400), fine(78_000), fine(999_960)], ["0", "85 µs", "0.4 ms", "78.0 ms", "1.00 s"]);
        let case = |millis| time(Duration::from_millis(millis));
        assert_eq!(
            [case(44), case(999), case(1000), case(5000), case(123_400)],
            ["44 ms", "999 ms", "1.0 s", "5.0 s", "2 min 03 s"]
        );
        assert_eq!(long_time(Duration::from_millis(580)), "0.58 s");
        assert_eq!(long_time(Duration::from_mins(121)), "2 h 01 min");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_what_is_wrapped_is_all_there(text in "[a-zäöü日本 .-]{0,60}", columns in 8_usize..40) {
            let look = Look::plain();
            prop_assert!(width(&clip(&text, columns, &look)) <= columns);
            prop_assert!(width(&clip_name(&text, columns, &look)) <= columns, "{:?}", clip_name(&text, columns, &look));
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let squeezed = |text: &str| text.chars().filter(|ch| !ch.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeezed(&lines.concat()), squeezed(&text));
        }
    }
}
