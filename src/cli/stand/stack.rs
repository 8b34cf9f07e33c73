//! The project's stack, where one is up: used or refused, never passed over.
//!
//! Asked by `stand` first of all.

use super::{Wishes, environment};
use crate::{
    cli::{Failure, commands::up::RuntimeOption},
    runtime::{
        Note, Owner, RuntimeKind, StackState,
        supervisor::{self, Control, Found},
    },
    support::project::Project,
};

/// The project's stack, where one is up; one that is not whole, or not what is insisted on, is an error.
pub(super) async fn up(wishes: &Wishes, project: &Project) -> Result<Option<Note>, Failure> {
    let Some(owner) = Owner::of(project) else { return Ok(None) };
    let note = match supervisor::find(&owner).map_err(|error| environment(&error))? {
        Found::Nothing => return Ok(None),
        Found::Up(note) => note,
        Found::Changing { .. } => {
            return Err(Failure::environment("the stack is just changing").hint("`devstack status` says how far it is"));
        }
        Found::Dead(note) => {
            return Err(Failure::environment(format!("the supervisor of the stack `{}` is gone", note.stack))
                .hint("`devstack up` starts it again, `devstack down` clears it away"));
        }
    };
    fits(wishes, &note)?;
    let control = Control::of(&note).map_err(|error| environment(&error))?;
    let status = control.status().await.map_err(|error| environment(&error).hint("`devstack down` ends it"))?;
    match status.state {
        StackState::Up => Ok(Some(*note)),
        _ => {
            let reason = status.reason.unwrap_or_else(|| "it is not up".to_owned());
            Err(Failure::environment(format!("the stack `{}` is not whole: {reason}", note.stack))
                .hint("`devstack up` puts it right, `devstack logs` shows why"))
        }
    }
}

/// Refuses to go on without a stack where one is insisted on.
pub(super) fn may_be_missing(wishes: &Wishes) -> Result<(), Failure> {
    if let Some(kind) = wishes.runtime.filter(|kind| matches!(kind, RuntimeOption::Docker | RuntimeOption::Remote)) {
        let kind = if kind == RuntimeOption::Docker { RuntimeKind::Docker } else { RuntimeKind::Remote };
        return Err(Failure::environment(format!("no {kind} stack is up")).hint(format!("devstack up --runtime {kind}")));
    }
    if let Some(name) = &wishes.stack {
        return Err(Failure::environment(format!("the stack `{name}` is not up")).hint(format!("devstack up --stack {name}")));
    }
    Ok(())
}

/// What is up, in words: `docker stack default`.
pub(super) fn in_words(note: &Note) -> String {
    let named = if note.runtime == RuntimeKind::Embedded { String::new() } else { format!(" {}", note.stack) };
    format!("{} stack{named}", note.runtime)
}

/// Whether what is up is what the options insist on.
fn fits(wishes: &Wishes, note: &Note) -> Result<(), Failure> {
    let wanted = wishes.runtime.and_then(|option| match option {
        RuntimeOption::Auto => None,
        RuntimeOption::Docker => Some(RuntimeKind::Docker),
        RuntimeOption::Embedded => Some(RuntimeKind::Embedded),
        RuntimeOption::Remote => Some(RuntimeKind::Remote),
    });
    if let Some(wanted) = wanted.filter(|wanted| *wanted != note.runtime) {
        let message = format!("the stack that is up is {}, not {wanted}", note.runtime);
        return Err(Failure::environment(message).hint(format!("devstack up --runtime {wanted}")));
    }
    if let Some(name) = wishes.stack.as_ref().filter(|name| **name != note.stack) {
        let message = format!("the stack that is up is `{}`, not `{name}`", note.stack);
        return Err(Failure::environment(message).hint(format!("devstack up --stack {name}")));
    }
    Ok(())
}
