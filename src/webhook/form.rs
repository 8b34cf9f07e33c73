//! Bodies as HTML forms send them, `name=value&…`: where each value stands, and what it says.
//!
//! Fed by [`freshen`](super::freshen), which replaces values in place, and by [`sign`](super::sign()), because Twilio signs the fields
//! sorted by name. Any bytes are a form; what is no `%` escape stands for itself, and what is no UTF-8 becomes U+FFFD.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::scan::{Scalar, ScanError, Sort, Step};

/// Walks a form and shows each value to `visit`, with its name as the path.
pub(super) fn scan<'a>(body: &'a [u8], visit: &mut dyn FnMut(&[Step<'a>], Scalar<'a>)) -> Result<(), ScanError> {
    let text = std::str::from_utf8(body).map_err(|error| ScanError::NotUtf8 { offset: error.valid_up_to() })?;
    let mut start = 0;
    for field in text.split('&') {
        if let Some((name, value)) = field.split_once('=') {
            let at = start + name.len() + 1;
            visit(&[Step::Key(decode(name))], Scalar { sort: Sort::Field, span: at..at + value.len(), raw: value });
        }
        start += field.len() + 1;
    }
    Ok(())
}

/// What a name or a value says.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, escape(behind)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn escape(digits: &[u8]) -> Option<u8> {
    let digits = digits.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A text as a name or a value.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String does not fail"),
        }
    }
    encoded
}

/// The fields sorted by name, then by value, each name followed by its value; a field that is there twice counts once.
pub(super) fn sorted(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let fields = text.split('&').filter(|field| !field.is_empty());
    let mut pairs: Vec<_> = fields
        .map(|field| field.split_once('=').unwrap_or((field, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode, scan, sorted};
    use crate::webhook::scan::json_path;

    fn seen(body: &str) -> Vec<(String, String, &str)> {
        let mut found = Vec::new();
        scan(body.as_bytes(), &mut |path, scalar| {
            assert_eq!(&body[scalar.span.clone()], scalar.raw);
            found.push((json_path(path), scalar.text().map(std::borrow::Cow::into_owned).unwrap_or_default(), scalar.raw));
        })
        .unwrap();
        found
    }

    #[test]
    fn every_value_is_seen_with_its_name_and_its_bytes() {
        let row = |path: &str, text: &str, raw| (path.to_owned(), text.to_owned(), raw);
        assert_eq!(
            seen("From=%2B40721&Body=Bun%C4%83+ziua&&flag&empty=&a%5B%5D=1=2"),
            [
                row("$.From", "+40721", "%2B40721"),
                row("$.Body", "Bună ziua", "Bun%C4%83+ziua"),
                row("$.empty", "", ""),
                row("$['a[]']", "1=2", "1=2"),
            ]
        );
        assert_eq!(seen(""), []);
    }

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for (text, said) in [("100%", "100%"), ("%zz", "%zz"), ("%4", "%4"), ("%+1", "% 1"), ("%41", "A"), ("%ff", "\u{fffd}")] {
            assert_eq!(decode(text), said, "{text}");
        }
    }

    #[test]
    fn fields_are_sorted_by_name_then_value_and_counted_once() {
        assert_eq!(sorted(b"b=2&a=%20x&B=1&b=1&b=2&c"), "B1a xb1b2c");
        assert_eq!(sorted(b""), "");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert!(!encoded.contains(['&', '=']));
            prop_assert_eq!(decode(&encoded), text);
        }
    }
}
