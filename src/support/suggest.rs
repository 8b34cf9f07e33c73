//! "did you mean": the nearest known word to one that is not known.
//!
//! Read by every room that refuses a word a user wrote.

/// Jaro-Winkler similarity from which a word is near enough to suggest (`dokcer` to `docker` is 0.96).
const NEAR: f64 = 0.8;

/// The known word nearest to `word`, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word_and_a_stranger_finds_none() {
        assert_eq!(nearest("atributes", ["attributes", "children", "status"]), Some("attributes"));
        assert_eq!(nearest("xyzzy", ["attributes", "children", "status"]), None);
    }
}
