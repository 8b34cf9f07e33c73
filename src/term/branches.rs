//! The lines in front of the rows of a tree.
//!
//! Fed row by row in drawing order by `tree` and `waterfall`; remembers which branches go on below.

use super::Look;

/// Draws `├─`, `└─` and `│` for rows given in drawing order.
#[derive(Debug)]
pub(super) struct Branches {
    /// For each depth from 1: whether the row last drawn there was the last of its siblings.
    ended: Vec<bool>,
    /// Columns per level: 2 or 3.
    step: usize,
    /// Levels drawn; deeper rows show their depth as a number instead, so that names keep room.
    most: usize,
}

impl Branches {
    /// Branches with `step` columns a level, of which at most `columns` are used.
    pub(super) fn new(step: usize, columns: usize) -> Self {
        Self { ended: Vec::new(), step, most: (columns / step).max(1) }
    }

    /// The front of the next row.
    pub(super) fn row(&mut self, depth: usize, last: bool, look: &Look) -> String {
        self.ended.resize(depth, true);
        let Some(own) = self.ended.last_mut() else { return String::new() };
        *own = last;
        if depth > self.most {
            return format!("{}{} ", self.trunk(self.most - 1, look), look.glyph(&format!("┆{depth}"), &format!(":{depth}")));
        }
        let turn = match (last, self.step) {
            (true, 2) => look.glyph("└ ", "` "),
            (true, _) => look.glyph("└─ ", "`- "),
            (false, 2) => look.glyph("├ ", "+ "),
            (false, _) => look.glyph("├─ ", "+- "),
        };
        format!("{}{turn}", self.trunk(depth - 1, look))
    }

    /// The front of a line that belongs to the row last drawn; `children` says whether its own children follow.
    pub(super) fn below(&self, children: bool, look: &Look) -> String {
        let depth = self.ended.len();
        let stem = if children && depth < self.most { look.glyph("│ ", "| ") } else { "  " };
        format!("{}{stem}", self.trunk(depth.min(self.most), look))
    }

    fn trunk(&self, levels: usize, look: &Look) -> String {
        let gap = " ".repeat(self.step - 1);
        self.ended.iter().take(levels).flat_map(|ended| [if *ended { " " } else { look.glyph("│", "|") }, &gap]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Branches;
    use crate::term::Look;

    fn draw(rows: &[(usize, bool)], columns: usize, look: &Look) -> Vec<String> {
        let mut branches = Branches::new(3, columns);
        rows.iter().map(|(depth, last)| branches.row(*depth, *last, look) + "x").collect()
    }

    #[test]
    fn branches_go_on_until_their_last_row() {
        let rows = [(0, true), (1, false), (2, false), (2, true), (1, true), (2, true)];
        assert_eq!(draw(&rows, 30, &Look::plain()), ["x", "├─ x", "│  ├─ x", "│  └─ x", "└─ x", "   └─ x"]);
        let ascii = Look { unicode: false, ..Look::plain() };
        assert_eq!(draw(&rows, 30, &ascii), ["x", "+- x", "|  +- x", "|  `- x", "`- x", "   `- x"]);
    }

    #[test]
    fn deep_rows_show_their_depth_as_a_number() {
        assert_eq!(
            draw(&[(0, true), (1, true), (2, true), (3, true), (4, true)], 6, &Look::plain()),
            ["x", "└─ x", "   └─ x", "   ┆3 x", "   ┆4 x"]
        );
    }
}
