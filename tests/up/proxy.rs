//! A stand-in for an engine that comes and goes: a socket in front of the real engine's, which can be closed, or fall silent.
//!
//! What is behind it goes on running all the while; for whoever speaks through it the engine was stopped.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

/// Where the real one is, as long as nobody says otherwise.
const ENGINE: &str = "/var/run/docker.sock";

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Manner {
    /// Everything goes through.
    Open,
    /// Whoever knocks is turned away, and whoever was there is shown out.
    Closed,
    /// Whoever knocks is let in, and never answered.
    Silent,
}

/// The proxy; its socket goes with it.
pub(super) struct Proxy {
    path: PathBuf,
    manner: Arc<AtomicU8>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Proxy {
    /// One at this path.
    pub(super) fn new(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (manner, open) = (Arc::new(AtomicU8::new(Manner::Open as u8)), Arc::new(Mutex::new(Vec::new())));
        let proxy = Self { path: path.to_owned(), manner: Arc::clone(&manner), open: Arc::clone(&open) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut open = open.lock().unwrap();
                match manner.load(Ordering::SeqCst) {
                    now if now == Manner::Open as u8 => open.extend(joined(client)),
                    now if now == Manner::Silent as u8 => open.push(client),
                    _ => {}
                }
            }
        });
        proxy
    }

    /// For `DOCKER_HOST`.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on; connections that are open end, unless it only falls silent and they are new.
    pub(super) fn be(&self, manner: Manner) {
        let mut open = self.open.lock().unwrap();
        self.manner.store(manner as u8, Ordering::SeqCst);
        for stream in open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
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
