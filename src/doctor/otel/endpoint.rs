//! Endpoints as they are written: the port of the other protocol, paths that do not belong there, schemes that are missing.

use std::net::IpAddr;

use reqwest::Url;

use super::{FAMILIES, Family, HTTP_PORT, Manner, Signal, Spoken};
use crate::{doctor::Check, support::env::Env};

/// An endpoint that could be read.
#[derive(Clone)]
pub(in crate::doctor) struct Endpoint {
    url: Url,
    /// `http://localhost:4318/v1/traces`, without credentials and query.
    pub(in crate::doctor) shown: String,
    /// Whether something was left out of `shown`.
    masked: bool,
}

impl Endpoint {
    pub(in crate::doctor) fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
        // A password with a slash in it makes the user a host and the rest a path, which must not be shown.
        (!url.path().contains('@')).then_some(())?;
        let masked = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
        Some(Self { url, shown: shown(text), masked })
    }

    /// Without the brackets of an IPv6 address.
    pub(in crate::doctor) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(in crate::doctor) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(HTTP_PORT)
    }

    pub(super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    pub(in crate::doctor) fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// The same endpoint on another host, port or path, as text; credentials stay masked.
    fn written(&self, scheme: &str, host: &str, port: u16, path: &str) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let who = if self.masked { "***@" } else { "" };
        let port = if self.url.port().is_none() && port == self.port() { String::new() } else { format!(":{port}") };
        format!("{scheme}://{who}{host}{port}{path}")
    }

    /// How to set `variable` to this endpoint on another host.
    pub(super) fn on_host(&self, variable: &str, host: &str) -> String {
        let path = self.url.path().trim_end_matches('/');
        self.export(variable, &self.written(self.scheme(), host, self.port(), path))
    }

    fn export(&self, variable: &str, value: &str) -> String {
        if self.masked {
            format!("set {variable} to {value} with your own credentials")
        } else {
            format!("export {variable}={value}")
        }
    }

    /// The port that belongs to what is spoken, where this is the one of the other protocol.
    pub(in crate::doctor) fn other_port(&self, spoken: Option<Spoken>, manner: &Manner) -> Option<u16> {
        let port = self.port();
        match spoken? {
            Spoken::Http => manner.ports.iter().find(|(grpc, _)| *grpc == port).map(|(_, http)| *http),
            Spoken::Grpc => manner.ports.iter().find(|(_, http)| *http == port).map(|(grpc, _)| *grpc),
        }
    }

    /// What it should be: each mistake is told alone, and each is told with the one value that has none.
    fn repaired(&self, family: &Family, spoken: Option<Spoken>, manner: &Manner) -> String {
        let scheme = if self.is_loopback() { "http" } else { self.scheme() };
        let port = self.other_port(spoken, manner).unwrap_or_else(|| self.port());
        let grpc = spoken == Some(Spoken::Grpc);
        let path = match family.signal {
            _ if grpc => "",
            None => base_path(self.url.path()),
            Some(signal) if is_empty(self.url.path()) => signal.path(),
            Some(_) => self.url.path(),
        };
        self.export(family.endpoint, &self.written(scheme, self.host(), port, path))
    }
}

