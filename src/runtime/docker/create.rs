//! One container from a component: what is asked of the engine, and the files that are put in before it starts.
//!
//! Called by `make`. Nothing of the host is mounted: files are uploaded, data lies in volumes, so a remote engine does as well.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use bollard::{
    body_full,
    models::{
        ContainerCreateBody, EndpointSettings, HostConfig, Mount, MountType, NetworkingConfig, PortBinding, VolumeCreateRequest,
    },
    query_parameters::{ContainerArchiveInfoOptionsBuilder, CreateContainerOptionsBuilder, UploadToContainerOptionsBuilder},
};
use futures_util::future::join_all;

use super::{DockerError, Engine, Said, labels};
use crate::{
    runtime::Order,
    stack::{Component, Port},
};

/// Folders that every container has; asking about them would cost a call.
const ALWAYS: [&str; 2] = ["/", "/etc"];

/// What a container is made of besides its component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) order: &'a Order,
    pub(super) run: &'a str,
    pub(super) network: &'a str,
    pub(super) config: &'a str,
}

/// Makes volumes and container, and puts the files in; gives the container's id. It is not started.
pub(super) async fn create(engine: &Engine, component: &Component, ground: Ground<'_>) -> Result<String, DockerError> {
    for volume in component.volumes.keys() {
        make_volume(engine, component, volume, ground).await?;
    }
    let name = labels::container(&ground.order.owner, &component.name);
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let made = engine.api().create_container(Some(options), body(component, ground)).await;
    let id = made.map_err(|error| DockerError::Create { name: name.clone(), source: error.into() })?.id;
    if !component.files.is_empty() {
        upload(engine, &id, component).await.map_err(|source| DockerError::Upload { name, source })?;
    }
    Ok(id)
}

/// A volume that is there already is left as it is: its data is what it is for.
async fn make_volume(engine: &Engine, component: &Component, volume: &str, ground: Ground<'_>) -> Result<(), DockerError> {
    let name = labels::volume(&ground.order.owner, &component.name, volume);
    match engine.api().inspect_volume(&name).await.map_err(Said::from) {
        Ok(_) => return Ok(()),
        Err(said) if said.is_missing() => {}
        Err(source) => return Err(DockerError::Inspect { name, source }),
    }
    let labels = labels::of_order(ground.order, ground.run);
    let request = VolumeCreateRequest { name: Some(name.clone()), labels: Some(labels), ..VolumeCreateRequest::default() };
    let made = engine.api().create_volume(request).await;
    made.map(drop).map_err(|error| DockerError::Volume { name, source: error.into() })
}

fn body(component: &Component, ground: Ground<'_>) -> ContainerCreateBody {
    let inside: BTreeSet<String> = component.ports.values().map(|port| key(*port)).collect();
    let endpoint = EndpointSettings { aliases: Some(vec![component.name.clone()]), ..EndpointSettings::default() };
    ContainerCreateBody {
        image: Some(component.image.clone()),
        cmd: (!component.command.is_empty()).then(|| component.command.clone()),
        env: Some(component.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        user: component.user.clone(),
        exposed_ports: Some(inside.into_iter().collect()),
        labels: Some(labels::of_component(ground.order, ground.run, component, ground.config)),
        stop_timeout: Some(grace_seconds(component.stop_grace)),
        host_config: Some(host(component, ground)),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(ground.network.to_owned(), endpoint)])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn host(component: &Component, ground: Ground<'_>) -> HostConfig {
    let mount = |(name, path): (&String, &String)| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(labels::volume(&ground.order.owner, &component.name, name)),
        target: Some(path.clone()),
        ..Mount::default()
    };
    HostConfig {
        network_mode: Some(ground.network.to_owned()),
        port_bindings: Some(component.ports.values().map(|port| (key(*port), Some(vec![binding(*port)]))).collect()),
        memory: component.memory.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        mounts: Some(component.volumes.iter().map(mount).collect()),
        ..HostConfig::default()
    }
}

/// Never on another interface: telemetry is nobody else's.
fn binding(port: Port) -> PortBinding {
    PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.host.unwrap_or(0).to_string()) }
}

