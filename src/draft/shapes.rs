//! What gives itself away by its shape, whatever it is called: e-mail addresses, phone numbers, numbers of cards and accounts, keys.
//!
//! Read by [`super::body`] and [`super::redact()`] for every text they pass, and by [`super::stable`], which proposes none of it.
//!
//! The forms of keys are those that their issuers publish for secret scanners (Stripe, GitHub, Slack, AWS, Google, npm, GitLab, `SendGrid`).

use std::{net::Ipv4Addr, ops::Range, sync::LazyLock};

use regex::Regex;

use super::kind::Kind;

/// Digits of a phone number (ITU-T E.164: at most 15; below 7 it is nobody's).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

static EMAIL: LazyLock<Regex> = LazyLock::new(|| regex(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}"));

/// With a plus sign, or grouped as people write numbers.
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\+\(?\d[\d ().\u{a0}-]{5,}\d|\b0\d{2,3}[ .-]\d{3}[ .-]?\d{3,4}\b|\b0[1-9]\d{8}\b|\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b\d{3}[.-]\d{3}[.-]\d{4}\b",
    )
});

static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=_-]{6,}|\bgh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}",
        r"|\bxox[a-z]-[A-Za-z0-9-]{8,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|AIza[0-9A-Za-z_-]{30,}|\bnpm_[A-Za-z0-9]{30,}|glpat-[\w-]{16,}",
        r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\btr_(?:dev|prod|stg)_\w{8,}|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{16,}",
        r"|\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\z)"
    ))
});

/// What follows a scheme of HTTP authentication, or the user in an address.
static CREDENTIAL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(?:bearer|basic|token)[ :]+([\w.~+/-]{8,}=*)|://[^/\s:@]*:([^/\s@]+)@"));

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b[3-6]\d{3}(?:[ -]?\d){11,12}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b|\b\d{3}-\d{2}-\d{4}\b"));

static NETWORK: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is one")
}

/// Everything in `text` that gives itself away, in order, without overlap.
pub(super) fn find(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    let mut add = |range: Range<usize>, kind| {
        if !found.iter().any(|(taken, _)| taken.start < range.end && range.start < taken.end) {
            found.push((range, kind));
        }
    };
    SECRET.find_iter(text).for_each(|found| add(found.range(), Kind::Secret));
    for parts in CREDENTIAL.captures_iter(text) {
        parts.iter().skip(1).flatten().for_each(|part| add(part.range(), Kind::Secret));
    }
    EMAIL.find_iter(text).for_each(|found| add(found.range(), Kind::Email));
    NUMBER.find_iter(text).filter(|found| is_number(found.as_str())).for_each(|found| add(found.range(), Kind::Number));
    PHONE.find_iter(text).filter(|found| is_phone(found.as_str())).for_each(|found| add(found.range(), Kind::Phone));
    NETWORK.find_iter(text).filter(|found| is_somebodys(found.as_str())).for_each(|found| add(found.range(), Kind::Network));
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// An address that could be a person's: not this machine's, and of no network that many have alike.
fn is_somebodys(address: &str) -> bool {
    let local = |address: Ipv4Addr| address.is_loopback() || address.is_private() || address.is_link_local();
    address.parse().is_ok_and(|address| !local(address) && !address.is_unspecified() && !address.is_broadcast())
}

/// Whether the digits are as many as a phone number has.
pub(super) fn is_phone(text: &str) -> bool {
    PHONE_DIGITS.contains(&text.bytes().filter(u8::is_ascii_digit).count())
}

fn is_number(text: &str) -> bool {
    let signs: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    match signs.first() {
        Some(first) if first.is_ascii_alphabetic() => is_iban(&signs),
        _ if signs.len() == 9 => true,
        _ => passes_luhn(&signs),
    }
}

/// ISO 7812's check digit.
fn passes_luhn(digits: &[char]) -> bool {
    let digit = |(at, sign): (usize, &char)| {
        let digit = sign.to_digit(10).unwrap_or_default();
        if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    };
    digits.iter().rev().enumerate().map(digit).sum::<u32>() % 10 == 0
}

/// ISO 13616: the first four signs moved to the end, letters as numbers, modulo 97.
fn is_iban(signs: &[char]) -> bool {
    let rotated = signs[4..].iter().chain(&signs[..4]);
    let rest = rotated
        .filter_map(|sign| sign.to_digit(36))
        .fold(0, |rest, value| if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(&str, Kind)> {
        find(text).into_iter().map(|(range, kind)| (&text[range], kind)).collect()
    }

    #[test]
    fn what_gives_itself_away_is_found_in_the_middle_of_a_text() {
        for (text, wanted, kind) in [
            ("write to ana.exemplu@clinic.example, please", "ana.exemplu@clinic.example", Kind::Email),
            ("call +40 721 000 001 now", "+40 721 000 001", Kind::Phone),
            ("call 0721 000 001 now", "0721 000 001", Kind::Phone),
            ("call (555) 010-4477", "(555) 010-4477", Kind::Phone),
            ("key sk_live_abcdefgh1234 here", "sk_live_abcdefgh1234", Kind::Secret),
            ("whsec_c2VjcmV0c2VjcmV0", "whsec_c2VjcmV0c2VjcmV0", Kind::Secret),
            ("Authorization: Bearer abcdef0123456789", "abcdef0123456789", Kind::Secret),
            ("postgres://app:hunter2@db/app", "hunter2", Kind::Secret),
            ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", Kind::Secret),
            ("card 4242 4242 4242 4242.", "4242 4242 4242 4242", Kind::Number),
            ("IBAN GB29 NWBK 6016 1331 9268 19", "GB29 NWBK 6016 1331 9268 19", Kind::Number),
            ("from 198.51.100.7, 10.0.0.1", "198.51.100.7", Kind::Network),
            ("ssn 078-05-1120", "078-05-1120", Kind::Number),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Kind::Secret),
        ] {
            assert_eq!(kinds(text), [(wanted, kind)], "{text}");
        }
    }

    #[test]
    fn times_versions_amounts_and_ids_are_nobodys() {
        for text in [
            "2024-01-15T10:00:00.000Z",
            "2024-01-15 10:00:00",
            "1705312800123456",
            "1700000000",
            "v1.2.3",
            "123e4567-e89b-42d3-a456-426614174000",
            "pi_3PqRsTuVwXyZ012345",
            "4242 4242 4242 4241",
            "payment_intent.succeeded",
            "@handle and a@b",
            "127.0.0.1:8080",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