/// Everything that is wrong with the endpoint of these signals.
pub(super) fn check(family: &Family, env: &dyn Env, manner: &Manner) -> Vec<Check> {
    let Some(text) = env.get(family.endpoint) else { return of_all_signals(family, env, manner).into_iter().collect() };
    let variable = family.endpoint;
    let Some(endpoint) = Endpoint::read(text.trim()) else { return vec![unreadable(variable, text.trim())] };
    let spoken = family.spoken(env, manner);
    let fix = endpoint.repaired(family, spoken, manner);
    let is = format!("{variable}={}", endpoint.shown);
    let finding =
        |code, words: &str| Check::attention(code, format!("{is} {words}")).fix(fix.clone()).detail("variable", variable);
    let path = endpoint.url.path();
    let mut checks = Vec::new();
    match (endpoint.other_port(spoken, manner), spoken) {
        (Some(_), Some(Spoken::Http)) => checks.push(finding("otel.port", "speaks HTTP to the gRPC port")),
        (Some(_), Some(Spoken::Grpc)) => checks.push(finding("otel.port", "speaks gRPC to the HTTP port")),
        _ => {}
    }
    if endpoint.scheme() == "https" && endpoint.is_loopback() {
        checks.push(finding("otel.scheme", "asks for TLS, which devstack does not speak on loopback"));
    }
    match family.signal {
        None if signal_path(path).is_some() => {
            checks.push(finding("otel.path", "must be the base: exporters append /v1/traces, /v1/metrics and /v1/logs"));
        }
        None if text.trim().ends_with('/') => {
            checks.push(finding("otel.path", "ends in a slash, which some exporters double to //v1/traces"));
        }
        Some(signal) if spoken == Some(Spoken::Http) && is_empty(path) => {
            checks.push(finding("otel.path", &format!("lacks {}: the endpoint of one signal is used as it is", signal.path())));
        }
        _ => {}
    }
    checks
}

/// A protocol for one signal only, which goes to the endpoint of all signals and does not fit there.
fn of_all_signals(family: &Family, env: &dyn Env, manner: &Manner) -> Option<Check> {
    env.get(family.protocol).filter(|_| family.signal.is_some())?;
    let general = &FAMILIES[0];
    let endpoint = Endpoint::read(env.get(general.endpoint)?.trim())?;
    let (spoken, of_all) = (family.spoken(env, manner), general.spoken(env, manner));
    endpoint.other_port(spoken, manner)?;
    let (what, port) = if spoken == Some(Spoken::Grpc) { ("gRPC", "HTTP") } else { ("HTTP", "gRPC") };
    let (protocol, at) = (family.protocol, format!("{}={}", general.endpoint, endpoint.shown));
    // Where the endpoint is wrong for all of them, that is told of itself.
    (spoken != of_all).then(|| {
        Check::attention("otel.port", format!("{protocol} makes it speak {what} to the {port} port, {at}"))
            .fix(format!("unset {protocol}"))
            .detail("variable", protocol)
    })
}

/// A value that is no URL. It is shown only if it looks like an address.
fn unreadable(variable: &'static str, text: &str) -> Check {
    let is_address = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/-_[]".contains(&byte));
    let bare = text.trim_end_matches('/');
    let has_port = bare.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let check = if is_address(bare) && has_port && !bare.contains("//") {
        Check::attention("otel.scheme", format!("{variable}={bare} has no scheme"))
            .fix(format!("export {variable}=http://{bare}"))
    } else {
        Check::attention("otel.scheme", format!("{variable} is not a URL with http:// or https://"))
            .fix(format!("export {variable}=http://127.0.0.1:{HTTP_PORT}"))
    };
    check.detail("variable", variable)
}

/// A URL without what may be secret in it: credentials, query, fragment.
pub(in crate::doctor) fn shown(url: &str) -> String {
    let open = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = open.split_once("://") else { return open.to_owned() };
    // A password may hold an `@`, a host may not.
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match (authority.rsplit_once('@'), path.rfind('@')) {
        // A password with a slash in it: nobody can say where the host begins.
        (_, Some(at)) => format!("{scheme}://***@{}", &path[at + 1..]),
        (Some((_, host)), None) => format!("{scheme}://***@{host}{path}"),
        (None, None) => open.to_owned(),
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_empty(path: &str) -> bool {
    path.is_empty() || path == "/"
}

/// The signal whose path ends this one.
fn signal_path(path: &str) -> Option<Signal> {
    let path = path.trim_end_matches('/');
    [Signal::Traces, Signal::Metrics, Signal::Logs].into_iter().find(|signal| path.ends_with(signal.path()))
}

/// Without a slash at the end and without the path of a signal.
fn base_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    signal_path(path).map_or(path, |signal| path.trim_end_matches(signal.path()).trim_end_matches('/'))
}
