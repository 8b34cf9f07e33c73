//! What can be told of a service without sending it anything: whether somebody listens, who, how it was started, where it exports to.
//!
//! It connects to addresses to see whether somebody listens there, and says nothing to them.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reqwest::Url;

use super::facts::{Destination, Facts, Process, Reach, Receiver, Relative, Subject, TargetUrlError};
use super::language::{Language, Loading, Start, script};
use crate::{
    doctor::otel::{self, Manner, Spoken},
    support::{
        address,
        inspect::{self, Connection, Variables},
        ports, process,
    },
};

/// How long a connect may take; those on one machine take less than a millisecond.
const CONNECT: Duration = Duration::from_millis(700);

/// How many processes below the one that listens are looked at.
const DESCENDANTS: usize = 16;

/// What starts services and passes its environment on.
const LAUNCHERS: [&str; 16] = [
    "npm", "npx", "pnpm", "yarn", "bun", "node", "tsx", "nodemon", "turbo", "python", "uvicorn", "gunicorn", "cargo", "make",
    "go", "devstack",
];

/// Variables besides `OTEL_*` that decide what is exported and where to.
const OTHERS: [&str; 12] = [
    "NODE_OPTIONS",
    "PYTHONPATH",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "HTTPS_PROXY",
];

/// Everything that is told without sending.
pub(super) async fn look(subject: &Subject) -> Result<Facts, TargetUrlError> {
    let url = read(&subject.url)?;
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let addresses = resolved(&host, port).await;
    let here = is_here(&addresses);
    let receivers = receiver_ports(subject.receiver.as_ref());
    let listening = async {
        let found = tokio::task::spawn_blocking(move || here.then(|| listening(port, &receivers)).flatten()).await;
        found.expect("nothing here panics, and nobody aborts it")
    };
    let (reach, process) = tokio::join!(reach(&addresses), listening);
    let traces_to = match process.as_ref() {
        Some(process) => destination(process, subject.receiver.as_ref()).await,
        None => None,
    };
    Ok(Facts {
        url: address::shown(&subject.url).into_owned(),
        port,
        here,
        reach,
        process,
        traces_to,
        receiver: subject.receiver.clone(),
        measured: None,
        known_exits: subject.known_exits.clone(),
    })
}

/// The URL, or what is wrong with it.
pub(super) fn read(text: &str) -> Result<Url, TargetUrlError> {
    let wrong = |reason: &str| TargetUrlError { shown: address::shown(text).into_owned(), reason: reason.to_owned() };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it does not begin with http:// or https://"));
    }
    if url.host_str().is_none_or(str::is_empty) { Err(wrong("it names no host")) } else { Ok(url) }
}

/// Ports that take OTLP: the standard's and the stack's.
pub(super) fn receiver_ports(receiver: Option<&Receiver>) -> Vec<u16> {
    let mut ports = vec![4317, 4318];
    ports.extend(receiver.iter().flat_map(|receiver| [&receiver.otlp_grpc, &receiver.otlp_http]).filter_map(|url| port_of(url)));
    ports
}

pub(super) fn port_of(url: &str) -> Option<u16> {
    Url::parse(url).ok()?.port_or_known_default()
}

/// What this process exports with where its variables do not say.
pub(super) fn manner(language: Language, receiver: Option<&Receiver>) -> Manner {
    let mut manner = Manner { unset: language.spoken_unset(), ..Manner::standard() };
    let ports = |receiver: &Receiver| Some((port_of(&receiver.otlp_grpc)?, port_of(&receiver.otlp_http)?));
    manner.ports.extend(receiver.and_then(ports));
    manner
}

async fn resolved(host: &str, port: u16) -> Vec<SocketAddr> {
    tokio::net::lookup_host((host, port)).await.map(Iterator::collect).unwrap_or_default()
}

/// Whether an address is one of this machine: only those can be listened on.
fn is_here(addresses: &[SocketAddr]) -> bool {
    let own = |ip: IpAddr| ip.is_loopback() || std::net::UdpSocket::bind((ip, 0)).is_ok();
    addresses.iter().any(|address| own(address.ip()))
}

