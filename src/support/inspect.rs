//! What the operating system tells of another process: how it was started, in which folder and environment, by whom, and whom it is
//! connected with. Nothing is done to it.
//!
//! Asked by `doctor` about the service behind a URL. On Linux all of it stands in `/proc`; elsewhere only the command line is told.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf};

use super::env::Env;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// Variables that a process was started with. What it set later itself (`dotenv`, `os.environ`) is not among them. `Debug` shows names.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

/// Why the environment of a process is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTold {
    /// This operating system keeps it from everybody.
    System,
    /// It belongs to another user.
    User,
    /// There is no such process any more.
    Gone,
}

/// A TCP connection, or an attempt at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// With whom.
    pub remote: SocketAddr,
    /// Whether it is there; else it is still being tried.
    pub established: bool,
}

/// The words of its command line, the program first; `None` where they are not told.
pub fn command_line(pid: u32) -> Option<Vec<String>> {
    system::command_line(pid).filter(|words| !words.is_empty())
}

/// The file of its program.
pub fn program(pid: u32) -> Option<PathBuf> {
    system::program(pid)
}

/// The folder that it works in.
pub fn folder(pid: u32) -> Option<PathBuf> {
    system::folder(pid)
}

/// Those variables it was started with whose names are `wanted`; the others are not kept at all.
pub fn variables(pid: u32, wanted: impl Fn(&str) -> bool) -> Result<Variables, NotTold> {
    let read = system::environ(pid)?;
    let pairs = read.split(|byte| *byte == 0).filter_map(|entry| {
        let text = String::from_utf8_lossy(entry);
        let (name, value) = text.split_once('=')?;
        wanted(name).then(|| (name.to_owned(), value.to_owned()))
    });
    Ok(Variables(pairs.collect()))
}

/// The process that started it, unless that is the first of all.
pub fn parent(pid: u32) -> Option<u32> {
    system::parent(pid).filter(|parent| *parent > 1)
}

