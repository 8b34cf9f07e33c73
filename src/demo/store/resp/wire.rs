//! RESP2 on the wire: requests (arrays of bulk strings) in, replies out.
//!
//! Fed by `server` with bytes as they come; read by `commands`.

use std::fmt::Write as _;

/// Longest bulk string taken, in bytes; Redis' own limit is 512 MiB, no demo value comes near one.
const LONGEST_BULK: usize = 1 << 20;
/// Most arguments of one command.
const MOST_ARGUMENTS: usize = 1 << 12;

/// What a server answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Simple(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    NilArray,
    Array(Vec<Self>),
}

/// Bytes that are no RESP2 request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("protocol error: {0}")]
pub(super) struct Malformed(&'static str);

/// A whole request and how many bytes it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) arguments: Vec<Vec<u8>>,
    pub(super) consumed: usize,
}

/// Reads one request from the front of `buffer`; `None` while it is not all there.
pub(super) fn parse(buffer: &[u8]) -> Result<Option<Request>, Malformed> {
    let mut cursor = Cursor { buffer, at: 0 };
    let Some(count) = cursor.header(b'*', MOST_ARGUMENTS)? else { return Ok(None) };
    let mut arguments = Vec::with_capacity(count);
    for _ in 0..count {
        let Some(length) = cursor.header(b'$', LONGEST_BULK)? else { return Ok(None) };
        let Some(bytes) = cursor.bulk(length)? else { return Ok(None) };
        arguments.push(bytes.to_vec());
    }
    Ok(Some(Request { arguments, consumed: cursor.at }))
}

struct Cursor<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A line of `marker` and a length up to `most`.
    fn header(&mut self, marker: u8, most: usize) -> Result<Option<usize>, Malformed> {
        let rest = &self.buffer[self.at..];
        match rest.first() {
            None => return Ok(None),
            Some(first) if *first != marker => return Err(Malformed("an array of bulk strings is expected")),
            Some(_) => {}
        }
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            return if rest.len() > 32 { Err(Malformed("a length is too long")) } else { Ok(None) };
        };
        let number = std::str::from_utf8(&rest[1..end]).ok().and_then(|text| text.parse::<usize>().ok());
        self.at += end + 2;
        number.filter(|value| *value <= most).map(Some).ok_or(Malformed("invalid length"))
    }

    fn bulk(&mut self, length: usize) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = &self.buffer[self.at..];
        if rest.len() < length + 2 {
            return Ok(None);
        }
        if &rest[length..length + 2] != b"\r\n" {
            return Err(Malformed("a bulk string does not end where it says"));
        }
        self.at += length + 2;
        Ok(Some(&rest[..length]))
    }
}

impl Reply {
    /// A bulk string of `text`.
    pub(super) fn bulk(text: impl Into<Vec<u8>>) -> Self {
        Self::Bulk(text.into())
    }

    /// Appends the reply as it goes over the wire.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple(text) => line(out, '+', text),
            Self::Error(text) => line(out, '-', text),
            Self::Integer(number) => line(out, ':', number),
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::NilArray => out.extend_from_slice(b"*-1\r\n"),
            Self::Bulk(bytes) => {
                line(out, '$', bytes.len());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Self::Array(items) => {
                line(out, '*', items.len());
                for item in items {
                    item.write(out);
                }
            }
        }
    }
}

fn line(out: &mut Vec<u8>, marker: char, value: impl std::fmt::Display) {
    let mut text = String::new();
    let _ = write!(text, "{marker}{value}\r\n"); // writing to a String cannot fail
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Reply, parse};

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n";
        for end in 0..22 {
            assert_eq!(parse(&bytes[..end]).unwrap(), None, "{end} bytes");
        }
        let request = parse(bytes).unwrap().unwrap();
        assert_eq!(request.arguments, [b"GET".to_vec(), b"key".to_vec()]);
        assert_eq!(request.consumed, 22);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(parse(b"GET key\r\n").is_err());
        assert!(parse(b"*1\r\n$99999999999\r\n").is_err());
        assert_eq!(parse(b"*1\r\n$3\r\nGETxx"), Err(Malformed("a bulk string does not end where it says")));
    }

    #[test]
    fn replies_have_their_markers() {
        let mut out = Vec::new();
        Reply::Array(vec![Reply::Simple("OK"), Reply::Integer(-1), Reply::Nil, Reply::bulk("ab")]).write(&mut out);
        assert_eq!(out, b"*4\r\n+OK\r\n:-1\r\n$-1\r\n$2\r\nab\r\n");
    }
}
