//! `status` from the outside: what the supervisor says, or where none answers, what it left.
//!
//! Called by `cli`, and by commands that stand on a stack and must know whether it is whole.

use std::time::Duration;

use super::{Control, ControlError, Found, Phase, beside, find, wait_until_free};
use crate::{
    runtime::{
        ComponentStatus, Note, Owner, RuntimeKind, STATUS_VERSION, StackState, Status, UNKNOWN, UpFailure, build, docker,
        services,
    },
    support::env::Env,
};

/// How long a process that ends may hold its lock after its connections are closed.
const DYING: Duration = Duration::from_millis(200);

/// How a project's stack is.
pub async fn status(owner: &Owner, env: &dyn Env) -> Result<Status, UpFailure> {
    match find(owner).map_err(|error| UpFailure::new(error.to_string()))? {
        Found::Up(note) => match of_the_living(&note).await {
            Ok(status) => Ok(status),
            // It may just have died: its connections are closed before its lock is let go of.
            Err(_) if matches!(wait_until_free(owner, DYING).await, Ok(true)) => Ok(of_the_dead(owner, Some(&note), env).await),
            Err(error) => Ok(of_the_mute(&note, &error)),
        },
        Found::Changing { pid, phase } => Ok(changing(pid, phase)),
        Found::Dead(note) => Ok(of_the_dead(owner, Some(&note), env).await),
        Found::Nothing => Ok(of_the_dead(owner, None, env).await),
    }
}

async fn of_the_living(note: &Note) -> Result<Status, ControlError> {
    let status = Control::of(note)?.status().await?;
    Ok(Status { other_build: other_build(note), ..status })
}

/// A supervisor that holds its lock and does not answer.
fn of_the_mute(note: &Note, error: &ControlError) -> Status {
    Status {
        state: StackState::Degraded,
        reason: Some(error.to_string()),
        runtime: Some(note.runtime),
        stack: Some(note.stack.clone()),
        pid: Some(note.pid),
        other_build: other_build(note),
        ..Status::down()
    }
}

fn other_build(note: &Note) -> Option<String> {
    (note.build != build()).then(|| note.build.clone())
}

fn changing(pid: u32, phase: Phase) -> Status {
    let reason = if phase == Phase::Ending { "on its way down" } else { "on its way up" };
    Status { state: StackState::Starting, reason: Some(reason.to_owned()), pid: Some(pid), ..Status::down() }
}

/// Without a supervisor: what its containers are at. Where there are none, nothing is up.
async fn of_the_dead(owner: &Owner, note: Option<&Note>, env: &dyn Env) -> Status {
    let left = match left(owner, env).await {
        Ok(left) => left,
        // They may be there all the same: nobody says that nothing is left who cannot look.
        Err(why) if note.is_some_and(|note| note.runtime == RuntimeKind::Docker) => {
            let names = note.into_iter().flat_map(|note| note.components.keys());
            names.map(|name| ComponentStatus::unknown(name, &why)).collect()
        }
        Err(_) => Vec::new(),
    };
    let orphans: Vec<ComponentStatus> = services::orphans(&owner.state).into_iter().map(beside::status).collect();
    if left.is_empty() && !orphans.is_empty() {
        let reason = match note {
            Some(note) => format!("the supervisor (pid {}) is gone, the services that it started are not", note.pid),
            None => "services of this project are left, and whoever started them is gone".to_owned(),
        };
        let (runtime, stack) = (note.map(|note| note.runtime), note.map(|note| note.stack.clone()));
        return Status {
            state: StackState::Orphaned,
            reason: Some(reason),
            runtime,
            stack,
            components: orphans,
            ..Status::down()
        };
    }
    if left.is_empty() {
        let reason = note.map(|note| format!("the supervisor (pid {}) died; nothing else is left", note.pid));
        return Status { reason, ..Status::down() };
    }
    let unknown = left.iter().find(|part| part.state == UNKNOWN).and_then(|part| part.health.as_deref());
    let died = match (note, unknown) {
        (Some(note), Some(why)) => {
            format!("the supervisor (pid {}) is gone, and nobody can tell what is left of its containers: {why}", note.pid)
        }
        (Some(note), None) => format!("the supervisor (pid {}) is gone, its containers are not", note.pid),
        (None, _) => "containers of this project are left without a supervisor".to_owned(),
    };
    Status {
        version: STATUS_VERSION,
        state: StackState::Orphaned,
        reason: Some(died),
        runtime: note.map(|note| note.runtime),
        stack: note.map(|note| note.stack.clone()),
        components: left.into_iter().chain(orphans).collect(),
        ..Status::down()
    }
}

/// Containers of this project, or why nobody can tell.
async fn left(owner: &Owner, env: &dyn Env) -> Result<Vec<ComponentStatus>, String> {
    match docker::Engine::discover(env).await {
        Ok(engine) => docker::Containers::new(engine, owner.clone()).states().await.map_err(|error| error.sentence()),
        Err(error) => Err(error.to_string()),
    }
}
