//! A JSON scanner that yields where each scalar stands, byte for byte, so that a value can be replaced without touching its neighbours.
//!
//! Fed by [`freshen`](super::freshen) with the body of a fixture. It builds no tree: a visitor sees the path, the span and the raw text
//! of each scalar in file order; of a duplicate key it sees every occurrence. It takes exactly the JSON of RFC 8259.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;

use super::form;

/// Nesting from which a body is refused; `serde_json` draws the same line.
const DEEPEST: usize = 128;

/// One step of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// The member of an object.
    Key(Cow<'a, str>),
    /// The element of an array, from 0.
    Index(usize),
}

/// What sort of scalar it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A string; its span includes the quotes.
    String,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
    /// A field of a form, with its escapes.
    Field,
}

/// A scalar and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar<'a> {
    /// What sort it is.
    pub sort: Sort,
    /// Its bytes in the document.
    pub span: Range<usize>,
    /// Its text in the document, quotes and escapes included.
    pub raw: &'a str,
}

impl<'a> Scalar<'a> {
    /// The value as text: a string without quotes and with its escapes resolved, else the raw text. `None` for a string whose
    /// escapes name no character (half a surrogate pair).
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self.sort {
            Sort::String => unquote(self.raw),
            Sort::Field => Some(form::decode(self.raw)),
            Sort::Number | Sort::Word => Some(Cow::Borrowed(self.raw)),
        }
    }
}

/// Why a body is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The bytes are not UTF-8.
    #[error("byte {offset} is not UTF-8")]
    NotUtf8 {
        /// Offset of the first byte that is not.
        offset: usize,
    },
    /// Something else stands where JSON has one thing.
    #[error("expected {expected} at byte {offset}")]
    Expected {
        /// Where.
        offset: usize,
        /// What JSON has there.
        expected: &'static str,
    },
    /// More brackets inside each other than anybody sends.
    #[error("nested more than {DEEPEST} deep at byte {offset}")]
    TooDeep {
        /// Where.
        offset: usize,
    },
}

/// Walks a JSON document and shows each scalar to `visit`, with the path that leads to it.
pub fn scan<'a>(body: &'a [u8], visit: &mut dyn FnMut(&[Step<'a>], Scalar<'a>)) -> Result<(), ScanError> {
    let text = std::str::from_utf8(body).map_err(|error| ScanError::NotUtf8 { offset: error.valid_up_to() })?;
    let mut scanner = Scanner { text, at: 0, path: Vec::new(), visit };
    scanner.value()?;
    scanner.space();
    if scanner.at == text.len() { Ok(()) } else { Err(scanner.expected("the end of the document")) }
}

