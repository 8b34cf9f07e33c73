//! A stand-in for an engine that comes and goes: a socket in front of the real engine's, which can be closed, or fall silent.
//!
//! What is behind it goes on running all the while; for whoever speaks through it the engine was stopped.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

/// Where the real one is, as long as nobody says otherwise.
const ENGINE: &str = "/var/run/docker.sock";

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Everything goes through.
    Open,
    /// Nobody listens any more: connections are refused, and those that are open end.
    Closed,
    /// Whoever knocks is let in, and never answered.
    Silent,
}

/// The proxy; its socket goes with it.
pub(super) struct Proxy {
    path: PathBuf,
    /// How it behaves, and connections that are open.
    now: Arc<Mutex<(Manner, Vec<UnixStream>)>>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// One at this path.
    pub(super) fn new(path: &Path) -> Self {
        let now = Arc::new(Mutex::new((Manner::Open, Vec::new())));
        let mut proxy = Self { path: path.to_owned(), now, listening: None };
        proxy.listen();
        proxy
    }

    fn listen(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path).unwrap();
        let now = Arc::clone(&self.now);
        self.listening = Some(thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut now = now.lock().unwrap();
                match now.0 {
                    Manner::Open => now.1.extend(joined(client)),
                    Manner::Silent => now.1.push(client),
                    Manner::Closed => return,
                }
            }
        }));
    }

    /// For `DOCKER_HOST`.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on; connections that are open end.
    pub(super) fn be(&mut self, manner: Manner) {
        {
            let mut now = self.now.lock().unwrap();
            now.0 = manner;
            for stream in now.1.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        match (manner, self.listening.take()) {
            (Manner::Closed, Some(listening)) => {
                // It notices with the next one who knocks.
                let _ = UnixStream::connect(&self.path);
                listening.join().unwrap();
            }
            (Manner::Open | Manner::Silent, None) => self.listen(),
            (_, listening) => self.listening = listening,
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.be(Manner::Closed);
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Both ends of a connection that goes on to the engine.
fn joined(client: UnixStream) -> Vec<UnixStream> {
    let engine = std::env::var("DOCKER_HOST").ok().and_then(|host| host.strip_prefix("unix://").map(PathBuf::from));
    let Ok(engine) = UnixStream::connect(engine.unwrap_or_else(|| ENGINE.into())) else { return Vec::new() };
    let ends = vec![client.try_clone().unwrap(), engine.try_clone().unwrap()];
    let (back, forth) = ((engine.try_clone().unwrap(), client.try_clone().unwrap()), (client, engine));
    for (from, to) in [back, forth] {
        thread::spawn(move || pass(from, to));
    }
    ends
}

fn pass(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
