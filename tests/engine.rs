//! Whether there is a Docker engine for the tests that need one; asked by every module with containers.
//!
//! In CI there must be one. Elsewhere its tests are skipped, and one line says so.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

/// An engine that does not answer a ping in this time is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether an engine answers; without one, tests of containers return at once. Panics in CI (`CI` is set), where a test that is skipped
/// would be a test that cannot fail.
pub(crate) fn available() -> bool {
    static ANSWER: OnceLock<Result<(), String>> = OnceLock::new();
    let answer = ANSWER.get_or_init(|| {
        let answer = ping();
        if let Err(why) = &answer {
            // Not `eprintln!`, which a passing test keeps to itself.
            let _ = writeln!(io::stderr(), "skipping the tests with containers: {why}");
        }
        answer
    });
    if let Err(why) = answer {
        assert!(std::env::var_os("CI").is_none(), "CI needs a Docker engine: {why}");
    }
    answer.is_ok()
}

fn ping() -> Result<(), String> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    if let Some(address) = host.strip_prefix("tcp://") {
        return TcpStream::connect(address)
            .and_then(|stream| {
                stream.set_read_timeout(Some(PATIENCE))?;
                asked(stream)
            })
            .map_err(|error| format!("{host}: {error}"));
    }
    let known = [host.strip_prefix("unix://").map(PathBuf::from), Some("/var/run/docker.sock".into()), in_home()];
    let mut said = "there is no Docker socket".to_owned();
    for path in known.into_iter().flatten().filter(|path| path.exists()) {
        match ping_socket(&path) {
            Ok(()) => return Ok(()),
            Err(error) => said = format!("{}: {error}", path.display()),
        }
    }
    Err(said)
}

/// Docker Desktop's.
fn in_home() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker/run/docker.sock"))
}

fn ping_socket(path: &Path) -> io::Result<()> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    asked(stream)
}

fn asked(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    if status.ends_with(b" 200") {
        Ok(())
    } else {
        Err(io::Error::other(format!("it answered `{}`", String::from_utf8_lossy(&status))))
    }
}
