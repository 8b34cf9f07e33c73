//! A delivery as it came, with everything that must not get out: its `Debug` shows sizes only.
//!
//! Made by the recorder, by the readers of curl and HAR, and from a trace; read by [`redact`](super::redact()).

use std::fmt;

use http::{HeaderMap, Method, StatusCode};

use crate::model::Trace;

/// What a service got, what it answered, and what came of it.
#[derive(Clone)]
pub struct Delivery {
    /// The HTTP method.
    pub method: Method,
    /// The path with its query, as sent.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, as sent.
    pub body: Vec<u8>,
    /// What was answered, where that is known.
    pub answer: Option<Answer>,
    /// The trace, where one is known.
    pub trace: Option<Trace>,
}

/// What a service answered.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body; empty where it was too large to be looked at.
    pub body: Vec<u8>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.trace.as_ref().map(|trace| trace.spans().len());
        let (method, bytes) = (&self.method, self.body.len());
        write!(f, "Delivery {{ method: {method}, body: {bytes} bytes, answer: {:?}, spans: {spans:?} }}", self.answer)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer {{ status: {}, body: {} bytes }}", self.status.as_u16(), self.body.len())
    }
}
