//! The listener and connections of the small Redis server.
//!
//! Owned by whoever needs a Redis; every connection ends when the server is dropped.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    commands,
    keyspace::Keyspace,
    wire::{self, Reply},
};

/// A running server on 127.0.0.1; it stops when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    address: SocketAddr,
    _stop: DropGuard,
}

#[derive(Debug, Default)]
struct Shared {
    keys: Mutex<Keyspace>,
    /// Told after every push, for whoever is blocked in `BRPOP`.
    pushed: Notify,
}

impl RedisServer {
    /// Binds a free port on loopback and serves until the value is dropped.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, stop.clone())));
        Ok(Self { address, _stop: stop.drop_guard() })
    }

    /// The address for a client: `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

async fn accept(listener: TcpListener, stop: CancellationToken) {
    let shared = Arc::new(Shared::default());
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(stop.clone().run_until_cancelled_owned(serve(stream, Arc::clone(&shared))));
    }
}

/// Answers one connection until it ends or sends what is no request.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let mut out = Vec::new();
        let broken = answer_all(&mut buffer, &mut out, &shared).await.is_err();
        if stream.write_all(&out).await.is_err() || broken {
            return;
        }
        if !matches!(stream.read_buf(&mut buffer).await, Ok(read) if read > 0) {
            return;
        }
    }
}

/// Answers every whole request in `buffer` in order and takes it out.
async fn answer_all(buffer: &mut Vec<u8>, out: &mut Vec<u8>, shared: &Shared) -> Result<(), wire::Malformed> {
    let mut done = 0;
    loop {
        match wire::parse(&buffer[done..]) {
            Ok(Some(request)) => {
                done += request.consumed;
                answer(shared, &request.arguments).await.write(out);
            }
            Ok(None) => break,
            Err(error) => {
                Reply::Error(format!("ERR {error}")).write(out);
                return Err(error);
            }
        }
    }
    buffer.drain(..done);
    Ok(())
}

async fn answer(shared: &Shared, request: &[Vec<u8>]) -> Reply {
    match request {
        [name, lists @ .., timeout] if name.eq_ignore_ascii_case(b"BRPOP") && !lists.is_empty() => {
            blocking_pop(shared, lists, timeout).await
        }
        _ => {
            let reply = commands::run(&mut shared.keys.lock().unwrap_or_else(PoisonError::into_inner), request);
            shared.pushed.notify_waiters();
            reply
        }
    }
}

/// `BRPOP`: waits until one of the lists has something, or `timeout` seconds (0: for ever) are over.
async fn blocking_pop(shared: &Shared, lists: &[Vec<u8>], timeout: &[u8]) -> Reply {
    let Some(seconds) = std::str::from_utf8(timeout).ok().and_then(|text| text.parse::<f64>().ok()) else {
        return Reply::Error("ERR timeout is not a float or out of range".into());
    };
    let Ok(limit) = Duration::try_from_secs_f64(seconds) else { return Reply::Error("ERR timeout is negative".into()) };
    let pop = async {
        loop {
            let pushed = shared.pushed.notified(); // registered before the look, so that no push falls between
            let popped = commands::pop_any(&mut shared.keys.lock().unwrap_or_else(PoisonError::into_inner), lists);
            if let Some(reply) = popped {
                return reply;
            }
            pushed.await;
        }
    };
    if limit.is_zero() {
        return pop.await;
    }
    tokio::time::timeout(limit, pop).await.unwrap_or(Reply::NilArray)
}
