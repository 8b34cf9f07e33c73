//! A place in a text: line, column, byte offset and length.
//!
//! Made by the readers; carried by every part of a fixture so that a failure can point back at what asked for it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Where something stands in a file. The file itself is known to whoever holds what was read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset into the file.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

impl Place {
    /// The place of `range`, a range of bytes in `text`. Bounds that are no character boundary move back to one, and the place ends
    /// with its first line, because a caret underlines one line.
    pub fn of(text: &str, range: Range<usize>) -> Self {
        let start = text.floor_char_boundary(range.start);
        let end = text.floor_char_boundary(range.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let first_line = text[start..end].split(['\n', '\r']).next().unwrap_or_default().trim_end();
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            offset: start,
            length: first_line.len(),
        }
    }

    /// The range of bytes.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.length
    }

    /// A part of this place: `length` bytes that begin `from` bytes after its start, all on the same line and in plain ASCII before it.
    #[must_use]
    pub fn part(&self, from: usize, length: usize) -> Self {
        Self { column: self.column + from, offset: self.offset + from, length, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn columns_count_characters_and_lengths_bytes() {
        let text = "a\nnäme: wért\n";
        let place = Place::of(text, 9..14);
        assert_eq!(place, Place { line: 2, column: 7, offset: 9, length: 5 });
        assert_eq!(&text[place.range()], "wért");
    }

    #[test]
    fn a_place_ends_with_its_first_line() {
        assert_eq!(Place::of("ab  \r\ncd", 0..8).length, 2);
    }
}
