//! What the tests of faults share: a project with a stack of real containers, the engine's own word for what is there, and things of
//! somebody else's that must be there afterwards.
//!
//! At most three such stacks run at once, because the machines of CI have two cores.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Condvar, Mutex},
};

use devstack::{
    runtime::Owner,
    support::{env::Map, project::Project},
};
use serde_json::Value as Json;

use super::stand::{Killed, Stand, until};
use crate::{
    containers::{COLLECTOR, JAEGER, PROMETHEUS, available},
    sandbox::Run,
};

/// The stack of these tests.
pub(super) const JAEGER_STACK: &[&str] = &["--runtime", "docker", "--stack", "jaeger"];

/// Its components.
pub(super) const COMPONENTS: [&str; 3] = ["collector", "jaeger", "prometheus"];

/// A stack that never gets ready, of one container: there is all the time in the world to break something.
const NEVER_READY: &str = "
name: never
components:
  jaeger:
    image: jaegertracing/jaeger:2.13.0
    ports: { api: 16686 }
    ready: { log: this line never comes }
    stop_grace: 0s
";

/// A project whose stack is of containers.
pub(super) struct DockerStand {
    pub(super) stand: Stand,
    pub(super) owner: Owner,
    strangers: Vec<[String; 3]>,
    // After the stand: its containers are gone when the next one begins.
    _turn: Turn,
}

impl DockerStand {
    /// `None` with a line where no engine has the images.
    pub(super) fn new() -> Option<Self> {
        if !available(&[COLLECTOR, JAEGER, PROMETHEUS]) {
            return None;
        }
        let turn = Turn::wait();
        let stand = Stand::new();
        // The sandbox has an empty one, which would be the selection; the embedded fixtures are as good.
        std::fs::remove_dir(stand.sandbox.path("fixtures")).unwrap();
        let owner = owner(&stand);
        Some(Self { stand, owner, strangers: Vec::new(), _turn: turn })
    }

    /// One with a container, a network and a volume of somebody else's, whose names and owner are almost its own.
    pub(super) fn among_strangers() -> Option<Self> {
        let mut stand = Self::new()?;
        let (id, label) = (&stand.owner.id, format!("dev.devstack.owner={}0", stand.owner.id));
        let name = format!("devstack-{id}-collector-0");
        said(&["create", "--name", &name, "--label", &label, COLLECTOR]);
        stand.strangers.push(["container".to_owned(), name, "rm".to_owned()]);
        for kind in ["network", "volume"] {
            let name = format!("devstack-{id}-prometheus0");
            said(&[kind, "create", "--label", &label, &name]);
            stand.strangers.push([kind.to_owned(), name, "rm".to_owned()]);
        }
        Some(stand)
    }

    /// Brings up the stack of these tests with these further options, which must go well.
    pub(super) fn up(&self, more: &[&str]) -> Json {
        self.stand.up(&[JAEGER_STACK, more].concat())
    }

    /// Tries to, which must end with exit code 3 and leave nothing.
    pub(super) fn fails(&self, more: &[&str]) -> Run {
        let run = self.stand.run(&[&["up", "--ports", "auto"], JAEGER_STACK, more].concat());
        assert_eq!(run.code, 3, "{}", run.err);
        assert_eq!(self.stand.status()["state"], "down");
        assert_eq!(self.left(), Vec::<String>::new(), "{}", run.err);
        assert_eq!(self.volumes(), Vec::<String>::new(), "{}", run.err);
        run
    }

    /// Starts an `up` that does not get ready, and waits until its container runs; gives the supervisor's process, too.
    pub(super) fn on_its_way(&self) -> (Killed, u32) {
        self.on_its_way_at(None)
    }

    /// The same with the engine at this address.
    pub(super) fn on_its_way_at(&self, host: Option<&str>) -> (Killed, u32) {
        self.stand.sandbox.write("never.yaml", NEVER_READY);
        let args = ["up", "--ports", "auto", "--runtime", "docker", "--stack", "never.yaml"];
        let mut command = self.stand.sandbox.command(&args);
        command.envs(host.map(|host| ("DOCKER_HOST", host))).stdout(Stdio::null()).stderr(Stdio::piped());
        let up = command.spawn().unwrap();
        let filter = self.filter();
        until("the container to run", || (!lines(&["ps", "-q", "--filter", &filter]).is_empty()).then_some(()));
        let status = self.stand.status();
        assert_eq!(status["state"], "starting", "{status:#}");
        (Killed(up), self.stand.pid())
    }

    /// Takes it down, which must go well; afterwards nothing of it is left but its data, and strangers are where they were.
    pub(super) fn down(&self) -> Run {
        let run = self.stand.down();
        assert_eq!(run.code, 0, "{}", run.err);
        self.is_down();
        run
    }

