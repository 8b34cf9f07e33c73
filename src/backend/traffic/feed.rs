//! The live feed: everything that arrives, to whoever listens, and at no cost where nobody does.

use futures_util::{Stream, stream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::model::{Happening, Span, SpanArrived, StatusCode, Value};

/// How many happenings a slow reader may lag behind before it misses some. A few batches of an SDK, which sends 512 spans at most.
const BACKLOG: usize = 4096;

/// The attributes that carry the HTTP status, the stable name first.
const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];

/// Everything that arrives, as it happens; a clone shares it.
#[derive(Debug, Clone)]
pub struct Feed {
    sender: broadcast::Sender<Happening>,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG) }
    }

    /// Everything that happens from now on. A reader that is too slow gets a [`Happening::Missed`] in place of what it missed. Ends
    /// when the backend and all its handles are gone.
    pub fn subscribe(&self) -> impl Stream<Item = Happening> + Send + use<> {
        stream::unfold(self.sender.subscribe(), |mut receiver| async {
            match receiver.recv().await {
                Ok(happening) => Some((happening, receiver)),
                Err(RecvError::Lagged(count)) => Some((Happening::Missed { count }, receiver)),
                Err(RecvError::Closed) => None,
            }
        })
    }

    pub(super) fn is_listened_to(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    pub(super) fn tell(&self, happening: Happening) {
        // The reader may have left in between.
        let _ = self.sender.send(happening);
    }
}

/// A span as `tail` shows it.
pub(super) fn arrived(span: &Span, at_ns: u64) -> SpanArrived {
    SpanArrived {
        at_ns,
        service: span.service().to_owned(),
        name: span.name.clone(),
        span_kind: span.kind,
        status: status(span),
        error: span.is_error(),
        duration_ns: span.duration().as_nanos() as u64,
        trace_id: span.trace_id,
        span_id: span.span_id,
    }
}

fn status(span: &Span) -> String {
    let http = HTTP_STATUS.iter().find_map(|name| match span.attributes.get(name) {
        Some(Value::Int(status)) => Some(status.to_string()),
        Some(Value::String(status)) => Some(status.clone()),
        _ => None,
    });
    http.unwrap_or_else(|| {
        match span.status.code {
            StatusCode::Ok => "ok",
            StatusCode::Error => "error",
            StatusCode::Unset => "unset",
        }
        .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use crate::model::{SpanKind, sample::span};

    fn problem(number: u64) -> Happening {
        Happening::Problem { at_ns: number, service: None, words: String::new() }
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_how_much_it_missed() {
        let feed = Feed::new();
        assert!(!feed.is_listened_to());
        let mut happenings = Box::pin(feed.subscribe());
        let sent = BACKLOG as u64 + 10;
        (0..sent).for_each(|number| feed.tell(problem(number)));
        assert_eq!(happenings.next().await, Some(Happening::Missed { count: 10 }));
        assert_eq!(happenings.next().await, Some(problem(10)));
        drop(happenings);
        assert!(!feed.is_listened_to());
    }

    #[test]
    fn a_span_is_told_with_its_http_status_where_it_has_one() {
        let plain = span(1, 0, "api", SpanKind::Server, 0, 4);
        let told = arrived(&plain.0, 7);
        assert_eq!((told.at_ns, told.service.as_str(), told.status.as_str(), told.error), (7, "api", "unset", false));
        assert_eq!(told.duration_ns, 4_000_000);
        let failed = span(1, 0, "api", SpanKind::Server, 0, 4).failed();
        assert_eq!((arrived(&failed.0, 7).status.as_str(), arrived(&failed.0, 7).error), ("error", true));
        for name in HTTP_STATUS {
            let with = span(1, 0, "api", SpanKind::Server, 0, 4).failed().with(name, 503_i64);
            assert_eq!(arrived(&with.0, 7).status, "503");
        }
    }
}
