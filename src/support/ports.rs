//! TCP ports of this machine: free, or held by whom.
//!
//! Asked by `runtime` before it listens and when it cannot, and by `doctor`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use listeners::{Listener, Protocol};

use super::process;

/// The program through which Docker publishes the ports of containers.
const DOCKER_PROXY: &str = "docker-proxy";

/// The process that holds a port. Displayed as `otelcol (pid 4121)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// When it started, for people: `2 h ago`.
    pub since: Option<String>,
    /// Whether it only stands for a container: Docker's port proxy. The engine knows which one.
    pub is_docker_proxy: bool,
}

/// Who holds a TCP port; `None` when nobody does, or when it is someone whose processes this user may not look at.
///
/// Where several do on different addresses, it is the one in the way of 127.0.0.1. Reads the tables of all processes: for when a port
/// turned out to be taken, and off the threads of the async runtime.
pub fn holder(port: u16) -> Option<Holder> {
    let holds = |listener: &Listener| listener.protocol == Protocol::TCP && listener.socket.port() == port;
    let found = listeners::get_all()
        .ok()?
        .into_iter()
        .filter(holds)
        .min_by_key(|listener| (rank(listener.socket), listener.process.pid))?;
    let pid = found.process.pid;
    let name = process::command_name(pid).unwrap_or(found.process.name);
    Some(Holder { pid, is_docker_proxy: name == DOCKER_PROXY, name, since: process::age(pid).map(ago) })
}

/// Whether one can listen there now.
pub fn is_free(addr: SocketAddr) -> bool {
    let everywhere: IpAddr = if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // Elsewhere than on Linux one address may be taken although someone listens on all of them; who connects then gets either.
    TcpListener::bind(addr).is_ok() && (cfg!(target_os = "linux") || TcpListener::bind((everywhere, addr.port())).is_ok())
}

/// Smaller is more in the way of 127.0.0.1.
fn rank(socket: SocketAddr) -> u8 {
    match socket {
        SocketAddr::V4(at) if *at.ip() == Ipv4Addr::LOCALHOST => 0,
        at if at.ip().is_unspecified() => 1,
        at if at.ip().is_loopback() => 2,
        _ => 3,
    }
}

/// `2 h ago`.
fn ago(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Duration};

    use super::{ago, holder, is_free};

    #[test]
    fn a_port_that_is_held_names_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert!(!is_free(at));
        let holder = holder(at.port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        let program = std::env::current_exe().unwrap();
        assert_eq!(holder.name, program.file_name().unwrap().to_string_lossy());
        assert_eq!(holder.to_string(), format!("{} (pid {})", holder.name, holder.pid));
        assert!(holder.since.is_some() && !holder.is_docker_proxy);
    }

    #[test]
    fn a_port_that_nobody_holds_is_free() {
        // Another test may have taken the port again; not ten times.
        let released = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
        assert!((0..10).any(|_| is_free(released())));
    }

    #[test]
    fn whoever_listens_everywhere_is_in_the_way_too() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(([127, 0, 0, 1], port).into()));
        assert_eq!(holder(port).map(|holder| holder.pid), Some(std::process::id()));
    }

    #[test]
    fn ages_are_told_in_one_unit() {
        let told = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!([told(5), told(61), told(7300), told(200_000)], ["5 s ago", "1 min ago", "2 h ago", "2 days ago"]);
    }
}
