//! The project's stack as commands see it: whose it is, and whether it is up.

use super::Failure;
use crate::{
    runtime::{
        Note, Owner,
        supervisor::{self, Found},
    },
    support::project::Project,
};

/// The owner of the project's stack.
pub(super) fn owner(project: &Project) -> Result<Owner, Failure> {
    Owner::of(project).ok_or_else(|| {
        Failure::environment("there is no place for the state of a stack").hint("set HOME or XDG_STATE_HOME to a folder of yours")
    })
}

/// The note of the stack that is up, or what to do.
pub(super) fn stack_up(project: &Project) -> Result<Note, Failure> {
    found(&owner(project)?)?.ok_or_else(|| Failure::environment("nothing is up").hint("`devstack up` starts the stack"))
}

/// The note of the stack that is up, where one is; one that is neither up nor down is an error.
pub(super) fn stack_if_up(project: &Project) -> Result<Option<Note>, Failure> {
    Owner::of(project).map_or(Ok(None), |owner| found(&owner))
}

fn found(owner: &Owner) -> Result<Option<Note>, Failure> {
    match supervisor::find(owner).map_err(|error| Failure::environment(&error as &dyn std::error::Error))? {
        Found::Nothing => Ok(None),
        Found::Up(note) => Ok(Some(*note)),
        Found::Changing { .. } => {
            Err(Failure::environment("the stack is just changing").hint("`devstack status` says how far it is"))
        }
        Found::Dead(note) => Err(Failure::environment(format!("the supervisor of the stack `{}` is gone", note.stack))
            .hint("`devstack up` starts it again, `devstack down` clears it away")),
    }
}
