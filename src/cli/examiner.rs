//! Why the telemetry of a service does not come, asked of `doctor` for a case that misses it.
//!
//! Made by `replay` for the run's [`Grounds`](crate::check::Grounds). Nothing is sent to the service: the case has sent something already,
//! and nothing came of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};

use crate::{
    check::{Before, Cause, ENDED, Examiner, ServiceAddress},
    doctor::{
        self,
        target::{Behind, Exit, ExitHow, Receiver, Subject},
    },
    runtime::services::{self, EndedBy, How},
    support::clock,
};

/// Looks at processes, their environment and how earlier ones ended.
#[derive(Debug)]
pub(super) struct Doctor {
    /// Where telemetry should come in.
    receiver: Receiver,
    /// Where the project's state lies, with the book of what devstack started.
    state: Option<PathBuf>,
    /// Who stood behind which URL when a case looked last: looking again is cheap while that process lives.
    known: Arc<Mutex<BTreeMap<String, Behind>>>,
}

/// Who stood behind the services before a case.
#[derive(Debug)]
struct Scene {
    /// When that was, in nanoseconds since the Unix epoch.
    at_ns: u64,
    behind: Vec<(ServiceAddress, Behind)>,
}

impl Doctor {
    pub(super) fn new(receiver: Receiver, state: Option<PathBuf>) -> Self {
        Self { receiver, state, known: Arc::default() }
    }
}

impl Examiner for Doctor {
    fn before(&self, services: Vec<ServiceAddress>) -> BoxFuture<'static, Before> {
        let known = Arc::clone(&self.known);
        let at_ns = clock::unix_nanos();
        let looked = tokio::task::spawn_blocking(move || {
            // What another thread knew when it panicked is as good as ever.
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, behind| behind.is_alive());
            let found = |service: ServiceAddress| {
                if !known.contains_key(&service.url) {
                    known.insert(service.url.clone(), doctor::target::behind(&service.url)?);
                }
                Some((known[&service.url].clone(), service))
            };
            services.into_iter().filter_map(found).map(|(behind, service)| (service, behind)).collect()
        });
        looked.map(move |behind| Arc::new(Scene { at_ns, behind: behind.unwrap_or_default() }) as Before).boxed()
    }

    fn examine(&self, silent: Vec<ServiceAddress>, before: Before) -> BoxFuture<'static, Vec<Cause>> {
        let (receiver, state) = (self.receiver.clone(), self.state.clone());
        Box::pin(async move {
            let mut causes = before.downcast_ref::<Scene>().map(|scene| scene.ended(state.as_deref())).unwrap_or_default();
            // Of one that has ended, its end is the cause.
            let has_ended = |service: &ServiceAddress| causes.iter().any(|cause| cause.services[0] == service.name);
            let left: Vec<_> = silent.into_iter().filter(|service| !has_ended(service)).collect();
            causes.extend(together(join_all(left.into_iter().map(|service| look(service, receiver.clone()))).await));
            causes
        })
    }
}

impl Scene {
    /// The services whose processes are not there any more, and what the book of this state says of their ends.
    fn ended(&self, state: Option<&Path>) -> Vec<Cause> {
        let gone: Vec<_> = self.behind.iter().filter(|(_, behind)| !behind.is_alive()).collect();
        if gone.is_empty() {
            return Vec::new();
        }
        let book = state.map(|state| exits(state, self.at_ns)).unwrap_or_default();
        let cause = |(service, behind): &(ServiceAddress, Behind)| {
            let how = book.get(&service.name).map_or(ExitHow::Unseen, |exit| exit.how);
            let exit = Exit { name: service.name.clone(), pid: behind.pid, how };
            let (words, hint) = exit.words(&format!("the process of {}", service.name));
            Cause { code: ENDED.to_owned(), services: vec![service.name.clone()], words, certain: true, hint: Some(hint) }
        };
        gone.into_iter().map(cause).collect()
    }
}

/// The same cause of several services once, each cause in its first place.
fn together(each: Vec<Vec<Cause>>) -> Vec<Cause> {
    let mut all: Vec<Cause> = Vec::new();
    for cause in each.into_iter().flatten() {
        match all.iter_mut().find(|other| (&other.code, &other.words) == (&cause.code, &cause.words)) {
            Some(other) => other.services.extend(cause.services),
            None => all.push(cause),
        }
    }
    all
}

/// What is wrong with one service. Where something certainly is, what only may be is not told.
async fn look(service: ServiceAddress, receiver: Receiver) -> Vec<Cause> {
    let subject = Subject { url: service.url.clone(), receiver: Some(receiver), ..Subject::default() };
    let Ok(examined) = doctor::target::examine(&subject).await else { return Vec::new() };
    let causes = examined.causes();
    let is_certain = causes.first().is_some_and(|cause| cause.certain);
    let told = causes.into_iter().filter(|cause| cause.certain || !is_certain);
    told.map(|cause| {
        let more = format!("devstack doctor --target {}", service.url);
        Cause {
            code: cause.check.code.to_owned(),
            services: vec![service.name.clone()],
            words: cause.check.message.clone(),
            certain: cause.certain,
            hint: Some(cause.check.fix.as_ref().map_or_else(|| more.clone(), |fix| format!("{fix} ({more} says more)"))),
        }
    })
    .collect()
}

/// SIGTERM.
const TERMINATED: i32 = 15;

/// How long ago a service may have ended for that to explain what does not come now.
pub(super) const RECENT_NS: u64 = 600_000_000_000;

/// How services that devstack started ended since a moment (nanoseconds since the Unix epoch), by their names in traces; of each the last
/// time.
pub(super) fn exits(state: &Path, since: u64) -> BTreeMap<String, Exit> {
    let told = |exit: services::Exit| {
        let how = match exit.how {
            // The process that was asked may be `npm` or a shell, which hands the signal on and leaves at once.
            How::Signal(TERMINATED) if exit.by == EndedBy::Asked => return None,
            How::Code(0) | How::Unseen => return None,
            How::Code(code) => ExitHow::Code(code),
            How::Signal(signal) => ExitHow::Signal(signal),
        };
        Some((exit.service, Exit { name: exit.name, pid: exit.pid, how }))
    };
    services::exits(state).into_iter().filter(|exit| exit.ended_ns >= since).filter_map(told).collect()
}
