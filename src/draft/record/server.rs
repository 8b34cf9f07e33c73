//! The recorder's listener: takes requests, has them passed on, and tells what went by.
//!
//! Started by `cli`, which reads the events. What a request holds goes into a [`Passed`] and nowhere else: no log, no error, no state.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, header, uri::PathAndQuery};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Context,
    pass::{self, Outgoing, Target},
    peek::{Peeked, peek},
};
use crate::{
    draft::{Answer, Delivery},
    fixture::LARGEST_BODY,
    support::{
        clock, disk,
        host::{is_loopback, without_port},
    },
};

/// What a recorder is told.
#[derive(Debug, Clone)]
pub struct RecorderConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address of the service: `http://HOST:PORT`.
    pub forward: String,
    /// Host names that requests may be addressed to, besides those of the loopback interface.
    pub allow_hosts: Vec<String>,
}

/// Why a recorder could not start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nothing can be sent there.
    #[error("`{address}` is not the address of a service: {reason}")]
    Forward {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The port cannot be had.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What went by.
#[derive(Debug)]
pub enum Event {
    /// A delivery and its answer.
    Passed(Box<Passed>),
    /// The service gave none; the sender was told so.
    Unanswered {
        /// Why, without anything of the request.
        reason: String,
    },
    /// It was passed on and cannot be recorded.
    Unrecorded {
        /// Why, without anything of the request.
        reason: String,
    },
    /// It was addressed to somebody else.
    Refused {
        /// The host it named.
        host: String,
    },
}

/// A delivery that went by.
#[derive(Debug)]
pub struct Passed {
    /// As it came, with its answer and without its trace.
    pub delivery: Delivery,
    /// By what its trace is found.
    pub context: Context,
    /// When it was passed on, nanoseconds since the Unix epoch.
    pub started_ns: u64,
    /// When its answer was there.
    pub ended_ns: u64,
}

/// A recorder that listens; nothing is passed on until it runs.
#[derive(Debug)]
pub struct Recorder {
    listener: TcpListener,
    address: SocketAddr,
    target: Target,
    allow_hosts: Vec<String>,
}

struct Shared {
    target: Target,
    allow_hosts: Vec<String>,
    /// Whether it may be addressed by any address, because it listens elsewhere than on the loopback interface.
    any_address: bool,
    events: mpsc::UnboundedSender<Event>,
}

impl Recorder {
    /// Takes its port.
    pub async fn bind(config: RecorderConfig) -> Result<Self, RecordError> {
        let target =
            Target::new(&config.forward).map_err(|reason| RecordError::Forward { address: shown(&config.forward), reason })?;
        let address = config.listen;
        let refused = |source| RecordError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, target, allow_hosts: config.allow_hosts })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes on until `shutdown`; then takes no more, and returns when what is under way is answered.
    pub async fn run(self, events: mpsc::UnboundedSender<Event>, shutdown: CancellationToken) {
        let any_address = !self.address.ip().is_loopback();
        let shared = Arc::new(Shared { target: self.target, allow_hosts: self.allow_hosts, any_address, events });
        let router = Router::new().fallback(handle).with_state(shared);
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
        serving.await.expect("accepting connections never ends in an error");
    }
}

/// An address in an error, without a user's password.
fn shown(address: &str) -> String {
    crate::support::address::shown(address).into_owned()
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if let Some(host) = stranger(&request, &shared) {
        let words = format!("devstack record does not answer for host `{host}`; allow it with --allow-host\n");
        shared.tell(Event::Refused { host });
        return pass::plain(StatusCode::FORBIDDEN, words);
    }
    let (mut parts, body) = request.into_parts();
    let context = Context::of(&mut parts.headers);
    let path = parts.uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let Ok(peeked) = peek(body, LARGEST_BODY as usize).await else {
        shared.tell(Event::Unrecorded { reason: "the sender broke off before all of it was there".to_owned() });
        return pass::plain(StatusCode::BAD_REQUEST, "devstack record: the body broke off\n".to_owned());
    };
    let (body, seen) = match peeked {
        Peeked::Whole(bytes) => (Body::from(bytes.clone()), Some(bytes)),
        Peeked::Longer(body) => (body, None),
    };
    let outgoing = Outgoing { method: parts.method.clone(), path: path.clone(), headers: parts.headers.clone(), body };
    let started_ns = clock::unix_nanos();
    let answered = match shared.target.send(outgoing).await {
        Ok(answered) => answered,
        Err(error) => {
            shared.tell(Event::Unanswered { reason: error.to_string() });
            return pass::no_answer(&error);
        }
    };
    let ended_ns = clock::unix_nanos();
    let answer = Answer {
        status: answered.response.status(),
        headers: answered.response.headers().clone(),
        body: answered.body.map(Vec::from).unwrap_or_default(),
    };
    shared.tell(match seen {
        Some(body) => {
            let delivery = delivery(parts.method, &path, parts.headers, body.into(), answer);
            Event::Passed(Box::new(Passed { delivery, context, started_ns, ended_ns }))
        }
        None => {
            let most = disk::mebibytes(LARGEST_BODY);
            Event::Unrecorded { reason: format!("its body is larger than the {most} that a fixture can have") }
        }
    });
    answered.response
}

fn delivery(method: Method, path: &PathAndQuery, headers: HeaderMap, body: Vec<u8>, answer: Answer) -> Delivery {
    Delivery { method, path: path.to_string(), headers, body, answer: Some(answer), trace: None }
}

/// The host that a request names, when that is not ours.
fn stranger(request: &Request, shared: &Shared) -> Option<String> {
    let named = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(header::HOST)?.to_str().unwrap_or("(not text)"),
    };
    let host = without_port(named).to_ascii_lowercase();
    let allowed = is_loopback(&host)
        || shared.allow_hosts.iter().any(|name| name.eq_ignore_ascii_case(&host))
        || (shared.any_address && host.parse::<std::net::IpAddr>().is_ok());
    (!allowed).then_some(host)
}

impl Shared {
    /// Whoever read the events may be gone at the end.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
