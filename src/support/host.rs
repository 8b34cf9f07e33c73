//! Whom a request names as its host, and whether that is this machine.
//!
//! Asked by everything that serves HTTP and refuses to answer for strangers' names (DNS rebinding): `backend` and the recorder of `draft`.

use std::net::IpAddr;

/// The host of `host:port` or `[address]:port`.
pub fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.split(':').next().unwrap_or(host)
}

/// Whether a host, without a port, is one of the loopback interface.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
