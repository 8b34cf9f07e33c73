//! A bar on a time line, to an eighth of a column.
//!
//! Read by [`super::waterfall`].

use super::Look;

/// Left parts of a column, an eighth to seven eighths.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Where a bar lies: fractions of the whole line, `0 <= from <= to <= 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Stretch {
    /// The stretch of `[start, end]` within `[low, high]`; what lies outside is cut.
    pub(super) fn within(start: u64, end: u64, (low, high): (u64, u64)) -> Self {
        let whole = high.saturating_sub(low).max(1) as f64;
        let place = |at: u64| (at.saturating_sub(low) as f64 / whole).clamp(0.0, 1.0);
        let from = place(start);
        Self { from, to: place(end).max(from) }
    }
}

/// Draws a bar in exactly `columns` columns. However short, it leaves a mark.
pub(super) fn draw(stretch: Stretch, columns: usize, look: &Look) -> String {
    if look.unicode { blocks(stretch, columns) } else { ascii(stretch, columns) }
}

/// Ends are drawn to an eighth. Unicode has left parts of a column but, of right ones, only the half and the eighth, so that starts
/// are drawn to a half.
fn blocks(stretch: Stretch, columns: usize) -> String {
    let eighths = (columns * 8) as f64;
    let from = ((stretch.from * eighths).round() as usize).min(columns * 8 - 1);
    let to = ((stretch.to * eighths).round() as usize).clamp(from + 1, columns * 8);
    let mut out = String::with_capacity(columns * 3);
    for column in 0..columns {
        let low = from.saturating_sub(column * 8).min(8);
        let high = to.saturating_sub(column * 8).min(8);
        out += cell(low, high);
    }
    out
}

/// The character for a column filled from `low` to `high` eighths.
fn cell(low: usize, high: usize) -> &'static str {
    match (low, high) {
        _ if low >= high => " ",
        (0..=2, 8) => "█",
        (3..=5, 8) => "▐",
        (_, 8..) => "▕",
        (0..=3, 1..8) => EIGHTHS[high - 1],
        _ => "▐",
    }
}

fn ascii(stretch: Stretch, columns: usize) -> String {
    let from = ((stretch.from * columns as f64) as usize).min(columns - 1);
    let to = ((stretch.to * columns as f64).ceil() as usize).clamp(from + 1, columns);
    let mut out = " ".repeat(from);
    // Shorter than a column: a mark, not a measure.
    out += &if (stretch.to - stretch.from) * (columns as f64) < 0.5 { "|".to_owned() } else { "#".repeat(to - from) };
    let rest = columns - out.len();
    out + &" ".repeat(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Stretch, draw};
    use crate::term::{Look, text::width};

    fn unicode(from: f64, to: f64) -> String {
        draw(Stretch { from, to }, 10, &Look::plain())
    }

    #[test]
    fn ends_are_drawn_to_an_eighth_and_starts_to_a_half() {
        assert_eq!(unicode(0.0, 1.0), "██████████");
        assert_eq!(unicode(0.0, 0.15), "█▌        ");
        assert_eq!(unicode(0.25, 0.5), "  ▐██     ");
        assert_eq!(unicode(0.3, 0.3), "   ▏      ", "a moment leaves a mark");
        assert_eq!(unicode(1.0, 1.0), "         ▕");
    }

    #[test]
    fn ascii_marks_moments_and_fills_stretches() {
        let ascii = Look { unicode: false, ..Look::plain() };
        assert_eq!(draw(Stretch { from: 0.25, to: 0.5 }, 10, &ascii), "  ###     ");
        assert_eq!(draw(Stretch { from: 0.5, to: 0.5 }, 10, &ascii), "     |    ");
    }

    proptest! {
        #[test]
        fn a_bar_fills_its_columns_exactly_and_is_never_invisible(start in 0_u64..2000, length in 0_u64..2000, columns in 1_usize..60) {
            for look in [Look::plain(), Look { unicode: false, ..Look::plain() }] {
                let bar = draw(Stretch::within(start, start + length, (500, 1500)), columns, &look);
                prop_assert_eq!(width(&bar), columns);
                prop_assert!(!bar.trim().is_empty());
            }
        }
    }
}