/// Everything that it started, and what those started, at most so many.
pub fn descendants(pid: u32, most: usize) -> Vec<u32> {
    let all = system::parents();
    let mut found = vec![pid];
    let mut at = 0;
    while at < found.len() && found.len() <= most {
        let above = found[at];
        found.extend(all.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        at += 1;
    }
    found.remove(0);
    found.truncate(most);
    found
}

/// With whom it is connected by TCP, or tries to be; `None` where that is not told.
pub fn connections(pid: u32) -> Option<Vec<Connection>> {
    system::connections(pid)
}

impl Variables {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Env for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// What `/proc` says.
#[cfg(target_os = "linux")]
mod linux {
    use std::{
        collections::BTreeSet,
        fs, io,
        net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
        path::PathBuf,
    };

    use super::{Connection, NotTold};

    /// Values of the column `st` (`include/net/tcp_states.h`).
    const ESTABLISHED: &str = "01";
    const SYN_SENT: &str = "02";

    pub(super) fn command_line(pid: u32) -> Option<Vec<String>> {
        let read = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = read.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<_> = words.collect();
        // Each word ends in a zero, so that after the last one nothing follows.
        words.pop_if(|last| last.is_empty());
        Some(words)
    }

    pub(super) fn program(pid: u32) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{pid}/exe")).ok()
    }

    pub(super) fn folder(pid: u32) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{pid}/cwd")).ok()
    }

    pub(super) fn environ(pid: u32) -> Result<Vec<u8>, NotTold> {
        fs::read(format!("/proc/{pid}/environ")).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => NotTold::Gone,
            _ => NotTold::User,
        })
    }

    pub(super) fn parent(pid: u32) -> Option<u32> {
        parent_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Every process with its parent.
    pub(super) fn parents() -> Vec<(u32, u32)> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
    }

    pub(super) fn connections(pid: u32) -> Option<Vec<Connection>> {
        let mut sockets = BTreeSet::new();
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            let inode = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok());
            sockets.extend(inode);
        }
        // The tables of the process, which may live in another network than we do.
        let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default());
        let rows = tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(row);
        Some(rows.filter(|(inode, _)| sockets.contains(inode)).map(|(_, connection)| connection).collect())
    }

    /// The name stands in parentheses and may hold anything; after the last one come the state and the parent.
    pub(super) fn parent_in(stat: &str) -> Option<u32> {
        stat[stat.rfind(')')? + 1..].split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …`; none for a socket that listens or is closing.
    pub(super) fn row(line: &str) -> Option<(u64, Connection)> {
        let mut columns = line.split_ascii_whitespace().skip(2);
        let remote = address(columns.next()?)?;
        let state = columns.next()?;
        let inode = columns.nth(5)?.parse().ok()?;
        let established = state == ESTABLISHED;
        (established || state == SYN_SENT).then_some((inode, Connection { remote, established }))
    }

    /// `0100007F:10DD`: words of 32 bits as the machine stores them, then the port.
    fn address(text: &str) -> Option<SocketAddr> {
        let (ip, port) = text.split_once(':')?;
        let word = |at: usize| Some(u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
        let ip: IpAddr = match ip.len() {
            8 => Ipv4Addr::from(word(0)?).into(),
            32 => {
                let mut bytes = [0; 16];
                for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                    four.copy_from_slice(&word(at * 8)?);
                }
                Ipv6Addr::from(bytes).to_canonical()
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
    }
}

/// What is told where there is no `/proc`: macOS shows the environment of a process to nobody.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only compiled, so that it does"))]
mod other {
    use std::{path::PathBuf, process::Command};

    use super::{Connection, NotTold};

    pub(super) fn command_line(pid: u32) -> Option<Vec<String>> {
        Some(ask(pid, "args=")?.split_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn program(pid: u32) -> Option<PathBuf> {
        ask(pid, "comm=").map(PathBuf::from)
    }

    pub(super) fn folder(_pid: u32) -> Option<PathBuf> {
        None
    }

    pub(super) fn environ(_pid: u32) -> Result<Vec<u8>, NotTold> {
        Err(NotTold::System)
    }

    pub(super) fn parent(pid: u32) -> Option<u32> {
        ask(pid, "ppid=")?.parse().ok()
    }

    pub(super) fn parents() -> Vec<(u32, u32)> {
        let said = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
        let text = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
        let pair = |line: &str| {
            let mut words = line.split_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        };
        text.lines().filter_map(pair).collect()
    }

    pub(super) fn connections(_pid: u32) -> Option<Vec<Connection>> {
        None
    }

    fn ask(pid: u32, what: &str) -> Option<String> {
        let said = Command::new("ps").args(["-ww", "-o", what, "-p", &pid.to_string()]).output().ok()?;
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        (said.status.success() && !text.is_empty()).then_some(text)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        process::{Command, Stdio},
    };

    use super::{Env as _, command_line, connections, descendants, folder, linux, parent, variables};

    #[test]
    fn a_process_is_told_with_its_words_folder_variables_and_parent() {
        let folder_of_it = std::env::temp_dir().canonicalize().unwrap();
        let mut command = Command::new("cat");
        command.arg("-").env_clear().env("OTEL_X", "a=b").env("SECRET", "s").current_dir(&folder_of_it);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        assert_eq!(command_line(pid).unwrap(), ["cat", "-"]);
        assert_eq!(folder(pid).unwrap(), folder_of_it);
        let found = variables(pid, |name| name.starts_with("OTEL_")).unwrap();
        assert_eq!((found.get("OTEL_X").as_deref(), found.get("SECRET")), (Some("a=b"), None));
        assert_eq!(format!("{found:?}"), r#"{"OTEL_X"}"#);
        assert_eq!(parent(pid), Some(std::process::id()));
        assert!(descendants(std::process::id(), 1000).contains(&pid));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(variables(u32::MAX, |_| true).is_err());
    }

    #[test]
    fn a_connection_of_this_process_is_seen_from_both_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let _there = TcpStream::connect(at).unwrap();
        let _here = listener.accept().unwrap();
        let found = connections(std::process::id()).unwrap();
        assert!(found.iter().any(|connection| connection.remote == at && connection.established), "{found:?}");
    }

    #[test]
    fn rows_of_the_table_are_read_and_others_passed_over() {
        let line = "   5: 0100007F:C35A 0100007F:10DE 01 00000000:00000000 00:00000000 00000000  1000        0 98765 1 0";
        let (inode, connection) = linux::row(line).unwrap();
        assert_eq!((inode, connection.remote.to_string().as_str()), (98765, "127.0.0.1:4318"));
        assert!(connection.established && !linux::row(&line.replace(" 01 ", " 02 ")).unwrap().1.established);
        assert_eq!(linux::row(&line.replace(" 01 ", " 0A ")), None);
        let mapped = line.replacen("0100007F:10DE", "0000000000000000FFFF00000100007F:10DD", 1);
        assert_eq!(linux::row(&mapped).unwrap().1.remote.to_string(), "127.0.0.1:4317");
        assert_eq!(linux::parent_in("812 (a) Z (b) S 7 812 812"), Some(7));
    }
}