fn key(port: Port) -> String {
    format!("{}/tcp", port.container)
}

/// The engine counts in whole seconds; none at all means to kill at once, which is what a stack file asks for with `0s`.
pub(super) fn grace_seconds(grace: std::time::Duration) -> i64 {
    grace.as_millis().div_ceil(1000).min(3600) as i64
}

async fn upload(engine: &Engine, id: &str, component: &Component) -> Result<(), Said> {
    let folders = missing_folders(engine, id, component).await?;
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let archive = archive(&component.files, &folders).map_err(|error| Said { status: None, words: error.to_string() })?;
    engine.api().upload_to_container(id, Some(options), body_full(archive.into())).await.map_err(Said::from)
}

/// Folders that the files need and the image has not. Those that are there must not be in the archive: their owner and mode would change.
async fn missing_folders(engine: &Engine, id: &str, component: &Component) -> Result<BTreeSet<String>, Said> {
    let needed: BTreeSet<String> = component.files.keys().flat_map(|path| folders_of(path)).collect();
    let asked = needed.into_iter().map(|folder| async move {
        let options = ContainerArchiveInfoOptionsBuilder::default().path(&folder).build();
        match engine.api().get_container_archive_info(id, Some(options)).await.map_err(Said::from) {
            Ok(_) => Ok(None),
            Err(said) if said.is_missing() => Ok(Some(folder)),
            Err(said) => Err(said),
        }
    });
    let answers: Vec<_> = join_all(asked).await.into_iter().collect::<Result<_, Said>>()?;
    Ok(answers.into_iter().flatten().collect())
}

/// The folders above a file, those apart that every container has.
fn folders_of(path: &str) -> Vec<String> {
    let above = Path::new(path).ancestors().skip(1).map(|folder| folder.to_string_lossy().into_owned());
    above.filter(|folder| !folder.is_empty() && !ALWAYS.contains(&folder.as_str())).collect()
}

/// Files and new folders, owned by root and readable by whatever user the image has.
fn archive(files: &BTreeMap<String, String>, folders: &BTreeSet<String>) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let header = |kind: tar::EntryType, mode: u32, size: usize| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size as u64);
        // A fixed time: the same files give the same archive.
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    for folder in folders {
        let path = format!("{}/", folder.trim_matches('/'));
        archive.append_data(&mut header(tar::EntryType::Directory, 0o755, 0), path, std::io::empty())?;
    }
    for (path, text) in files {
        let path = path.trim_start_matches('/');
        archive.append_data(&mut header(tar::EntryType::Regular, 0o644, text.len()), path, text.as_bytes())?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use std::{io::Read, time::Duration};

    use super::*;

    #[test]
    fn folders_above_a_file_without_those_that_are_always_there() {
        assert_eq!(folders_of("/etc/tempo.yaml"), Vec::<String>::new());
        assert_eq!(folders_of("/etc/grafana/provisioning/a.yaml"), ["/etc/grafana/provisioning", "/etc/grafana"]);
        assert_eq!(folders_of("/var/lib/x.json"), ["/var/lib", "/var"]);
    }

    #[test]
    fn everybody_may_read_what_is_put_in() {
        let files = BTreeMap::from([("/etc/new/x.yaml".to_owned(), "a: 1".to_owned())]);
        let bytes = archive(&files, &BTreeSet::from(["/etc/new".to_owned()])).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            seen.push((entry.path().unwrap().display().to_string(), header.mode().unwrap(), header.uid().unwrap(), text));
        }
        assert_eq!(
            seen,
            [("etc/new/".to_owned(), 0o755, 0, String::new()), ("etc/new/x.yaml".to_owned(), 0o644, 0, "a: 1".to_owned())]
        );
    }

    #[test]
    fn a_time_to_stop_is_whole_seconds_and_never_none() {
        assert_eq!(grace_seconds(Duration::from_millis(1)), 1);
        assert_eq!(grace_seconds(Duration::from_millis(2001)), 3);
        assert_eq!(grace_seconds(Duration::ZERO), 0);
    }
}
