//! One span for each of several patterns that may want the same ones: maximum bipartite matching by augmenting paths.
//!
//! Read by the matcher for sibling patterns. Kuhn's algorithm: patterns are few, so its `patterns × wishes` cost does not matter.

use std::collections::HashMap;

/// Gives each wisher at most one of the things it wishes for, each thing to one wisher, as many in all as possible.
/// Earlier wishes of a list are preferred.
pub(super) fn assign(wishes: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut owner: HashMap<usize, usize> = HashMap::new();
    for wisher in 0..wishes.len() {
        let mut seen = Vec::new();
        claim(wisher, wishes, &mut owner, &mut seen);
    }
    let mut given = vec![None; wishes.len()];
    for (thing, wisher) in owner {
        given[wisher] = Some(thing);
    }
    given
}

/// Finds a thing for `wisher`, moving earlier owners to another of their wishes where that frees one.
fn claim(who: usize, wishes: &[Vec<usize>], owner: &mut HashMap<usize, usize>, seen: &mut Vec<usize>) -> bool {
    for thing in &wishes[who] {
        if seen.contains(thing) {
            continue;
        }
        seen.push(*thing);
        let free = match owner.get(thing).copied() {
            None => true,
            Some(previous) => claim(previous, wishes, owner, seen),
        };
        if free {
            owner.insert(*thing, who);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::assign;

    #[test]
    fn an_earlier_claim_moves_so_that_everyone_gets_one() {
        assert_eq!(assign(&[vec![1, 2], vec![1]]), [Some(2), Some(1)]);
        assert_eq!(assign(&[vec![1], vec![1]]), [Some(1), None]);
        assert_eq!(assign(&[vec![], vec![3]]), [None, Some(3)]);
        assert_eq!(assign(&[vec![1, 2], vec![2, 3], vec![1]]), [Some(2), Some(3), Some(1)]);
    }
}
