//! Whether a service is there: asked again and again until it is, it has ended, or the time is over.
//!
//! Asked by `group`. What was seen last goes into the failure.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::process::{End, Process};
use crate::{
    client,
    stack::Readiness,
    support::{cause::innermost, poll::Poll},
};

/// How long a single question may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a service is not ready.
#[derive(Debug)]
pub(super) enum NotReady {
    /// It has ended.
    Ended(End),
    /// The time is over; what was seen last.
    Late(String),
    /// Somebody is not interested any more.
    Cancelled,
}

/// Waits until it is ready. `seen` is told what is seen in the meantime, once each.
pub(super) async fn wait(
    ready: &Readiness,
    url: Option<&str>,
    process: &Process,
    deadline: Duration,
    stop: &CancellationToken,
    mut seen: impl FnMut(&str),
) -> Result<(), NotReady> {
    // What does not listen costs nothing to ask; what answers writes a line each time.
    let (mut often, mut seldom) = (Poll::until(deadline), Poll::gently(deadline));
    let mut last = String::new();
    let asking = async {
        loop {
            let Err(Seen { words, answered }) = look(ready, url, process).await else { return Ok(()) };
            if words != last {
                seen(&words);
                last = words;
            }
            let poll = if answered { &mut seldom } else { &mut often };
            if !poll.again().await {
                return Err(NotReady::Late(last));
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(NotReady::Cancelled),
        // It may have listened and died at once: what is dead is not ready.
        end = process.ended() => Err(NotReady::Ended(end)),
        asked = asking => asked,
    }
}

/// What was seen instead of a service that is ready.
struct Seen {
    words: String,
    /// Whether it was an answer, if the wrong one.
    answered: bool,
}

impl From<String> for Seen {
    fn from(words: String) -> Self {
        Self { words, answered: false }
    }
}

async fn look(ready: &Readiness, url: Option<&str>, process: &Process) -> Result<(), Seen> {
    match (ready, url) {
        (Readiness::Http { path, status }, Some(url)) => http(url, path, *status).await,
        (Readiness::Log(pattern), _) => {
            let matched = *process.matched().borrow();
            if matched { Ok(()) } else { Err(format!("no line matches `{pattern}`").into()) }
        }
        (Readiness::Port(port), _) => Ok(accepts("127.0.0.1", *port).await?),
        (Readiness::Accepts, Some(url)) => match host_and_port(url) {
            Some((host, port)) => Ok(accepts(&host, port).await?),
            None => Ok(()),
        },
        // Nothing to ask: it runs.
        (Readiness::Accepts | Readiness::Http { .. }, None) => Ok(()),
    }
}

async fn accepts(host: &str, port: u16) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("port {port}: {}", words(&error))),
        Err(_) => Err(format!("port {port}: no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn http(url: &str, path: &str, status: Option<u16>) -> Result<(), Seen> {
    let http = client::loopback().map_err(|error| error.to_string())?;
    let answer = http.get(format!("{url}{path}")).timeout(PATIENCE).send().await;
    let found = answer.map_err(|error| {
        if error.is_timeout() {
            format!("{path}: no answer within {} s", PATIENCE.as_secs())
        } else {
            format!("{path}: {}", plain(&innermost(&error)))
        }
    })?;
    let found = found.status().as_u16();
    let right = status.map_or((200..300).contains(&found), |status| status == found);
    if right { Ok(()) } else { Err(Seen { words: format!("{path}: {found}"), answered: true }) }
}

/// Host and port of an address; the port of its scheme where it names none.
pub(super) fn host_and_port(url: &str) -> Option<(String, u16)> {
    let uri: http::Uri = url.parse().ok()?;
    let scheme = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((uri.host()?.trim_matches(['[', ']']).to_owned(), uri.port_u16().unwrap_or(scheme)))
}

fn words(error: &std::io::Error) -> String {
    plain(&error.to_string())
}

/// Without the number of the operating system.
fn plain(words: &str) -> String {
    words.split(" (os error").next().unwrap_or(words).to_lowercase()
}
