//! A service of the tests: real HTTP by hand, so that it can behave as badly as services do, and count what it was sent.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use devstack::{
    client::{self, OtlpClient},
    model::{Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::clock,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Answers with this status line and these header lines, after so long.
    Answers(&'static str, &'static str, Duration),
    /// Never answers.
    Hangs,
    /// Closes the connection.
    Closes,
    /// Announces more of a body than it sends.
    BreaksOff,
    /// Answers something else than HTTP.
    Babbles,
    /// Answers and says nothing of closing, but closes: who keeps the connection meets a dead one.
    ClosesAfterwards,
}

impl Behaviour {
    pub(crate) fn answers(status: &'static str) -> Self {
        Self::Answers(status, "", Duration::ZERO)
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) path: String,
    /// Header lines, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Requests that were under way when it came, itself included.
    pub(crate) under_way: usize,
}

impl Hit {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The service, which ends with its value.
pub(crate) struct Service {
    pub(crate) url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
    _stop: DropGuard,
}

struct Inside {
    behaviour: Behaviour,
    /// Where it exports its spans; `None` for one that exports nothing.
    otlp: Option<String>,
    /// How far its clock is ahead, in seconds.
    ahead: i64,
    hits: Arc<Mutex<Vec<Hit>>>,
    under_way: AtomicUsize,
}

impl Service {
    pub(crate) async fn start(behaviour: Behaviour, otlp: Option<&str>) -> Self {
        Self::with_clock(behaviour, otlp, 0).await
    }

    pub(crate) async fn with_clock(behaviour: Behaviour, otlp: Option<&str>, ahead: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (hits, stop) = (Arc::<Mutex<Vec<Hit>>>::default(), CancellationToken::new());
        let inside = Arc::new(Inside {
            behaviour,
            otlp: otlp.map(str::to_owned),
            ahead,
            hits: Arc::clone(&hits),
            under_way: AtomicUsize::new(0),
        });
        let serving = stop.clone();
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! { accepted = listener.accept() => accepted, () = serving.cancelled() => return };
                let (inside, serving) = (Arc::clone(&inside), serving.clone());
                tokio::spawn(async move {
                    tokio::select! { () = inside.serve(stream.unwrap().0) => {}, () = serving.cancelled() => {} }
                });
            }
        });
        Self { url, hits, _stop: stop.drop_guard() }
    }

    /// Every request that came, in order.
    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }
}

impl Inside {
    /// One connection: requests until its end.
    async fn serve(&self, mut stream: TcpStream) {
        while let Some(hit) = self.read(&mut stream).await {
            self.hits.lock().unwrap().push(hit.clone());
            if let Some(otlp) = &self.otlp {
                export(otlp, &hit).await;
            }
            let goes_on = self.behave(&mut stream).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            if !goes_on {
                return;
            }
        }
    }

    async fn behave(&self, stream: &mut TcpStream) -> bool {
        let answer = |status: &str, headers: &str| {
            let now = jiff::Timestamp::from_second(clock::unix_seconds() + self.ahead).unwrap();
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
            format!("HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: 2\r\n{headers}\r\n{{}}")
        };
        let text = match &self.behaviour {
            Behaviour::Answers(status, headers, after) => {
                clock::pause(*after).await;
                answer(status, headers)
            }
            Behaviour::Hangs => return std::future::pending().await,
            Behaviour::Closes => return false,
            Behaviour::BreaksOff => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}".to_owned(),
            Behaviour::Babbles => "220 mail.example.com ESMTP\r\n".to_owned(),
            Behaviour::ClosesAfterwards => answer("200 OK", ""),
        };
        let written = stream.write_all(text.as_bytes()).await.is_ok();
        written && matches!(self.behaviour, Behaviour::Answers(..))
    }

    async fn read(&self, stream: &mut TcpStream) -> Option<Hit> {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        let head = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut buffer).await.ok()? {
                0 => return None,
                more => bytes.extend_from_slice(&buffer[..more]),
            }
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.lines();
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let headers: Vec<_> =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let length: usize =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap());
        while bytes.len() < head + length {
            match stream.read(&mut buffer).await.ok()? {
                0 => return None,
                more => bytes.extend_from_slice(&buffer[..more]),
            }
        }
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        Some(Hit { path, headers, body: bytes.split_off(head), under_way })
    }
}

/// Exports the SERVER span of a request, as an SDK would.
async fn export(otlp: &str, hit: &Hit) {
    let mut parts = hit.header("traceparent").split('-').skip(1);
    let (trace_id, parent_id) = (parts.next().and_then(TraceId::parse), parts.next().and_then(SpanId::parse));
    let span = Span {
        trace_id: trace_id.unwrap_or_else(TraceId::random),
        span_id: SpanId::random(),
        parent_id,
        trace_state: String::new(),
        flags: 1,
        name: format!("POST {}", hit.path),
        kind: SpanKind::Server,
        start_ns: clock::unix_nanos(),
        end_ns: clock::unix_nanos(),
        attributes: [("http.route", hit.path.clone())].into_iter().collect(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", "shop")].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    };
    // A run that has ended takes no more.
    let _ = OtlpClient::new(client::loopback().unwrap(), otlp).export(&[Arc::new(span)]).await;
}