    /// Nothing is left but data, and strangers are where they were.
    pub(super) fn is_down(&self) {
        assert_eq!(self.left(), Vec::<String>::new());
        let status = self.stand.status();
        assert_eq!(status["state"], "down", "{status:#}");
        for [kind, name, _] in &self.strangers {
            assert!(docker(&[kind, "inspect", name]).is_some(), "the {kind} `{name}` was somebody else's");
        }
    }

    /// `status` as JSON, which must be of this state and must have ended with exit code 3.
    pub(super) fn is(&self, state: &str) -> Json {
        let run = self.stand.run(&["status", "--format", "json"]);
        let status: Json = serde_json::from_str(&run.out).unwrap();
        assert_eq!(status["state"], state, "{status:#}");
        assert_eq!(run.code, 3);
        status
    }

    /// Ids of its containers, by component.
    pub(super) fn ids(&self) -> BTreeMap<String, String> {
        let format = "{{.Label \"dev.devstack.component\"}} {{.ID}}";
        let lines = lines(&["ps", "-a", "--no-trunc", "--filter", &self.filter(), "--format", format]);
        lines.iter().map(|line| line.split_once(' ').unwrap()).map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
    }

    /// The name of a component's container.
    pub(super) fn container(&self, component: &str) -> String {
        format!("devstack-{}-{component}", self.owner.id)
    }

    /// Names of its containers and networks.
    pub(super) fn left(&self) -> Vec<String> {
        let filter = self.filter();
        let mut left = lines(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]);
        left.extend(lines(&["network", "ls", "--filter", &filter, "--format", "{{.Name}}"]));
        left
    }

    /// Names of its volumes.
    pub(super) fn volumes(&self) -> Vec<String> {
        lines(&["volume", "ls", "--filter", &self.filter(), "--format", "{{.Name}}"])
    }

    /// What the supervisor wrote down of where everything is.
    pub(super) fn note(&self) -> Json {
        serde_json::from_str(&std::fs::read_to_string(self.owner.file("stack.json")).unwrap()).unwrap()
    }

    /// By label and without devstack, because a supervisor whose engine is a stand-in that is gone cannot do it.
    fn clear(&self) {
        self.stand.run(&["down", "--volumes"]);
        let filter = self.filter();
        let script = "docker ps -aq --filter $0 | xargs -r docker rm -fv; docker network ls -q --filter $0 | xargs -r docker network rm; \
                      docker volume ls -q --filter $0 | xargs -r docker volume rm";
        let _ = Command::new("sh").args(["-c", script, &filter]).output();
    }

    fn filter(&self) -> String {
        format!("label=dev.devstack.owner={}", self.owner.id)
    }
}

impl Drop for DockerStand {
    fn drop(&mut self) {
        for [kind, name, verb] in &self.strangers {
            docker(&[kind, verb, name]);
        }
        if std::thread::panicking() {
            self.clear();
        }
    }
}

/// Whose containers the sandbox's are.
fn owner(stand: &Stand) -> Owner {
    let root = stand.sandbox.path("");
    let state = stand.sandbox.path("state").display().to_string();
    let env: Map = [("XDG_STATE_HOME", state.as_str())].into_iter().collect();
    Owner::of(&Project::find(Path::new(root.to_str().unwrap().trim_end_matches('/')), &env)).unwrap()
}

/// What the Docker CLI says; `None` when it does not succeed.
pub(super) fn docker(args: &[&str]) -> Option<String> {
    let out = Command::new("docker").args(args).output().unwrap();
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// What the Docker CLI says to something that must succeed.
pub(super) fn said(args: &[&str]) -> String {
    docker(args).unwrap_or_else(|| panic!("docker {args:?} failed"))
}

fn lines(args: &[&str]) -> Vec<String> {
    said(args).lines().map(ToOwned::to_owned).collect()
}

/// The state of a component in what `status` says.
pub(super) fn component<'a>(status: &'a Json, name: &str) -> &'a Json {
    let parts = status["components"].as_array().unwrap();
    parts.iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("no {name} in {status:#}"))
}

/// Waits for a command to end by itself; one that does not is hung.
pub(super) fn ends(mut child: Killed) -> Run {
    let status = until("the command to end", || child.0.try_wait().unwrap());
    let mut run = Run { code: status.code().unwrap_or(-1), out: String::new(), err: String::new() };
    child.0.stdout.take().map(|mut pipe| pipe.read_to_string(&mut run.out));
    child.0.stderr.take().map(|mut pipe| pipe.read_to_string(&mut run.err));
    run
}

/// A turn among few.
struct Turn;

static FREE: (Mutex<usize>, Condvar) = (Mutex::new(3), Condvar::new());

impl Turn {
    fn wait() -> Self {
        let free = FREE.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut free = FREE.1.wait_while(free, |free| *free == 0).unwrap_or_else(std::sync::PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        FREE.1.notify_one();
    }
}
