//! The state folder, and the stack that this project has up or has left behind.

use std::path::Path;

use super::{check::Check, disk::nearest, engine_facts::EngineFacts};
use crate::runtime::{
    Owner, build,
    docker::LeftOver,
    supervisor::{self, FindError, Found, Phase},
};

/// What is known of the project's stack.
pub(super) struct StackFound {
    /// Whose id its containers carry.
    owner: String,
    found: Result<Found, FindError>,
}

impl StackFound {
    /// Looks into the state folder. Blocks.
    pub(super) fn look(owner: &Owner) -> Self {
        Self { owner: owner.id.clone(), found: supervisor::find(owner) }
    }

    /// The process of the supervisor that lives.
    pub(super) fn supervisor(&self) -> Option<u32> {
        match &self.found {
            Ok(Found::Up(note)) => Some(note.pid),
            Ok(Found::Changing { pid, .. }) => Some(*pid),
            Ok(Found::Nothing | Found::Dead(_)) | Err(_) => None,
        }
    }
}

/// Judges the state folder (`None`: the environment names no home for it). Blocks.
pub(super) fn folder(folder: Option<&Path>) -> Check {
    const CODE: &str = "state";
    let Some(folder) = folder else {
        return Check::broken(CODE, "there is no place for state: neither HOME nor XDG_STATE_HOME is set")
            .fix("export XDG_STATE_HOME=/tmp/devstack-state");
    };
    let shown = folder.display().to_string();
    let detailed = |check: Check| check.detail("folder", shown.clone());
    let Some(there) = nearest(folder).filter(|there| there.is_dir()) else {
        return detailed(
            Check::broken(CODE, format!("{shown} cannot be made: a file is in its way"))
                .fix(format!("ls -ld {}", quoted(&shown))),
        );
    };
    // Asked, not tried: a check leaves nothing behind.
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    detailed(match writable {
        Ok(()) => Check::ok(CODE, format!("state folder {shown} is writable")),
        Err(rustix::io::Errno::ROFS) => {
            Check::broken(CODE, format!("{shown} is on a read-only file system")).fix("export XDG_STATE_HOME=/tmp/devstack-state")
        }
        Err(_) => Check::broken(CODE, format!("{shown} cannot be written: {} belongs to another user", there.display()))
            .fix(format!("sudo chown -R \"$(id -u)\" {}", quoted(&there.display().to_string()))),
    })
}

/// Judges the stack of the project; `None` where there is none, and nothing of one.
pub(super) fn stack(found: &StackFound, engine: Option<&EngineFacts>) -> Option<Check> {
    const CODE: &str = "stack";
    let own = engine.and_then(|facts| facts.owners.iter().find(|left| left.owner == found.owner));
    let left = own.map_or(0, |own| own.containers);
    let remains = if left == 0 { String::new() } else { format!(", and {} of it {} left", containers(left), are(left)) };
    let down = |words: String| Some(Check::attention(CODE, words).fix("devstack down").detail("containers", left));
    match &found.found {
        Err(problem) => {
            let cause = std::error::Error::source(problem).map(|cause| format!(": {cause}")).unwrap_or_default();
            Some(Check::attention(CODE, format!("{problem}{cause}")).fix("devstack status"))
        }
        Ok(Found::Dead(note)) => {
            down(format!("stack {} is orphaned: its supervisor (pid {}) is gone{remains}", note.stack, note.pid))
        }
        Ok(Found::Changing { pid, phase }) => {
            let doing = if *phase == Phase::Ending { "stopping" } else { "starting" };
            Some(Check::ok(CODE, format!("the stack is just {doing} (pid {pid})")).detail("pid", *pid))
        }
        Ok(Found::Up(note)) if note.build != build() => Some(
            Check::attention(CODE, format!("stack {} is up, started by another build of devstack ({})", note.stack, note.build))
                .fix("devstack up"),
        ),
        Ok(Found::Up(note)) => Some(
            Check::ok(CODE, format!("stack {} is up ({} runtime)", note.stack, note.runtime))
                .detail("otlp_http", note.otlp_http.clone()),
        ),
        Ok(Found::Nothing) if left > 0 => down(format!("{} of this project {} left over", containers(left), are(left))),
        Ok(Found::Nothing) => None,
    }
}

/// Containers of projects whose folder is gone: nobody will call `down` there any more. Asked only of an engine on this machine.
pub(super) fn forsaken(engine: &EngineFacts) -> Vec<Check> {
    let gone = |left: &&LeftOver| {
        // One that this user may not look at is somebody's.
        left.project.as_deref().is_some_and(|project| matches!(project.try_exists(), Ok(false)))
    };
    let here = engine.about.at.starts_with("unix://");
    engine.owners.iter().filter(|_| here).filter(gone).map(forsaken_by).collect()
}

fn forsaken_by(left: &LeftOver) -> Check {
    let project = left.project.as_deref().unwrap_or_else(|| Path::new("?")).display();
    let (number, are) = (containers(left.containers), are(left.containers));
    Check::attention("stack.forsaken", format!("{number} of the project {project} {are} left, and the project is gone"))
        .fix(format!(
            "docker rm -fv $(docker ps -aq --filter label=dev.devstack.owner={0}); docker network rm devstack-{0}",
            left.owner
        ))
        .detail("owner", left.owner.clone())
        .detail("containers", left.containers)
}

