//! What the Docker engine says of itself, as far as `doctor` needs it, in one visit of a few concurrent requests.
//!
//! Read by `engine`, `ports`, `disk` and `clock`.
// lead: move into runtime/docker (`Engine::discover`, `engine.about()`); this is the only file of the room that names bollard.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    errors::Error,
    models::{ContainerSummary, ContainerSummaryStateEnum},
    query_parameters::ListContainersOptionsBuilder,
};
use futures_util::future::join_all;

use super::otel::shown;
use crate::support::{clock, env::Env};

/// The label with the project's slug on everything that devstack makes in an engine.
const OWNER: &str = "dev.devstack.owner";

/// Where engines listen: Docker's own, then those of one user (below the home folder).
const SYSTEM_SOCKET: &str = "/var/run/docker.sock";
const USER_SOCKETS: [&str; 4] =
    [".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".orbstack/run/docker.sock"];

/// What an engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// `docker`, or what the engine calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The newest API version it speaks.
    pub api: String,
    /// Where it answers: `unix:///var/run/docker.sock`.
    pub at: String,
    /// How much later its clock is than ours, in milliseconds; `None` where it does not say.
    pub skew_ms: Option<i64>,
    /// By how many milliseconds `skew_ms` may be wrong: half of the time its answer took.
    pub skew_within_ms: u64,
    /// The images that were asked for, in that order.
    pub images: Vec<ImageFact>,
    /// Ports that running containers publish.
    pub published: Vec<Published>,
    /// Containers of this project, running or not.
    pub owned: Vec<String>,
    /// Where it keeps its data, on its own machine.
    pub root: Option<String>,
}

/// An image that a stack needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFact {
    /// As the stack names it.
    pub reference: String,
    /// Its bytes where it is there.
    pub size: Option<u64>,
}

/// A port that a container publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// On the host.
    pub port: u16,
    /// The container's name.
    pub container: String,
    /// Whether it is of this project.
    pub ours: bool,
}

/// Why there is nothing to be known of an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineProblem {
    /// Nobody listens anywhere that is known.
    #[error("no Docker engine here")]
    Absent,
    /// `DOCKER_HOST` names a place where there is none.
    #[error("no Docker engine at `{at}`, which DOCKER_HOST names")]
    Misnamed {
        /// The place.
        at: String,
    },
    /// This user may not talk to it.
    #[error("the Docker engine at {at} does not let this user in")]
    Denied {
        /// Its address.
        at: String,
    },
    /// There is a socket, and nobody behind it.
    #[error("the Docker engine at {at} is not running")]
    Stopped {
        /// Its address.
        at: String,
    },
    /// It takes a connection and says nothing.
    #[error("the Docker engine at {at} does not answer within {} s", after.as_secs_f64())]
    Silent {
        /// Its address.
        at: String,
        /// How long it had.
        after: Duration,
    },
    /// It answers with an error, or is reached by a way that is not spoken here.
    #[error("the Docker engine at {at} cannot be used: {why}")]
    Unusable {
        /// Its address.
        at: String,
        /// In its words.
        why: String,
    },
}

/// Asks the engine that the environment leads to about itself, these images, and the containers of `owner`.
pub(super) async fn gather(
    env: &dyn Env,
    images: &[String],
    owner: Option<&str>,
    limit: Duration,
) -> Result<EngineFacts, EngineProblem> {
    let at = discover(env).await?;
    let silent = EngineProblem::Silent { at: shown(&at), after: limit };
    tokio::time::timeout(limit, ask(&at, images, owner)).await.unwrap_or(Err(silent))
}

/// The address of the engine; of sockets the first behind which somebody listens, else what is wrong with the first that is there.
async fn discover(env: &dyn Env) -> Result<String, EngineProblem> {
    if let Some(at) = env.get("DOCKER_HOST") {
        let Some(path) = at.strip_prefix("unix://") else { return Ok(at) };
        return reach(Path::new(path)).await.unwrap_or(Err(EngineProblem::Misnamed { at: at.clone() }));
    }
    let home = env.get("HOME").map(PathBuf::from);
    let users = home.iter().flat_map(|home| USER_SOCKETS.map(|socket| home.join(socket)));
    let mut problem = EngineProblem::Absent;
    for path in std::iter::once(PathBuf::from(SYSTEM_SOCKET)).chain(users) {
        match reach(&path).await {
            Some(Ok(at)) => return Ok(at),
            Some(Err(found)) if problem == EngineProblem::Absent => problem = found,
            Some(Err(_)) | None => {}
        }
    }
    Err(problem)
}

/// What is at a path; `None` where there is nothing. A connect, because the client library hides why one failed.
async fn reach(path: &Path) -> Option<Result<String, EngineProblem>> {
    let at = format!("unix://{}", path.display());
    match tokio::net::UnixStream::connect(path).await {
        Ok(_) => Some(Ok(at)),
        Err(error) => match error.kind() {
            std::io::ErrorKind::NotFound => None,
            std::io::ErrorKind::PermissionDenied => Some(Err(EngineProblem::Denied { at })),
            std::io::ErrorKind::ConnectionRefused => Some(Err(EngineProblem::Stopped { at })),
            _ => Some(Err(EngineProblem::Unusable { at, why: error.to_string() })),
        },
    }
}