/// A path as `JSONPath` writes it: `$.entry[0].changes[0].value`.
pub fn json_path(path: &[Step<'_>]) -> String {
    let mut text = String::from("$");
    for step in path {
        write_step(&mut text, step).expect("writing to a String does not fail");
    }
    text
}

fn write_step(text: &mut String, step: &Step<'_>) -> fmt::Result {
    match step {
        Step::Index(index) => write!(text, "[{index}]"),
        Step::Key(key) if is_plain(key) => write!(text, ".{key}"),
        Step::Key(key) => write!(text, "['{}']", key.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

fn is_plain(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inner = &raw[1..raw.len() - 1];
    if inner.contains('\\') { serde_json::from_str::<String>(raw).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

struct Scanner<'a, 'v> {
    text: &'a str,
    at: usize,
    path: Vec<Step<'a>>,
    visit: &'v mut dyn FnMut(&[Step<'a>], Scalar<'a>),
}

impl<'a> Scanner<'a, '_> {
    fn value(&mut self) -> Result<(), ScanError> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'{') => return self.object(),
            Some(b'[') => return self.array(),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return self.word(),
        }
        let sort = if self.text.as_bytes()[start] == b'"' { Sort::String } else { Sort::Number };
        self.show(sort, start);
        Ok(())
    }

    fn show(&mut self, sort: Sort, start: usize) {
        let span = start..self.at;
        let raw = &self.text[span.clone()];
        (self.visit)(&self.path, Scalar { sort, span, raw });
    }

    fn object(&mut self) -> Result<(), ScanError> {
        self.open()?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            self.string()?;
            let raw = &self.text[start..self.at];
            let key = unquote(raw).unwrap_or(Cow::Borrowed(raw));
            self.space();
            if !self.take(b':') {
                return Err(self.expected("`:`"));
            }
            self.inside(Step::Key(key))?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self) -> Result<(), ScanError> {
        self.open()?;
        if self.take(b']') {
            return Ok(());
        }
        for index in 0.. {
            self.inside(Step::Index(index))?;
            if self.take(b']') {
                break;
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
        Ok(())
    }

    /// Passes the opening bracket and the space behind it.
    fn open(&mut self) -> Result<(), ScanError> {
        if self.path.len() >= DEEPEST {
            return Err(ScanError::TooDeep { offset: self.at });
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Scans the value behind `step`, and the space behind the value.
    fn inside(&mut self, step: Step<'a>) -> Result<(), ScanError> {
        self.path.push(step);
        self.value()?;
        self.path.pop();
        self.space();
        Ok(())
    }

    fn string(&mut self) -> Result<(), ScanError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return Err(self.expected("no bare control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.expected("`\"` at the end of a string")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.expected("four hex digits behind `\\u`"));
                }
                self.at += 5;
            }
            _ => return Err(self.expected("an escape that JSON has")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        let Some(word) = ["true", "false", "null"].into_iter().find(|word| self.text[start..].starts_with(word)) else {
            return Err(self.expected("a value"));
        };
        self.at += word.len();
        self.show(Sort::Word, start);
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
        }
        there
    }

    fn expected(&self, expected: &'static str) -> ScanError {
        ScanError::Expected { offset: self.at, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::{ScanError, json_path, scan};

    fn seen(body: &str) -> Result<Vec<(String, String)>, ScanError> {
        let mut found = Vec::new();
        scan(body.as_bytes(), &mut |path, scalar| {
            assert_eq!(&body[scalar.span.clone()], scalar.raw);
            found.push((json_path(path), scalar.text().map_or_else(|| "?".to_owned(), std::borrow::Cow::into_owned)));
        })?;
        Ok(found)
    }

    #[test]
    fn every_scalar_is_seen_with_its_path_and_its_bytes() {
        let body = "\r\n{ \"a\" : [ 1 , -2.5e+3,\"x\\u0041\\\"\" ],\"b c\":{\"d\":null,\"d\":true},\"e\":[],\"f\":{} }\n";
        let expected =
            [("$.a[0]", "1"), ("$.a[1]", "-2.5e+3"), ("$.a[2]", "xA\""), ("$['b c'].d", "null"), ("$['b c'].d", "true")];
        let expected: Vec<_> = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        assert_eq!(seen(body).unwrap(), expected);
    }

    #[test]
    fn escaped_keys_are_read_and_half_characters_are_not() {
        assert_eq!(seen(r#"{"\u0069d":"x"}"#).unwrap()[0].0, "$.id");
        assert_eq!(seen(r#"["\ud800"]"#).unwrap()[0].1, "?");
        assert_eq!(seen(r#"["\ud83d\ude00 ș"]"#).unwrap()[0].1, "😀 ș");
    }

    #[test]
    fn what_is_not_json_says_where_and_what_was_expected() {
        for (body, offset, expected) in [
            ("", 0, "a value"),
            ("{\"a\":1", 6, "`,` or `}`"),
            ("{\"a\" 1}", 5, "`:`"),
            ("[1,]", 3, "a value"),
            ("{a:1}", 1, "a key in double quotes"),
            ("[01]", 2, "`,` or `]`"),
            ("[1.]", 3, "a digit"),
            ("[nul]", 1, "a value"),
            ("{} {}", 3, "the end of the document"),
            ("\"a", 2, "`\"` at the end of a string"),
            ("\"\\x\"", 2, "an escape that JSON has"),
            ("\"\\u12g4\"", 2, "four hex digits behind `\\u`"),
            ("\"a\nb\"", 2, "no bare control character in a string"),
        ] {
            assert_eq!(seen(body), Err(ScanError::Expected { offset, expected }), "{body:?}");
        }
        assert_eq!(scan(b"\"\xff\"", &mut |_, _| ()), Err(ScanError::NotUtf8 { offset: 1 }));
        let deep = "[".repeat(5000);
        assert_eq!(seen(&deep), Err(ScanError::TooDeep { offset: 128 }));
    }
}
