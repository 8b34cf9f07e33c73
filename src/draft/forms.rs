//! The ways in which a text is written inside other texts: percent-encoded in addresses and forms, escaped in JSON.
//!
//! Read by [`super::disguise`] (a value is found however it is written), [`super::body`] and [`super::redact()`].

use std::fmt::Write as _;

/// Decodes `%XX`; with `plus`, `+` is a space, as in forms. What is no encoding stays; what is no UTF-8 then is lost.
pub(super) fn percent_decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let code =
            code.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            None if plus && bytes[at] == b'+' => decoded.push(b' '),
            None => decoded.push(bytes[at]),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Encodes everything but the unreserved characters of RFC 3986; with `plus`, a space is `+`, as in forms.
pub(super) fn percent_encoded(text: &str, plus: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            b' ' if plus => encoded.push('+'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// The inside of a JSON string; with `ascii`, everything else is written `\uXXXX`.
pub(super) fn json_escaped(text: &str, ascii: bool) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inner.to_owned();
    }
    let mut escaped = String::with_capacity(inner.len());
    for sign in inner.chars() {
        if sign.is_ascii() {
            escaped.push(sign);
        } else {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// Resolves JSON's escapes wherever they stand in a text that need not be JSON.
pub(super) fn json_unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let escaped = if sign == '\\' { signs.peek().copied() } else { None };
        let plain = match escaped {
            Some('u') => {
                let digits: String = signs.clone().skip(1).take(4).collect();
                match u16::from_str_radix(&digits, 16) {
                    Ok(unit) if digits.len() == 4 => {
                        units.push(unit);
                        signs.nth(4);
                        continue;
                    }
                    _ => sign,
                }
            }
            Some(known @ ('"' | '\\' | '/')) => {
                signs.next();
                known
            }
            Some('n' | 'r' | 't') => {
                signs.next();
                ' '
            }
            _ => sign,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_there_and_back() {
        for text in ["ana.exemplu@example.com", "Ștefan O'Neill \"x\" 50%", "+40 721 000 001", "a/b\\c", ""] {
            for plus in [false, true] {
                assert_eq!(percent_decoded(&percent_encoded(text, plus), plus), text);
            }
            for ascii in [false, true] {
                assert_eq!(json_unescaped(&json_escaped(text, ascii)), text);
            }
        }
        assert_eq!(percent_decoded("100%&%4", false), "100%&%4");
        assert_eq!(json_unescaped(r"\/a\u12"), r"/a\u12");
        assert_eq!(json_unescaped(r"\ud83d\ude00"), "😀");
    }
}
