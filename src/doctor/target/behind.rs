//! Which process stands behind a URL of this machine, noted at one moment to be compared at another.
//!
//! Asked by `cli` before a case of a replay, and after one that misses spans.

use super::look;
use crate::support::{ports, process};

/// A process that listened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Its id.
    pub pid: u32,
    /// When it started, for comparing: the id alone may be another's by now.
    started: String,
}

impl Behind {
    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        process::alive(self.pid, &self.started)
    }
}

/// Who listens at a loopback address; `None` where nobody does, where it is not told, and where a container does. Blocks.
pub fn behind(url: &str) -> Option<Behind> {
    let url = look::read(url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let holder = ports::holder(url.port_or_known_default()?).filter(|holder| here && !holder.is_docker_proxy)?;
    Some(Behind { pid: holder.pid, started: process::started(holder.pid)? })
}
