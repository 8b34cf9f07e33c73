//! The trace context of a delivery: the sender's where it has one, else one of the recorder's own (W3C Trace Context, version 00).
//!
//! Read by [`super::server`].

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::model::{SpanId, TraceId};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// By what a delivery's trace is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The recorder gave it: this trace, and the span that the service's own hangs under.
    Given(TraceId, SpanId),
    /// The sender brought it, sampled.
    Brought(TraceId),
    /// The sender brought one that says not to record, so that nothing will come.
    Unsampled(TraceId),
    /// The sender brought something that services must ignore; they begin a trace that nobody here knows.
    Unknown,
}

impl Context {
    /// Reads the context of a request, or gives it one.
    pub(super) fn of(headers: &mut HeaderMap) -> Self {
        let Some(brought) = headers.get(&TRACEPARENT) else {
            let (trace, span) = (TraceId::random(), SpanId::random());
            let value = HeaderValue::from_str(&format!("00-{trace}-{span}-01")).expect("hex digits and hyphens");
            headers.insert(TRACEPARENT, value);
            return Self::Given(trace, span);
        };
        brought.to_str().ok().and_then(parse).unwrap_or(Self::Unknown)
    }

    /// The trace to look for.
    pub fn trace_id(&self) -> Option<TraceId> {
        match self {
            Self::Given(trace, _) | Self::Brought(trace) | Self::Unsampled(trace) => Some(*trace),
            Self::Unknown => None,
        }
    }
}

fn parse(text: &str) -> Option<Context> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fits = version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
    let (trace, _) = (TraceId::parse(trace)?, SpanId::parse(span)?);
    let flags = u8::from_str_radix(flags.get(..2)?, 16).ok()?;
    fits.then_some(if flags & 1 == 1 { Context::Brought(trace) } else { Context::Unsampled(trace) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_kept_or_given() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_str(text).unwrap());
            let context = Context::of(&mut headers);
            assert_eq!(headers[&TRACEPARENT], text, "what was brought stays");
            context
        };
        let trace = TraceId::parse("0af7651916cd43dd8448eb211c80319c").unwrap();
        assert_eq!(of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), Context::Brought(trace));
        assert_eq!(of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), Context::Unsampled(trace));
        for wrong in ["", "00-0-0-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
            assert_eq!(of(wrong), Context::Unknown, "{wrong}");
        }
        let mut headers = HeaderMap::new();
        let Context::Given(trace, span) = Context::of(&mut headers) else { panic!("none was there") };
        assert_eq!(headers[&TRACEPARENT], format!("00-{trace}-{span}-01"));
    }
}