async fn ask(at: &str, images: &[String], owner: Option<&str>) -> Result<EngineFacts, EngineProblem> {
    let unusable = |error: Error| EngineProblem::Unusable { at: shown(at), why: words(&error) };
    // The time-out of the client is never reached: the caller's is shorter.
    let docker = match at.strip_prefix("unix://") {
        Some(path) => Docker::connect_with_unix(path, 60, API_DEFAULT_VERSION),
        None => Docker::connect_with_host(at),
    };
    let docker = docker.map_err(unusable)?.negotiate_version().await.map_err(unusable)?;
    let asked = clock::unix_nanos();
    let info = async { docker.info().await.map(|info| (info, clock::unix_nanos())) };
    let all = ListContainersOptionsBuilder::default().all(true).build();
    let images = join_all(images.iter().map(|reference| image(&docker, reference)));
    let (version, info, containers, images) = tokio::join!(docker.version(), info, docker.list_containers(Some(all)), images);
    let (version, (info, answered), containers) =
        (version.map_err(unusable)?, info.map_err(unusable)?, containers.map_err(unusable)?);
    let images: Vec<_> = images.into_iter().collect::<Result<_, _>>().map_err(unusable)?;
    Ok(EngineFacts {
        name: "docker engine".to_owned(),
        version: version.version.or(info.server_version).unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        at: shown(at),
        skew_ms: info.system_time.as_deref().and_then(|time| skew(time, asked, answered)),
        skew_within_ms: answered.saturating_sub(asked) / 2_000_000,
        images,
        published: containers.iter().flat_map(|container| published(container, owner)).collect(),
        owned: containers.iter().filter(|container| is_owned(container, owner)).map(name).collect(),
        root: info.docker_root_dir,
    })
}

async fn image(docker: &Docker, reference: &str) -> Result<ImageFact, Error> {
    let size = match docker.inspect_image(reference).await {
        Ok(about) => Some(about.size.unwrap_or_default().unsigned_abs()),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(ImageFact { reference: reference.to_owned(), size })
}

/// The engine took its time somewhere between question and answer; the middle is the best guess.
fn skew(time: &str, asked: u64, answered: u64) -> Option<i64> {
    let theirs = time.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    let ours = (asked / 2 + answered / 2) / 1_000_000;
    Some(theirs - ours as i64)
}

fn published(container: &ContainerSummary, owner: Option<&str>) -> Vec<Published> {
    let running = container.state == Some(ContainerSummaryStateEnum::RUNNING);
    let ports = container.ports.as_deref().unwrap_or_default().iter().filter(|_| running);
    let mut ports: Vec<_> = ports.filter_map(|port| port.public_port).collect();
    // One entry for each address: 0.0.0.0 and ::.
    ports.sort_unstable();
    ports.dedup();
    let ours = is_owned(container, owner);
    ports.into_iter().map(|port| Published { port, container: name(container), ours }).collect()
}

fn is_owned(container: &ContainerSummary, owner: Option<&str>) -> bool {
    let label = container.labels.as_ref().and_then(|labels| labels.get(OWNER));
    owner.is_some() && label.map(String::as_str) == owner
}

/// Without the slash that the API puts in front.
fn name(container: &ContainerSummary) -> String {
    let names = container.names.as_deref().unwrap_or_default();
    names.first().map(|name| name.trim_start_matches('/').to_owned()).or_else(|| container.id.clone()).unwrap_or_default()
}

/// The last cause says what happened; those before only that something did.
fn words(error: &Error) -> String {
    if let Error::DockerResponseServerError { message, .. } = error {
        return message.clone();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
impl EngineFacts {
    /// An engine with nothing in it.
    pub(super) fn sample() -> Self {
        Self {
            name: "docker engine".to_owned(),
            version: "28.2".to_owned(),
            api: "1.50".to_owned(),
            at: "unix:///var/run/docker.sock".to_owned(),
            skew_ms: Some(0),
            skew_within_ms: 1,
            images: Vec::new(),
            published: Vec::new(),
            owned: Vec::new(),
            root: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{published, skew};

    #[test]
    fn the_middle_of_the_way_is_when_the_engine_looked_at_its_clock() {
        let (asked, answered) = (1_795_000_000_000_000_000, 1_795_000_000_010_000_000);
        let time = jiff::Timestamp::from_millisecond(1_795_000_000_008).unwrap().to_string();
        assert_eq!(skew(&time, asked, answered), Some(3));
        assert_eq!(skew("soon", asked, answered), None);
    }

    #[test]
    fn a_port_published_on_two_addresses_is_one_and_a_stopped_container_has_none() {
        let mut container: bollard::models::ContainerSummary = serde_json::from_value(serde_json::json!({
            "Names": ["/shop-prometheus"],
            "State": "running",
            "Labels": { "dev.devstack.owner": "shop-1a2b3c4d" },
            "Ports": [
                { "IP": "0.0.0.0", "PrivatePort": 9090, "PublicPort": 9090, "Type": "tcp" },
                { "IP": "::", "PrivatePort": 9090, "PublicPort": 9090, "Type": "tcp" },
                { "PrivatePort": 9091, "Type": "tcp" },
            ],
        }))
        .unwrap();
        let ports = published(&container, Some("shop-1a2b3c4d"));
        assert_eq!(ports.len(), 1);
        assert_eq!((ports[0].port, ports[0].container.as_str(), ports[0].ours), (9090, "shop-prometheus", true));
        assert!(!published(&container, None)[0].ours);
        container.state = Some(bollard::models::ContainerSummaryStateEnum::EXITED);
        assert!(published(&container, None).is_empty());
    }
}
