//! What is the same in every run: words of the protocol and of the code, as opposed to ids, times, addresses and what tells of a person.
//!
//! Read by everything that proposes an expectation.

use std::sync::LazyLock;

use regex::Regex;

use super::shapes;

/// Letters of a name that is proposed.
const LONGEST: usize = 120;

/// What differs from run to run: long runs of digits or hex, UUIDs, dates, addresses with ports, file paths with hashes.
static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\d{5,}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|\b(?:[0-9a-f]*[0-9][0-9a-f]*){1}[0-9a-f]{11,}\b|\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}:\d{2}",
        r"|:\d{2,5}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|localhost|[?]|[A-Za-z0-9+/_-]{40,}"
    ))
    .expect("the pattern is one")
});

/// Whether a text could be the same in every run: no id, no time, no address, nobody's data, nothing a fixture would read as a placeholder.
pub(super) fn is_stable(text: &str) -> bool {
    let printable = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    printable && !text.contains("${") && !VARYING.is_match(text) && !has_mixed_token(text) && shapes::find(text).is_empty()
}

/// Whether a text is a word of the protocol: `payment_intent.succeeded`, `orders/create`, `push`.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "._/:- ".contains(sign);
    text.starts_with(|sign: char| sign.is_ascii_alphabetic()) && text.chars().all(plain) && is_stable(text) && text.len() <= 60
}

/// The beginning of a text that is stable, up to the last sign that separates words; `None` when that says too little.
pub(super) fn stable_beginning(text: &str) -> Option<&str> {
    const LEAST: usize = 5;
    let ends = text.char_indices().filter(|(_, sign)| "/ :.-".contains(*sign)).map(|(at, sign)| at + sign.len_utf8());
    let mut fitting = ends.map(|end| &text[..end]).rev().filter(|beginning| beginning.len() >= LEAST);
    fitting.find(|beginning| is_stable(beginning.trim_end()))
}

/// Whether a word in a text is written like a person's name, with one capital letter at its beginning: `Ana`, `Exemplu-Popa`.
pub(super) fn could_be_a_name(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        word.split('-').all(|part| {
            let mut signs = part.chars();
            signs.next().is_some_and(char::is_uppercase) && part.chars().count() > 1 && signs.all(char::is_lowercase)
        })
    })
}

/// A token in which letters and digits are mixed as only ids do: `1a2b3c`, `cus_9fG3k2`.
fn has_mixed_token(text: &str) -> bool {
    text.split(|sign: char| !sign.is_ascii_alphanumeric()).any(|token| {
        let kinds: Vec<bool> = token.bytes().map(|byte| byte.is_ascii_digit()).collect();
        kinds.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 3
    })
}

#[cfg(test)]
mod tests {
    use super::{is_stable, is_word, stable_beginning};

    #[test]
    fn names_of_code_are_stable_and_ids_are_not() {
        for text in [
            "POST /webhooks/crm",
            "GET /leads/{id}",
            "trigger.task.whatsapp-message-handler",
            "POST /api/v1/tasks/{id}/trigger",
            "s3.PutObject",
            "200",
        ] {
            assert!(is_stable(text), "{text}");
        }
        for text in [
            "GET /leads/123e4567-e89b-42d3-a456-426614174000",
            "GET /users/4711470",
            "GET /users/ana@example.com",
            "http://127.0.0.1:3000/x",
            "order cus_9fG3k2",
            "at 2024-01-15",
            "job 0af7651916cd43dd8448eb211c80319c",
            "x ${name}",
            "call +40 721 000 001",
            "",
        ] {
            assert!(!is_stable(text), "{text}");
        }
        assert!(is_word("payment_intent.succeeded") && is_word("orders/create") && !is_word("Ana's order") && !is_word("7"));
    }

    #[test]
    fn the_beginning_of_a_name_stays_when_its_end_varies() {
        assert_eq!(stable_beginning("GET /users/4711470"), Some("GET /users/"));
        assert_eq!(stable_beginning("4711470 done"), None);
    }
}
