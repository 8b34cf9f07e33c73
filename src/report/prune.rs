//! Leaves out of a large compared tree what nobody needs to see: subtrees without a mark or an error shrink to a line that counts them.
//!
//! Read by the failure block of the terminal report; the JSON report keeps every row.

use std::ops::Range;

use crate::check::{Mark, TreeRow};
use crate::model::SpanKind;

/// Up to so many rows a tree is shown whole.
const WHOLE: usize = 24;

/// Of neighbouring subtrees without anything to see, so many keep their first line.
const SHOWN: usize = 2;

/// The rows worth showing, in drawing order.
pub(super) fn prune(rows: &[TreeRow]) -> Vec<TreeRow> {
    if rows.len() <= WHOLE {
        return rows.to_vec();
    }
    let mut kept = Vec::new();
    siblings(rows, 0..rows.len(), &mut kept);
    kept
}

/// Goes through the subtrees that lie in `range`, all of one depth.
fn siblings(rows: &[TreeRow], range: Range<usize>, kept: &mut Vec<TreeRow>) {
    let subtrees = subtrees(rows, range);
    let dull = |subtree: &Range<usize>| rows[subtree.clone()].iter().all(|row| row.mark == Mark::Same && !row.error);
    let mut at = 0;
    while at < subtrees.len() {
        let subtree = subtrees[at].clone();
        if !dull(&subtree) {
            kept.push(rows[subtree.start].clone());
            siblings(rows, subtree.start + 1..subtree.end, kept);
            at += 1;
            continue;
        }
        let run = subtrees[at..].iter().take_while(|subtree| dull(subtree)).count();
        let ends_family = at + run == subtrees.len();
        for subtree in &subtrees[at..at + run.min(SHOWN)] {
            kept.push(rows[subtree.start].clone());
            if subtree.len() > 1 {
                kept.push(more(rows[subtree.start].depth + 1, true, subtree.len() - 1));
            }
        }
        let hidden: usize = subtrees[at..at + run].iter().skip(SHOWN).map(ExactSizeIterator::len).sum();
        if hidden > 0 {
            kept.push(more(rows[subtree.start].depth, ends_family, hidden));
        }
        at += run;
    }
}

/// The subtrees of a range whose first row gives their depth.
fn subtrees(rows: &[TreeRow], range: Range<usize>) -> Vec<Range<usize>> {
    let Some(first) = rows.get(range.start).filter(|_| !range.is_empty()) else { return Vec::new() };
    let starts: Vec<_> = range.clone().filter(|at| rows[*at].depth <= first.depth).collect();
    let ends = starts.iter().skip(1).copied().chain([range.end]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn more(depth: usize, last: bool, hidden: usize) -> TreeRow {
    TreeRow {
        depth,
        last,
        mark: Mark::Same,
        name: format!("… {hidden} more"),
        kind: SpanKind::Unspecified,
        service: String::new(),
        span_id: None,
        elapsed: None,
        error: false,
        note: String::new(),
        mismatches: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{TreeRow, more, prune};
    use crate::check::Mark;

    fn row(depth: usize, name: &str) -> TreeRow {
        TreeRow { name: name.to_owned(), ..more(depth, false, 0) }
    }

    fn names(rows: &[TreeRow]) -> Vec<&str> {
        rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn a_small_tree_stays_whole() {
        let rows: Vec<_> = (0..24).map(|depth| row(depth, "x")).collect();
        assert_eq!(prune(&rows).len(), 24);
    }

    #[test]
    fn the_way_to_a_mark_stays_and_the_rest_is_counted() {
        let mut rows = vec![row(0, "root")];
        for at in 0..10 {
            rows.extend([row(1, &format!("dull {at}")), row(2, "leaf"), row(2, "leaf")]);
        }
        rows.extend([row(1, "way"), TreeRow { mark: Mark::Changed, ..row(2, "marked") }, row(3, "under")]);
        let kept = prune(&rows);
        let expected = ["root", "dull 0", "… 2 more", "dull 1", "… 2 more", "… 24 more", "way", "marked", "under"];
        assert_eq!(names(&kept), expected);
        assert_eq!(kept[5].depth, 1);
    }
}
