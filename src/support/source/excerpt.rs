//! The one line of a file that a problem shows, as miette's source: cut where it or its label would not fit the terminal.
//!
//! Made by `render`. miette would search the whole file for the line once a problem; this hands it the line alone.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use unicode_width::UnicodeWidthStr;

use super::Place;

/// Stands where text was cut away.
const CUT: char = '…';

/// A line and what to underline in it.
#[derive(Debug)]
pub(super) struct Excerpt {
    file: String,
    text: String,
    place: Place,
    mark: SourceSpan,
}

impl Excerpt {
    /// The line of `source` at `place`, at most `width` characters of it, cut so that `label` under its mark fits as well.
    pub(super) fn new(file: &str, source: &str, place: Place, label: &str, width: usize) -> Self {
        let offset = source.floor_char_boundary(place.offset);
        let start = source[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let line = source[start..].split(['\n', '\r']).next().unwrap_or_default();
        // Tabs and control characters would move the caret away from its text.
        let line: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let marked = source.get(offset..(offset + place.length).min(source.len())).unwrap_or_default();
        let from = source[start..offset].chars().count().min(line.len());
        let until = (from + marked.chars().count().max(1)).min(line.len());

        let window = window(line.len(), from..until, width, label.width());
        let mut shown: Vec<char> = line[window.clone()].to_vec();
        let (from, until) = (from - window.start, until.min(window.end) - window.start);
        if window.start > 0 {
            shown[0] = CUT;
        }
        if window.end < line.len()
            && let Some(last) = shown.last_mut()
        {
            *last = CUT;
        }
        let bytes = |chars: &[char]| chars.iter().map(|c| c.len_utf8()).sum::<usize>();
        let mark = SourceSpan::from((bytes(&shown[..from]), bytes(&shown[from..until])));
        Self { file: file.to_owned(), text: shown.into_iter().collect(), place, mark }
    }

    /// What to underline.
    pub(super) fn mark(&self) -> SourceSpan {
        self.mark
    }
}

/// The characters to show of a line of `length` characters, so that the line fits and the label that hangs under the middle of `mark`
/// does too.
fn window(length: usize, mark: Range<usize>, width: usize, label: usize) -> Range<usize> {
    // `╰── ` before the label.
    let room = width.saturating_sub(label + 4).max(2);
    let middle = mark.start + mark.len().min(width) / 2;
    let for_label = middle.saturating_sub(room);
    let for_line = if length > width { mark.start.saturating_sub(width / 3).min(length - width) } else { 0 };
    let start = for_label.max(for_line).min(mark.start.saturating_sub(1));
    start..(start + width).min(length)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(&'a self, span: &SourceSpan, _: usize, _: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if span.offset() + span.len() > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let whole = SourceSpan::from((0, self.text.len()));
        let (line, column) = (self.place.line.saturating_sub(1), self.place.column.saturating_sub(1));
        Ok(Box::new(MietteSpanContents::new_named(self.file.clone(), self.text.as_bytes(), whole, line, column, 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Excerpt, Place};

    fn shown(source: &str, place: Place, label: &str) -> (String, String) {
        let excerpt = Excerpt::new("f", source, place, label, 40);
        let marked = excerpt.text[excerpt.mark.offset()..excerpt.mark.offset() + excerpt.mark.len()].to_owned();
        (excerpt.text, marked)
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        let source = "a: 1\nname: x # päd\n";
        let place = Place::of(source, 11..12);
        assert_eq!(shown(source, place, "here"), ("name: x # päd".to_owned(), "x".to_owned()));
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let source = format!("{}needle{}", "a".repeat(100), "b".repeat(100));
        let (text, marked) = shown(&source, Place::of(&source, 100..106), "here");
        assert_eq!(marked, "needle");
        assert_eq!(text.chars().count(), 40);
        assert!(text.starts_with('…') && text.ends_with('…'), "{text}");
    }

    #[test]
    fn a_line_moves_left_when_its_label_needs_the_room() {
        let source = format!("{}key: x", " ".repeat(30));
        let (text, marked) = shown(&source, Place::of(&source, 30..33), "twenty characters...");
        assert_eq!(marked, "key");
        assert!(text.find("key").is_some_and(|at| at < 20), "{text}");
    }

    #[test]
    fn any_place_is_survived() {
        for source in ["", "\n", "ä", "a\r\nb"] {
            for offset in 0..6 {
                for length in 0..6 {
                    shown(source, Place { line: 1, column: 1, offset, length }, "here");
                }
            }
        }
    }
}
