//! What an engine has of one project: found by label and, in case something was made without one, by name.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value as Json;

use super::project::text;

/// A project's containers, networks and volumes.
pub(super) struct Footprint {
    /// `devstack-<owner>`, which begins every name.
    name: String,
    /// Volumes without a name that its containers had: images declare some.
    anonymous: Vec<String>,
}

impl Footprint {
    /// Of the stack that is up under this note.
    pub(super) fn of(note: &Json) -> Self {
        let name = text(&note["network"]).to_owned();
        let mounts = "{{range .Mounts}}{{println .Name}}{{end}}";
        let containers = docker(&["ps", "--all", "--quiet", "--filter", &format!("name={name}")]);
        assert!(!containers.is_empty(), "a stack of containers is up");
        let containers = containers.iter().map(String::as_str);
        let mounted = docker(&["inspect", "--format", mounts].into_iter().chain(containers).collect::<Vec<_>>());
        let anonymous = mounted.into_iter().filter(|volume| !volume.starts_with(&name)).collect();
        Self { name, anonymous }
    }

    /// Containers and networks that are there now.
    pub(super) fn running(&self) -> BTreeSet<String> {
        let containers = self.all(&["ps", "--all", "--format", "{{.Names}}"]);
        containers.into_iter().chain(self.all(&["network", "ls", "--format", "{{.Name}}"])).collect()
    }

    /// Volumes that are there now.
    pub(super) fn volumes(&self) -> BTreeSet<String> {
        let every = docker(&["volume", "ls", "--quiet"]);
        let anonymous = every.into_iter().filter(|volume| self.anonymous.contains(volume));
        self.all(&["volume", "ls", "--format", "{{.Name}}"]).into_iter().chain(anonymous).collect()
    }

    /// The id of a component's container.
    pub(super) fn container(&self, component: &str) -> String {
        docker(&["inspect", "--format", "{{.Id}}", &format!("{}-{component}", self.name)]).remove(0)
    }

    /// The name of a component's container.
    pub(super) fn container_name(&self, component: &str) -> String {
        format!("{}-{component}", self.name)
    }

    fn all(&self, list: &[&str]) -> BTreeSet<String> {
        let owner = self.name.strip_prefix("devstack-").expect("every name begins so");
        let filters = [format!("label=dev.devstack.owner={owner}"), format!("name={}", self.name)];
        filters.iter().flat_map(|filter| docker(&[list, &["--filter", filter]].concat())).collect()
    }
}

/// Lines that the Docker CLI says, which is the witness beside our own client.
pub(super) fn docker(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}
