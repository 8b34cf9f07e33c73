//! A service as a process with a group of its own: started with an environment, waited for, ended, killed, started again.
//!
//! A process group has ended when its output has: a leader such as `npm` ends before the service below it, and a process that nobody
//! waited for yet still answers to signals.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::up::stand::until;

/// A service answers a question about its health in this time, or is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a service says before its address; both examples do.
const ADDRESS: &str = "http://127.0.0.1:";

/// How a service is started; values for the same variable replace each other.
#[derive(Clone)]
pub(crate) struct Service {
    command: Vec<String>,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

/// A service that runs. Its group is killed when this goes.
pub(crate) struct Running {
    service: Service,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    address: String,
}

impl Service {
    /// A command in a folder, with `PATH` and `HOME` of the outer environment and nothing else of it. `PORT` is any free one.
    pub(crate) fn new(folder: &Path, command: &[&str]) -> Self {
        let outer = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        Self {
            command: command.iter().map(ToString::to_string).collect(),
            folder: folder.to_owned(),
            environment: ["PATH", "HOME"].into_iter().filter_map(outer).collect(),
        }
        .with("PORT", "0")
    }

    /// With this variable.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// With all these variables.
    pub(crate) fn with_all<'a>(self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        variables.into_iter().fold(self, |service, (name, value)| service.with(name, value))
    }

    /// Starts it and waits until `GET /health` is answered with 200.
    pub(crate) fn start(self) -> Running {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(&self.folder).env_clear().envs(&self.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("`{}`: {error}", self.command.join(" ")));
        let output = Arc::default();
        let readers = vec![
            keep(child.stdout.take().expect("it is piped"), &output),
            keep(child.stderr.take().expect("it is piped"), &output),
        ];
        let mut running = Running { service: self, child, output, readers, address: String::new() };
        running.address = until("a service to say its address", || running.still().said_address());
        until("a service to be healthy", || is_healthy(&running.still().address).then_some(()));
        running
    }
}

impl Running {
    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The leader of its group: of `npm run …` that is npm.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Both streams, as they came so far.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// SIGTERM to the group, as a supervisor does; what it said in all, once the last process of the group has ended.
    pub(crate) fn terminate(mut self) -> String {
        self.end(Signal::TERM);
        self.output()
    }

    /// SIGKILL to the group, as an out-of-memory killer does, so that nothing is flushed; back when it is gone.
    pub(crate) fn kill(mut self) -> Service {
        self.end(Signal::KILL);
        // On its port, as one that a supervisor starts again.
        let (_, port) = self.address.rsplit_once(':').expect("it was started");
        let port = port.to_owned();
        self.service.clone().with("PORT", port)
    }

    /// Killed and started again, on the same port.
    pub(crate) fn restart(self) -> Self {
        self.kill().start()
    }

    fn end(&mut self, signal: Signal) {
        self.signal(signal);
        until("a service to end", || self.readers.iter().all(JoinHandle::is_finished).then_some(()));
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(self.child.id() as i32).expect("a pid is not 0");
        // Its processes may have ended by themselves.
        let _ = kill_process_group(group, signal);
    }

    /// Itself, while its leader has not ended.
    fn still(&mut self) -> &Self {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "`{}` ended: {}", self.service.command.join(" "), self.output());
        self
    }

    fn said_address(&self) -> Option<String> {
        let output = self.output();
        let (_, rest) = output.split_once(ADDRESS)?;
        let port = &rest[..rest.find(|sign: char| !sign.is_ascii_digit())?];
        (!port.is_empty()).then(|| format!("127.0.0.1:{port}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Appends what comes to the output, until the last process that holds the stream has ended.
fn keep(mut stream: impl Read + Send + 'static, output: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut part) {
            output.lock().unwrap().extend_from_slice(&part[..length]);
        }
    })
}

fn is_healthy(address: &str) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    });
    asked.unwrap_or(false)
}
