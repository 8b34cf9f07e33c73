//! Large compared trees: what differs stays with its surroundings, the rest is folded into `… 12 more spans`.
//!
//! Read by [`super::failure`]. A trace of ninety spans with one wrong attribute should show the attribute, not the ninety.

use crate::check::{Mark, TreeRow};

/// Trees up to this size are shown whole: they fit a screen.
const WHOLE: usize = 30;

/// A row, or what stands for rows that were left out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown<'a> {
    /// The row as it is.
    Row(&'a TreeRow),
    /// So many rows in one place.
    Folded {
        /// Depth of the rows (the outermost of them).
        depth: usize,
        /// Whether the last sibling is among them.
        last: bool,
        /// How many.
        count: usize,
    },
}

/// The rows to draw, in order.
pub(super) fn fold(rows: &[TreeRow]) -> Vec<Shown<'_>> {
    if rows.len() <= WHOLE {
        return rows.iter().map(Shown::Row).collect();
    }
    let kept = kept(rows);
    let mut shown: Vec<Shown<'_>> = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        if kept[at] {
            shown.push(Shown::Row(&rows[at]));
            at += 1;
            continue;
        }
        let end = subtree_end(rows, at);
        let row = &rows[at];
        match shown.last_mut() {
            Some(Shown::Folded { depth, last, count }) if *depth == row.depth => {
                *last = row.last;
                *count += end - at;
            }
            _ => shown.push(Shown::Folded { depth: row.depth, last: row.last, count: end - at }),
        }
        at = end;
    }
    shown
}

/// What stays: rows that differ with the children beside which they differ, rows in error, all above them, and the outermost.
fn kept(rows: &[TreeRow]) -> Vec<bool> {
    let differs = |row: &TreeRow| row.mark != Mark::Same || !row.mismatches.is_empty();
    let nothing_differs = !rows.iter().any(differs);
    let mut kept = vec![false; rows.len()];
    // Positions of the rows above the current one, by depth.
    let mut above: Vec<usize> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        above.truncate(row.depth);
        let outermost = row.depth == 0 || (nothing_differs && row.depth == 1);
        let below_difference = above.last().is_some_and(|parent| differs(&rows[*parent]));
        if differs(row) || row.error || outermost || below_difference {
            kept[at] = true;
            for parent in &above {
                kept[*parent] = true;
            }
        }
        above.push(at);
    }
    kept
}

/// The position after the last row below `at`.
fn subtree_end(rows: &[TreeRow], at: usize) -> usize {
    let below = rows[at + 1..].iter().take_while(|row| row.depth > rows[at].depth).count();
    at + 1 + below
}

#[cfg(test)]
mod tests {
    use super::{Shown, fold};
    use crate::{
        check::{Mark, TreeRow},
        model::SpanKind,
    };

    fn row(depth: usize, last: bool) -> TreeRow {
        TreeRow {
            depth,
            last,
            mark: Mark::Same,
            name: "x".into(),
            kind: SpanKind::Internal,
            service: "s".into(),
            stand_in: false,
            span_id: None,
            elapsed: None,
            error: false,
            note: String::new(),
            mismatches: vec![],
        }
    }

    /// A root with ten children of three children each.
    fn tree() -> Vec<TreeRow> {
        let mut rows = vec![row(0, true)];
        for child in 0..10 {
            rows.push(row(1, child == 9));
            rows.extend((0..3).map(|grandchild| row(2, grandchild == 2)));
        }
        rows
    }

    /// `1` for a row at depth 1, `1+4` for four rows folded there, `!` at the end where the fold is last.
    fn told(rows: &[TreeRow]) -> Vec<String> {
        let tell = |shown: &Shown<'_>| match shown {
            Shown::Row(row) => row.depth.to_string(),
            Shown::Folded { depth, last, count } => format!("{depth}+{count}{}", if *last { "!" } else { "" }),
        };
        fold(rows).iter().map(tell).collect()
    }

    #[test]
    fn what_differs_stays_with_what_is_above_and_directly_below() {
        let mut rows = tree();
        rows[9].mark = Mark::Changed;
        assert_eq!(told(&rows), ["0", "1+8", "1", "2", "2", "2", "1+28!"]);
        let mut rows = tree();
        rows[11].error = true;
        rows[9].mark = Mark::Same;
        rows[40].mark = Mark::Missing;
        assert_eq!(told(&rows), ["0", "1+8", "1", "2+1", "2", "2+1!", "1+24", "1", "2+2", "2"]);
    }

    #[test]
    fn nothing_is_lost_in_the_count() {
        let mut rows = tree();
        rows[22].mark = Mark::Unexpected;
        let total: usize = fold(&rows).iter().map(|shown| if let Shown::Folded { count, .. } = shown { *count } else { 1 }).sum();
        assert_eq!(total, rows.len());
    }

    #[test]
    fn a_tree_that_fits_a_screen_or_has_nothing_to_show_keeps_its_shape() {
        let small: Vec<_> = tree().into_iter().take(30).collect();
        assert_eq!(fold(&small).len(), 30);
        assert_eq!(told(&tree()).iter().filter(|row| *row == "1").count(), 10);
    }
}
