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
    match supervisor::find(&owner(project)?).map_err(|error| Failure::environment(&error as &dyn std::error::Error))? {
        Found::Up(note) => Ok(*note),
        Found::Changing { .. } => {
            Err(Failure::environment("the stack is just changing").hint("`devstack status` says how far it is"))
        }
        Found::Dead(_) => {
            Err(Failure::environment("the supervisor of the stack is gone").hint("`devstack up` takes its containers over"))
        }
        Found::Nothing => Err(Failure::environment("nothing is up").hint("`devstack up` starts the stack")),
    }
}