async fn reach(addresses: &[SocketAddr]) -> Reach {
    let mut found = Reach::Unknown;
    for address in addresses {
        match tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(*address)).await {
            Ok(Ok(_)) => return Reach::Open,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => found = Reach::Refused,
            _ => {}
        }
    }
    found
}

/// The process that listens on a port of this machine. Blocks.
fn listening(port: u16, receivers: &[u16]) -> Option<Process> {
    let holder = ports::holder(port)?;
    let pid = holder.pid;
    let words = inspect::command_line(pid).unwrap_or_default();
    let program = inspect::program(pid).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let program = program.unwrap_or_else(|| holder.name.clone());
    let language = Language::of(&program);
    let below = inspect::descendants(pid, DESCENDANTS);
    Some(Process {
        pid,
        runs: script(language, &words),
        since: holder.since.clone(),
        is_container: holder.is_docker_proxy,
        started_by: started_by(pid),
        started: below.iter().filter_map(|pid| relative(*pid)).collect(),
        language,
        loading: loading(language, std::iter::once(pid).chain(below.iter().copied())),
        variables: inspect::variables(pid, is_wanted),
        connected: connected(std::iter::once(pid).chain(below), receivers),
        name: if language == Language::Binary { holder.name } else { program },
    })
}

/// The ports of receivers that these processes are connected with, or try to be.
pub(super) fn connected(pids: impl Iterator<Item = u32>, receivers: &[u16]) -> Vec<u16> {
    let all = pids.flat_map(|pid| inspect::connections(pid).unwrap_or_default());
    let mut ports: Vec<u16> =
        all.map(|connection: Connection| connection.remote.port()).filter(|port| receivers.contains(port)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

pub(super) fn is_wanted(name: &str) -> bool {
    name.starts_with("OTEL_") || OTHERS.contains(&name)
}

/// How instrumentation is loaded: by the process, or by one that it started (a worker behind a reloader).
fn loading(language: Language, pids: impl Iterator<Item = u32>) -> Loading {
    let mut first = None;
    for pid in pids {
        let variables = inspect::variables(pid, is_wanted).unwrap_or_default();
        let (words, folder) = (inspect::command_line(pid).unwrap_or_default(), inspect::folder(pid));
        let found = Loading::of(language, &Start { words: &words, folder: folder.as_deref(), env: &variables });
        if found.is_certain() {
            return found;
        }
        first.get_or_insert(found);
    }
    first.unwrap_or(Loading::NothingSeen)
}

fn started_by(pid: u32) -> Vec<Relative> {
    let mut found = Vec::new();
    let mut at = pid;
    while let Some(above) = inspect::parent(at) {
        let Some(relative) = relative(above).filter(|relative| is_launcher(&relative.name)) else { break };
        found.push(relative);
        at = above;
        if found.len() == 3 {
            break;
        }
    }
    found
}

/// npm calls itself `npm run dev`, so that its process is named so.
fn is_launcher(name: &str) -> bool {
    let first = name.split([' ', '.']).next().unwrap_or_default().trim_end_matches(|sign: char| sign.is_ascii_digit());
    LAUNCHERS.contains(&first)
}

fn relative(pid: u32) -> Option<Relative> {
    let name = process::command_name(pid)?;
    // A thread's name (`MainThread`) says nothing; the program's does.
    let program = inspect::program(pid).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name = if is_launcher(&name) { name.split(' ').next().unwrap_or_default().to_owned() } else { program.unwrap_or(name) };
    Some(Relative { pid, name })
}

async fn destination(process: &Process, receiver: Option<&Receiver>) -> Option<Destination> {
    let none = Variables::default();
    let variables = process.variables.as_ref().unwrap_or(&none);
    let to = otel::traces_to(variables, &manner(process.language, receiver));
    let endpoint = to.endpoint?;
    Some(Destination {
        variable: to.variable,
        endpoint: endpoint.shown.clone(),
        port: endpoint.port(),
        loopback: endpoint.is_loopback(),
        grpc: to.spoken.map(|spoken| spoken == Spoken::Grpc),
        reach: reach(&resolved(endpoint.host(), endpoint.port()).await).await,
    })
}