fn containers(number: usize) -> String {
    if number == 1 { "1 container".to_owned() } else { format!("{number} containers") }
}

fn are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{StackFound, folder, forsaken, stack};
    use crate::{
        doctor::{Level, engine_facts::EngineFacts},
        runtime::{
            NOTE_FILE, NOTE_VERSION, Note, Owner, build,
            docker::LeftOver,
            supervisor::{Found, Phase},
        },
        support::random,
    };

    const US: &str = "shop-1a2b3c4d";

    /// A state folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("devstack-{}", random::uuid()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        /// What is found here, where no supervisor can live.
        fn look(&self) -> StackFound {
            StackFound::look(&Owner { id: US.to_owned(), root: self.0.clone(), state: self.0.clone() })
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn note(build: &str) -> Note {
        serde_json::from_value(serde_json::json!({
            "version": NOTE_VERSION, "build": build, "pid": 7, "pid_started": "", "since": 0, "runtime": "docker",
            "stack": "default", "digest": "0", "control": "/x", "otlp_grpc": "http://127.0.0.1:4317",
            "otlp_http": "http://127.0.0.1:4318", "ledger": "http://127.0.0.1:1", "judge": "ledger", "store": null,
            "prometheus": null, "grafana": null, "hops": [], "components": {}, "network": null, "demo": null,
        }))
        .unwrap()
    }

    fn found(found: Found) -> StackFound {
        StackFound { owner: US.to_owned(), found: Ok(found) }
    }

    fn left(owner: &str, project: &str, containers: usize) -> LeftOver {
        LeftOver { owner: owner.to_owned(), project: Some(project.into()), stack: None, containers, running: 0 }
    }

    /// The judgement with so many containers of this project in the engine, and one of another.
    fn judged(found: &StackFound, containers: usize) -> Option<(Level, String)> {
        let mut facts = EngineFacts::sample();
        facts.owners = vec![left("other-5e6f7a8b", "/", 1)];
        facts.owners.extend((containers > 0).then(|| left(US, "/", containers)));
        stack(found, Some(&facts)).map(|check| (check.level, check.message))
    }

    #[test]
    fn a_stack_that_is_up_or_on_its_way() {
        let up = found(Found::Up(Box::new(note(&build()))));
        assert_eq!(judged(&up, 3), Some((Level::Ok, "stack default is up (docker runtime)".to_owned())));
        assert_eq!(up.supervisor(), Some(7));
        let other = found(Found::Up(Box::new(note("0.0.9+00000000"))));
        let words = "stack default is up, started by another build of devstack (0.0.9+00000000)";
        assert_eq!(judged(&other, 3), Some((Level::Attention, words.to_owned())));
        let changing = found(Found::Changing { pid: 9, phase: Phase::Starting });
        assert_eq!(judged(&changing, 1), Some((Level::Ok, "the stack is just starting (pid 9)".to_owned())));
        assert_eq!(changing.supervisor(), Some(9));
    }

    #[test]
    fn a_note_without_a_supervisor_containers_without_a_note_and_nothing() {
        let folder = Folder::new();
        assert_eq!(judged(&folder.look(), 0), None);
        assert_eq!(judged(&folder.look(), 1), Some((Level::Attention, "1 container of this project is left over".to_owned())));
        fs::write(folder.0.join(NOTE_FILE), serde_json::to_string(&note(&build())).unwrap()).unwrap();
        let words = "stack default is orphaned: its supervisor (pid 7) is gone, and 2 containers of it are left";
        assert_eq!(judged(&folder.look(), 2), Some((Level::Attention, words.to_owned())));
        assert_eq!(folder.look().supervisor(), None);
    }

    #[test]
    fn a_state_that_cannot_be_read_says_so() {
        let folder = Folder::new();
        fs::create_dir(folder.0.join(NOTE_FILE)).unwrap();
        let (level, words) = judged(&folder.look(), 0).unwrap();
        assert!(level == Level::Attention && words.starts_with("could not read `"), "{words}");
    }

    #[test]
    fn containers_of_a_project_that_is_gone_are_told_and_those_of_others_not() {
        let mut facts = EngineFacts::sample();
        facts.owners = vec![left("there-1", "/", 2), left("gone-1", "/nowhere/gone", 2)];
        let checks = forsaken(&facts);
        let words: Vec<_> = checks.iter().map(|check| check.message.as_str()).collect();
        assert_eq!(words, ["2 containers of the project /nowhere/gone are left, and the project is gone"]);
        assert!(checks[0].fix.as_deref().is_some_and(|fix| fix.contains("label=dev.devstack.owner=gone-1)")));
        facts.about.at = "tcp://builder:2375".to_owned();
        assert_eq!(forsaken(&facts), []);
    }

    #[test]
    fn a_state_folder_can_be_made_or_says_why_not() {
        let there = Folder::new();
        let deeper = there.0.join("devstack/shop");
        assert_eq!(folder(Some(&deeper)).level, Level::Ok);
        assert!(!deeper.exists(), "a check leaves nothing behind");
        fs::write(there.0.join("devstack"), "a file").unwrap();
        let check = folder(Some(&deeper));
        assert_eq!(check.level, Level::Broken);
        assert!(check.message.ends_with("a file is in its way"), "{}", check.message);
        assert_eq!(folder(None).level, Level::Broken);
    }
}
