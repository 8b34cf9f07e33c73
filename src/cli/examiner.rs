//! Why the telemetry of a service does not come, asked of `doctor` for a case that misses it.
//!
//! Made by `replay` for the run's [`Grounds`](crate::check::Grounds). Nothing is sent to the service: the case has sent something already,
//! and nothing came of it.

use std::{collections::BTreeMap, path::PathBuf};

use futures_util::future::{BoxFuture, join_all};

use crate::{
    check::{Diagnosis, Examiner, ServiceAddress},
    doctor::{
        self,
        target::{Exit, ExitHow, Receiver, Subject},
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
}

impl Doctor {
    pub(super) fn new(receiver: Receiver, state: Option<PathBuf>) -> Self {
        Self { receiver, state }
    }
}

impl Examiner for Doctor {
    fn examine(&self, services: Vec<ServiceAddress>) -> BoxFuture<'static, Option<Diagnosis>> {
        let ended = self.state.as_deref().map(exits).unwrap_or_default();
        let subject = |service: &ServiceAddress| Subject {
            url: service.url.clone(),
            receiver: Some(self.receiver.clone()),
            measure: false,
            wait: None,
            known_exits: ended.get(&service.name).cloned().into_iter().collect(),
        };
        let subjects: Vec<_> = services.iter().map(|service| (service.clone(), subject(service))).collect();
        Box::pin(async move {
            let all = join_all(subjects.into_iter().map(|(service, subject)| look(service, subject))).await;
            all.into_iter().flatten().reduce(|mut first, other| {
                first.sentences.extend(other.sentences);
                first
            })
        })
    }
}

/// What is wrong with one service; `None` where nothing is.
async fn look(service: ServiceAddress, subject: Subject) -> Option<Diagnosis> {
    let examined = doctor::target::examine(&subject).await.ok()?;
    let code = examined.cause()?.to_owned();
    let found = examined.sentences();
    let sentences = found.lines.into_iter().map(|line| format!("{}: {line}.", service.name)).collect();
    let more = format!("devstack doctor --target {}", service.url);
    Some(Diagnosis {
        code,
        sentences,
        hint: Some(found.hint.map_or_else(|| more.clone(), |fix| format!("{fix} ({more} says more)"))),
    })
}

/// SIGTERM.
const TERMINATED: i32 = 15;

/// How long ago a service may have ended for that to explain what does not come now.
const RECENT_NS: u64 = 600_000_000_000;

/// How services that devstack started ended lately, by their names in traces; of each the last time.
pub(super) fn exits(state: &std::path::Path) -> BTreeMap<String, Exit> {
    let since = clock::unix_nanos().saturating_sub(RECENT_NS);
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
