//! What a person reads when a stack could not start: the engine's texts recognised, and turned into a sentence, facts and what to do.
//!
//! Called by `make`. The texts are those of Docker 20.10 to 28 and Podman 5; one that is not recognised is shown as it is.

use super::{DockerError, Engine, Said, labels, seen};
use crate::{
    runtime::UpFailure,
    stack::{Component, Port},
    support::ports,
};

/// The failure that an engine's refusal is.
pub(super) async fn of(engine: &Engine, component: Option<&Component>, error: &DockerError) -> UpFailure {
    let said = error.said();
    let words = said.words.clone();
    if let Some(port) = component.and_then(|component| taken_port(&words, component)) {
        return port_taken(engine, port).await;
    }
    if let Some(component) = component
        && said.is_missing()
        && is_no_image(&said.words)
    {
        return missing_image(&component.image);
    }
    if is_full(&words) {
        return UpFailure::new("the engine has no space left").detail(words).hint("see what takes it: `docker system df`");
    }
    if let DockerError::Create { name, source } = error
        && source.is_conflict()
    {
        return UpFailure::new(format!("the name `{name}` is taken by a container that is not devstack's"))
            .detail(words)
            .hint(format!("remove it: `docker rm -f {name}`"));
    }
    UpFailure::new(error.to_string()).detail(words)
}

/// An image that is not there and may not be fetched.
pub(super) fn missing_image(image: &str) -> UpFailure {
    UpFailure::new(format!("the image `{image}` is not here"))
        .hint("fetch it: `devstack images pull`")
        .hint("where there is no registry: `devstack images load FILE`")
}

/// An image that could not be fetched.
pub(super) fn not_pulled(image: &str, said: &Said) -> UpFailure {
    let failure = UpFailure::new(format!("could not fetch the image `{image}`")).detail(said.words.clone());
    if is_full(&said.words) {
        return failure.hint("see what takes the space: `docker system df`");
    }
    failure.hint("where there is no registry: `devstack images load FILE`, or `devstack up --runtime embedded`, which needs none")
}

async fn port_taken(engine: &Engine, port: u16) -> UpFailure {
    let failure = UpFailure::new(format!("port {port} is taken"));
    let failure = match port_holder(Some(engine), port).await {
        Some(holder) => failure.detail(format!("by {holder}")),
        None => failure.detail("by something that this user may not see"),
    };
    failure.hint("stop it, or run `devstack up --ports auto`")
}

/// The container that publishes a port, else the process that listens on it, in words; `None` when this user may not see it.
pub async fn port_holder(engine: Option<&Engine>, port: u16) -> Option<String> {
    let running = match engine {
        Some(engine) => seen::everybody(engine).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let container = running.iter().find(|seen| seen.published.values().any(|published| *published == port));
    if let Some(container) = container {
        let project = container.label(labels::PROJECT).map(|project| format!(", devstack's stack of {project}"));
        return Some(format!("the container {}{}", container.name, project.unwrap_or_default()));
    }
    let process = tokio::task::spawn_blocking(move || ports::holder(port)).await.ok().flatten();
    process.map(|process| {
        let since = process.since.as_ref().map(|since| format!(", started {since}")).unwrap_or_default();
        format!("{process}{since}")
    })
}

/// The fixed port that the engine could not have, where its words say so.
fn taken_port(words: &str, component: &Component) -> Option<u16> {
    let taken = ["port is already allocated", "address already in use", "ports are not available"];
    if !taken.iter().any(|text| words.contains(text)) {
        return None;
    }
    let fixed = component.ports.values().filter_map(|Port { host, .. }| *host);
    fixed.into_iter().find(|port| names_port(words, *port))
}

/// Whether `:port` stands in the words as a number of its own.
fn names_port(words: &str, port: u16) -> bool {
    let wanted = format!(":{port}");
    words.match_indices(&wanted).any(|(at, _)| !words[at + wanted.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

fn is_no_image(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("no such image") || words.contains("image not known")
}

fn is_full(words: &str) -> bool {
    words.contains("no space left on device")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;
    use crate::stack::Role;

    fn component(ports: &[u16]) -> Component {
        let port = |port: &u16| (port.to_string(), Port { container: 4317, host: Some(*port) });
        Component {
            name: "collector".to_owned(),
            role: Role::Collector,
            image: "i".to_owned(),
            command: Vec::new(),
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            ports: ports.iter().map(port).collect(),
            volumes: BTreeMap::new(),
            user: None,
            memory: None,
            after: Vec::new(),
            ready: Vec::new(),
            stop_grace: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_taken_port_is_recognised_in_the_words_of_each_engine() {
        let component = component(&[431, 4317]);
        for words in [
            "driver failed programming external connectivity on endpoint x (1234): Bind for 127.0.0.1:4317 failed: port is already allocated",
            "driver failed …: Error starting userland proxy: listen tcp4 127.0.0.1:4317: bind: address already in use",
            "failed to set up container networking: … failed to bind host port for 127.0.0.1:4317:172.18.0.2:4317/tcp: address already in use",
            "ports are not available: exposing port TCP 127.0.0.1:4317 -> 127.0.0.1:0: listen tcp 127.0.0.1:4317: bind: address already in use",
            "rootlessport listen tcp 127.0.0.1:4317: bind: address already in use",
        ] {
            assert_eq!(taken_port(words, &component), Some(4317), "{words}");
        }
        assert_eq!(taken_port("listen tcp 127.0.0.1:9090: bind: address already in use", &component), None);
        assert_eq!(taken_port("127.0.0.1:4317 said no", &component), None);
    }

    #[test]
    fn images_that_are_not_there_are_recognised() {
        assert!(is_no_image("No such image: grafana/grafana:13.2.0"));
        assert!(is_no_image("grafana/grafana:13.2.0: image not known"));
        assert!(!is_no_image("No such container: x"));
    }
}
