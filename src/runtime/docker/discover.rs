//! Where an engine could be: `DOCKER_HOST`, the Docker context, the sockets that engines are known to listen on.
//!
//! Read by `engine`, which tries what is found here. Looks at the environment and at files; asks nobody.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::support::env::Env;

use super::EngineError;

/// Places to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Places {
    /// The one that somebody named: no other will do.
    Named {
        /// Where from: `DOCKER_HOST`, `context colima`.
        by: String,
        /// The address.
        at: Address,
    },
    /// The usual ones, in order.
    Usual(Vec<PathBuf>),
}

/// An engine's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A unix socket.
    Socket(PathBuf),
    /// HTTP on a TCP port: `host:port`.
    Tcp(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// What `meta.json` of a context says, as far as it matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    name: String,
    #[serde(default)]
    endpoints: std::collections::BTreeMap<String, ContextEndpoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextEndpoint {
    host: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CliConfig {
    current_context: Option<String>,
}

/// The places of this environment.
pub(super) fn places(env: &dyn Env) -> Result<Places, EngineError> {
    if let Some(host) = env.get("DOCKER_HOST") {
        return Ok(Places::Named { at: parse(&host, env, "DOCKER_HOST")?, by: "DOCKER_HOST".to_owned() });
    }
    match context(env) {
        Some(name) => of_context(&name, env),
        None => Ok(Places::Usual(usual(env))),
    }
}

/// The context in use, the default one apart: that is the usual places.
fn context(env: &dyn Env) -> Option<String> {
    let configured = || {
        let text = fs::read_to_string(config_folder(env)?.join("config.json")).ok()?;
        serde_json::from_str::<CliConfig>(&text).ok()?.current_context
    };
    env.get("DOCKER_CONTEXT").or_else(configured).filter(|name| !name.is_empty() && name != "default")
}

fn of_context(name: &str, env: &dyn Env) -> Result<Places, EngineError> {
    let by = format!("context {name}");
    let unusable = |reason: &str| EngineError::Unusable { at: by.clone(), reason: reason.to_owned() };
    let folder = config_folder(env).ok_or_else(|| unusable("there is no home folder to look for it"))?.join("contexts/meta");
    let metas = fs::read_dir(&folder).into_iter().flatten().flatten();
    let meta = metas
        .filter_map(|entry| fs::read_to_string(entry.path().join("meta.json")).ok())
        .filter_map(|text| serde_json::from_str::<ContextMeta>(&text).ok())
        .find(|meta| meta.name == name)
        .ok_or_else(|| unusable("there is no such Docker context"))?;
    let host = meta.endpoints.get("docker").and_then(|endpoint| endpoint.host.clone());
    let host = host.ok_or_else(|| unusable("it names no address"))?;
    Ok(Places::Named { at: parse(&host, env, &by)?, by })
}

fn config_folder(env: &dyn Env) -> Option<PathBuf> {
    env.get("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(PathBuf::from(env.get("HOME")?).join(".docker")))
}

/// An address as Docker writes it.
fn parse(host: &str, env: &dyn Env, by: &str) -> Result<Address, EngineError> {
    let unusable = |reason: &str| EngineError::Unusable { at: format!("{host} ({by})"), reason: reason.to_owned() };
    if let Some(path) = host.strip_prefix("unix://") {
        return Ok(Address::Socket(PathBuf::from(path)));
    }
    if host.starts_with('/') {
        return Ok(Address::Socket(PathBuf::from(host)));
    }
    if let Some(rest) = host.strip_prefix("tcp://").or_else(|| host.strip_prefix("http://")) {
        if env.get("DOCKER_TLS_VERIFY").is_some() || env.get("DOCKER_TLS").is_some() {
            return Err(unusable(
                "devstack speaks no TLS to engines; an SSH tunnel to its socket works: `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`",
            ));
        }
        let address = rest.trim_end_matches('/');
        return Ok(Address::Tcp(if has_port(address) { address.to_owned() } else { format!("{address}:2375") }));
    }
    if host.starts_with("ssh://") {
        return Err(unusable(
            "devstack does not log in by SSH; a tunnel works: `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`, then DOCKER_HOST=unix:///tmp/docker.sock",
        ));
    }
    Err(unusable("devstack knows `unix://` and `tcp://`"))
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Sockets that engines listen on where nobody says otherwise: Docker, Docker Desktop, Colima, `OrbStack`, Rancher Desktop, Podman.
fn usual(env: &dyn Env) -> Vec<PathBuf> {
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(home) = env.get("HOME") {
        let of_home = [".docker/run/docker.sock", ".colima/default/docker.sock", ".orbstack/run/docker.sock", ".rd/docker.sock"];
        sockets.extend(of_home.map(|path| Path::new(&home).join(path)));
    }
    sockets.extend(env.get("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("podman/podman.sock")));
    sockets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{env::Map, random};

    fn named(pairs: &[(&str, &str)]) -> Result<String, String> {
        match places(&pairs.iter().copied().collect::<Map>()) {
            Ok(Places::Named { by, at }) => Ok(format!("{by}: {at}")),
            Ok(Places::Usual(sockets)) => Ok(format!("{} usual", sockets.len())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn docker_host_beats_everything_and_is_understood_in_each_form() {
        let of = |host: &str| named(&[("DOCKER_HOST", host), ("DOCKER_CONTEXT", "other")]);
        assert_eq!(of("unix:///run/x.sock").unwrap(), "DOCKER_HOST: unix:///run/x.sock");
        assert_eq!(of("/run/x.sock").unwrap(), "DOCKER_HOST: unix:///run/x.sock");
        assert_eq!(of("tcp://127.0.0.1:4243").unwrap(), "DOCKER_HOST: tcp://127.0.0.1:4243");
        assert_eq!(of("tcp://builder").unwrap(), "DOCKER_HOST: tcp://builder:2375");
        assert!(of("ssh://me@builder").unwrap_err().contains("does not log in by SSH"));
        assert!(of("npipe:////./pipe/docker_engine").unwrap_err().contains("`unix://` and `tcp://`"));
        assert!(named(&[("DOCKER_HOST", "tcp://b:2376"), ("DOCKER_TLS_VERIFY", "1")]).unwrap_err().contains("TLS"));
    }

    #[test]
    fn a_context_is_found_by_its_name_wherever_its_folder_is_called() {
        let folder = std::env::temp_dir().join(format!("devstack-context-{}", random::uuid()));
        let meta = folder.join("contexts/meta/0a1b");
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c.sock","SkipTLSVerify":false}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        let config = folder.display().to_string();
        assert_eq!(named(&[("DOCKER_CONFIG", &config)]).unwrap(), "1 usual");
        fs::write(folder.join("config.json"), r#"{"auths":{},"currentContext":"colima"}"#).unwrap();
        assert_eq!(named(&[("DOCKER_CONFIG", &config)]).unwrap(), "context colima: unix:///c.sock");
        assert_eq!(named(&[("DOCKER_CONFIG", &config), ("DOCKER_CONTEXT", "default")]).unwrap(), "1 usual");
        let unknown = named(&[("DOCKER_CONFIG", &config), ("DOCKER_CONTEXT", "nope")]).unwrap_err();
        assert!(unknown.contains("no such Docker context"), "{unknown}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_word_the_known_sockets_are_tried() {
        assert_eq!(named(&[]).unwrap(), "1 usual");
        assert_eq!(named(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")]).unwrap(), "6 usual");
    }
}
