//! How hot a lead is: a score of 1 to 5 by the words of a message, and its classification.
//!
//! Used by the message handler (at once) and by the scoring workflow, which asks the model too and gives it the same rubric.

use serde::Serialize;
use serde_json::Value;

/// A line of the rubric: what it is worth when one of the words is there.
#[derive(Debug, Serialize)]
struct Line {
    words: &'static [&'static str],
    points: i64,
}

const RUBRIC: [Line; 4] = [
    Line { words: &["implant", "all-on-4", "all-on-x", "veneer", "crown", "fatet", "fațet", "coroan"], points: 2 },
    Line {
        words: &[
            "urgent",
            "pain",
            "today",
            "tomorrow",
            "asap",
            "book",
            "appointment",
            "durer",
            "azi",
            "maine",
            "mâine",
            "program",
        ],
        points: 2,
    },
    Line { words: &["price", "cost", "how much", "quote", "pret", "preț", "cat costa", "cât costă"], points: 1 },
    Line {
        words: &["just looking", "just browsing", "only browsing", "not interested", "doar intreb", "nu ma intereseaz"],
        points: -2,
    },
];

/// A lead's score and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Score(i64);

impl Score {
    /// The score of these words by the rubric: 1 for saying anything at all, and the points of every line that fits.
    pub(super) fn by_rules(text: &str) -> Self {
        let text = text.to_lowercase();
        let fits = |line: &&Line| line.words.iter().any(|word| has_word(&text, word));
        Self::clamped(1 + RUBRIC.iter().filter(fits).map(|line| line.points).sum::<i64>())
    }

    /// This score, corrected by what the model says, at most by one: a model that strays decides nothing alone.
    pub(super) fn corrected_by(self, answer: &str) -> Option<Self> {
        let said = serde_json::from_str::<Value>(answer).ok()?.get("score")?.as_i64()?;
        Some(Self::clamped(said.clamp(self.0 - 1, self.0 + 1)))
    }

    fn clamped(points: i64) -> Self {
        Self(points.clamp(1, 5))
    }

    /// The number, 1 to 5.
    pub(super) fn value(self) -> i64 {
        self.0
    }

    /// `HOT` from 4, `WARM` at 3, `COLD` below.
    pub(super) fn classification(self) -> &'static str {
        match self.0 {
            4.. => "HOT",
            3 => "WARM",
            _ => "COLD",
        }
    }

    /// Whether someone should call at once.
    pub(super) fn is_hot(self) -> bool {
        self.0 >= 4
    }
}

/// Whether a word of `text` begins with `word`: `book` is in `booking`, not in `facebook`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// What the model is told.
pub(super) fn prompt() -> String {
    let rubric = serde_json::to_string(&RUBRIC).unwrap_or_default();
    format!("Score this dental lead from 1 to 5 and answer as JSON with `score` and `reasoning`. Rubric: {rubric}")
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn words_make_a_lead_hot_warm_or_cold() {
        for (text, value, classification) in [
            ("I want All-on-4 implants, how much is it and can I book for tomorrow?", 5, "HOT"),
            ("Buna ziua, as dori un implant, cat costa?", 4, "HOT"),
            ("Can I get an appointment?", 3, "WARM"),
            ("What are your opening hours? I saw you on Facebook.", 1, "COLD"),
            ("Just looking, what does it cost?", 1, "COLD"),
            ("", 1, "COLD"),
        ] {
            let score = Score::by_rules(text);
            assert_eq!((score.value(), score.classification()), (value, classification), "{text}");
        }
    }

    #[test]
    fn the_model_moves_a_score_by_one_at_most() {
        let rules = Score::by_rules("implant");
        assert_eq!(rules.value(), 3);
        assert_eq!(rules.corrected_by(r#"{"score": 5}"#).unwrap().value(), 4);
        assert_eq!(rules.corrected_by(r#"{"score": 3}"#).unwrap().value(), 3);
        assert_eq!(rules.corrected_by("I would say four"), None);
    }
}
