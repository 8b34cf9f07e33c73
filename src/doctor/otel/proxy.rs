//! Proxies that stand between this shell's programs and the loopback interface. Their addresses may hold passwords and are never shown.

use crate::{doctor::Check, support::env::Env};

/// What programs read for `http://`, and the exceptions; most read either spelling.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const TLS_PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What must not go through a proxy.
const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

/// The finding that telemetry to this machine would leave it.
pub(super) fn check(env: &dyn Env) -> Option<Check> {
    let proxy = PROXIES.into_iter().find(|name| env.get(name).is_some())?;
    let exceptions = EXCEPTIONS.into_iter().find(|name| env.get(name).is_some());
    let lacking: Vec<_> = LOOPBACK.into_iter().filter(|host| !is_excepted(env, host)).collect();
    if lacking.is_empty() {
        return None;
    }
    let list = "localhost,127.0.0.1,::1";
    let (words, list) = match exceptions {
        None => (format!("{proxy} is set without NO_PROXY for loopback"), list.to_owned()),
        Some(name) => {
            (format!("{proxy} is set, and {name} does not except {}", lacking.join(" and ")), format!("${name},{list}"))
        }
    };
    Some(
        Check::attention("otel.proxy", format!("{words}: some exporters send telemetry there"))
            .fix(format!("export NO_PROXY=\"{list}\" && export no_proxy=\"$NO_PROXY\""))
            .detail("variable", proxy),
    )
}

/// Whether requests to this host go through a proxy.
pub(super) fn is_proxied(env: &dyn Env, scheme: &str, host: &str) -> bool {
    let proxies = if scheme == "https" { TLS_PROXIES } else { PROXIES };
    proxies.into_iter().any(|name| env.get(name).is_some()) && !is_excepted(env, host)
}

/// A host, a domain with everything below it, `*`, or the whole of 127.0.0.0/8.
fn is_excepted(env: &dyn Env, host: &str) -> bool {
    let lists = EXCEPTIONS.into_iter().filter_map(|name| env.get(name));
    lists.into_iter().any(|list| list.split(',').any(|entry| excepts(entry.trim(), host)))
}

fn excepts(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches("*.").trim_start_matches('.');
    let is_below = || host.strip_suffix(entry).is_some_and(|front| front.ends_with('.'));
    entry == "*"
        || entry.eq_ignore_ascii_case(host)
        || (!entry.is_empty() && is_below())
        || (entry.starts_with("127.") && entry.contains('/') && host.starts_with("127."))
}
