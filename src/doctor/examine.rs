//! The examination: everything is looked at at once, each subject within its own bound, and judged when the facts are there.

use std::{path::Path, time::Duration};

use super::{
    check::{Check, Report},
    clock, disk, engine,
    engine_facts::{EngineFacts, gather},
    otel,
    ports::{self, Ours, PortWanted, Taken},
    state::{self, StackFound},
};
use crate::{
    runtime::{Owner, docker::EngineError},
    stack::Stack,
    support::{env::Env, project::Project},
};

/// What is examined.
#[derive(Clone)]
pub struct Scene<'a> {
    /// Whose images are wanted.
    pub stack: &'a Stack,
    /// The ports to look at: [`ports::wanted`] of the stack.
    pub ports: Vec<PortWanted>,
    /// Whose state folder and stack.
    pub project: &'a Project,
    /// Where `OTEL_*`, proxies and the way to the engine are read.
    pub env: &'a dyn Env,
    /// How long answers may take.
    pub limits: Limits,
}

/// How long answers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All that is asked of the engine.
    pub engine: Duration,
    /// Each of the other subjects.
    pub each: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { engine: Duration::from_secs(2), each: Duration::from_secs(1) }
    }
}

/// What the engine said, and what of it was looked at on this machine.
struct Visit {
    facts: Result<EngineFacts, EngineError>,
    room: Option<Check>,
}

/// Looks at everything.
pub async fn examine(scene: Scene<'_>) -> Report {
    let each = scene.limits.each;
    let folder = scene.project.state();
    let wanted = scene.ports.clone();
    let on_disk = folder.map(Path::to_owned);
    let room_of = on_disk.clone();
    let owner = Owner::of(scene.project);
    let whose = owner.clone();
    let (visit, taken, reached, writable, room, stack) = tokio::join!(
        visit(&scene),
        blocking("ports", "looking for who holds the ports", each, move || ports::scan(&wanted)),
        within("otel.reach", "connecting to the OTLP endpoints", each, otel::reach(scene.env)),
        blocking("state", "looking at the state folder", each, move || state::folder(on_disk.as_deref())),
        blocking("disk.state", "asking for free disk space", each, move || room_of.as_deref().and_then(disk::state)),
        blocking("stack", "looking for the project's stack", each, move || whose.as_ref().map(StackFound::look)),
    );
    let facts = visit.facts.as_ref().ok();
    let supervisor = stack.as_ref().ok().and_then(Option::as_ref).and_then(StackFound::supervisor);
    let us = Ours { supervisor, owner: owner.as_ref().map(|owner| owner.id.as_str()) };
    let mut checks = vec![engine::engine(&visit.facts)];
    checks.extend(facts.and_then(|facts| engine::images(facts, &scene.stack.name)));
    checks.extend(either(taken, |taken: Vec<Taken>| ports::judge(&scene.ports, &taken, facts, us)));
    let variables = otel::variables(scene.env);
    let reached = either(reached, |reached| reached);
    checks.extend(otel::summed_up(scene.env, variables, reached));
    checks.push(writable.unwrap_or_else(|late| late));
    checks.extend(either(room, |room: Option<Check>| room.into_iter().collect()));
    checks.extend(visit.room);
    checks.extend(facts.and_then(clock::clock));
    let stack = stack.as_ref().map(|found| found.as_ref().and_then(|found| state::stack(found, facts)));
    checks.extend(either(stack.map_err(Clone::clone), |stack| stack.into_iter().collect()));
    checks.extend(facts.map(state::forsaken).unwrap_or_default());
    Report::new(checks)
}

/// Visits the engine, and asks how much room there is where it says it keeps its data.
async fn visit(scene: &Scene<'_>) -> Visit {
    let images: Vec<_> = scene.stack.components.iter().map(|component| component.image.clone()).collect();
    let facts = gather(scene.env, &images, scene.limits.engine).await;
    let local = facts.as_ref().ok().cloned();
    let look = move || local.as_ref().and_then(disk::local_root).and_then(|root| disk::engine(&root));
    let room = blocking("disk.engine", "asking for the engine's disk space", scene.limits.each, look).await;
    Visit { facts, room: room.unwrap_or_else(Some) }
}

/// The judgement of what came in time, or the finding that it did not.
fn either<T>(found: Result<T, Check>, judge: impl FnOnce(T) -> Vec<Check>) -> Vec<Check> {
    found.map_or_else(|late| vec![late], judge)
}

/// What blocks, off the threads of the runtime.
async fn blocking<T: Send + 'static>(
    code: &'static str,
    what: &str,
    limit: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Check> {
    let looking = async { tokio::task::spawn_blocking(look).await.expect("nothing here panics, and nobody aborts it") };
    within(code, what, limit, looking).await
}

/// What `look` gives, or the finding that it took too long.
async fn within<T>(code: &'static str, what: &str, limit: Duration, look: impl Future<Output = T>) -> Result<T, Check> {
    let late = |_| {
        Check::attention(code, format!("{what} took longer than {} s; this was not checked", limit.as_secs_f64()))
            .fix("devstack doctor")
            .detail("timed_out", true)
    };
    tokio::time::timeout(limit, look).await.map_err(late)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::within;
    use crate::doctor::Level;

    #[tokio::test]
    async fn what_takes_too_long_is_named() {
        let late = within("x", "looking", Duration::from_millis(1), std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((late.code, late.level), ("x", Level::Attention));
        assert_eq!(late.message, "looking took longer than 0.001 s; this was not checked");
    }
}
