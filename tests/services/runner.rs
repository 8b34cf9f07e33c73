//! The runner by itself: order, readiness, groups, output, and every way in which a service ends.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use devstack::{
    runtime::{
        Events, LogsWanted, UpFailure,
        services::{self, EndedBy, Given, How, Place, Services, Starter, StarterKind},
    },
    stack::{self, Settings},
    support::{env::Map, process},
};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::line_of;
use crate::{sandbox::Sandbox, up::stand::until};

/// A project and its state.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    fn new(services: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("devstack.yaml", format!("services:\n{services}"));
        Self { sandbox }
    }

    fn settings(&self) -> Settings {
        stack::settings(&self.sandbox.path(""), &Map::default()).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn state(&self) -> PathBuf {
        self.sandbox.path("own-state")
    }

    async fn start_within(&self, deadline: Duration, stop: &CancellationToken) -> Result<Services, UpFailure> {
        let given = Given {
            otel: vec![("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "50".to_owned())],
            secrets: BTreeMap::from([("KEY".to_owned(), "hunter2".to_owned())]),
            ..Given::default()
        };
        let place = Place {
            state: self.state(),
            by: Starter::this(StarterKind::Replay),
            launcher: env!("CARGO_BIN_EXE_devstack").into(),
            deadline,
        };
        let (events, _told) = Events::channel();
        Services::start(&self.settings().services, &given, place, None, &events, stop).await
    }

    async fn start(&self) -> Services {
        let started = self.start_within(Duration::from_secs(30), &CancellationToken::new()).await;
        started.unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    async fn fails(&self, deadline: Duration) -> UpFailure {
        let failure = self.start_within(deadline, &CancellationToken::new()).await.expect_err("it cannot start");
        assert_eq!(services::alive(&self.state()), [], "nothing is left");
        failure
    }

    async fn logs(&self, name: &str) -> Vec<String> {
        let wanted = LogsWanted { names: vec![name.to_owned()], ..LogsWanted::default() };
        services::follow_logs(&self.state(), &wanted).map(|line| line.text).collect().await
    }

    fn pid(&self, file: &str) -> u32 {
        line_of(&self.sandbox.path(file)).trim().parse().unwrap()
    }
}

async fn end(services: Services) {
    let (events, _told) = Events::channel();
    services.end(&events).await;
}

/// Whether a process still runs, in the end.
fn gone(pid: u32) {
    until(&format!("{pid} to end"), || process::started(pid).is_none().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_start_in_order_know_each_other_and_end_the_other_way_round() {
    let program = "trap 'echo end $OTEL_SERVICE_NAME >> ends; exit 0' TERM; echo begin $OTEL_SERVICE_NAME >> begins; echo ready; while :; do sleep 0.02; done";
    let project = Project::new(&format!(
        "  last: {{ command: \"{program}\", after: [middle], ready: {{ log: ready }}, environment: {{ A: '${{first.url}}/x', S: '${{secret.KEY}}' }} }}
  middle: {{ command: \"{program}\", after: [first], ready: {{ log: ready }}, name: shop-middle }}
  first: {{ command: \"{program}\", port: auto, ready: {{ log: ready }} }}\n"
    ));
    let services = project.start().await;
    let read = |file: &str| std::fs::read_to_string(project.sandbox.path(file)).unwrap();
    assert_eq!(read("begins"), "begin first\nbegin shop-middle\nbegin last\n");
    let addresses = services.addresses();
    assert_eq!(addresses.len(), 1, "only one has an address: {addresses:?}");
    assert!(addresses[0].1.starts_with("http://127.0.0.1:"));
    let alive = services::alive(&project.state());
    assert_eq!(alive.iter().map(|alive| alive.name.as_str()).collect::<Vec<_>>(), ["first", "middle", "last"]);
    end(services).await;
    assert_eq!(read("ends"), "end last\nend shop-middle\nend first\n");
    let exits = services::exits(&project.state());
    assert!(exits.iter().all(|exit| exit.how == How::Code(0) && exit.by == EndedBy::Asked), "{exits:?}");
    assert_eq!(exits.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_gets_ready_says_what_was_seen_last_and_what_it_wrote() {
    let project = Project::new("  api: { command: \"echo starting; exec sleep 100\", port: auto }\n");
    let failure = project.fails(Duration::from_secs(1)).await;
    assert_eq!(failure.component.as_deref(), Some("api"));
    assert_eq!(failure.message, "api was not ready within 1 s");
    assert!(failure.details[0].contains("connection refused"), "{:?}", failure.details);
    assert_eq!(failure.log_tail, ["starting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_at_once_is_told_with_its_last_lines_and_takes_the_others_back() {
    let project = Project::new(
        "  api: { command: \"echo no database >&2; exit 3\", port: auto, after: [worker] }\n  worker: { command: \"echo $$ > pid; echo x; exec sleep 100\", ready: { log: x } }\n",
    );
    let failure = project.fails(Duration::from_secs(30)).await;
    assert_eq!(
        (failure.message.as_str(), failure.log_tail.as_slice()),
        ("api ended with exit code 3", &["no database".to_owned()][..])
    );
    gone(project.pid("pid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_later_is_noticed_and_can_be_started_again() {
    let project = Project::new(
        "  api: { command: \"echo up; while [ ! -e die ]; do sleep 0.02; done; echo bye; rm die; exit 4\", ready: { log: up } }\n",
    );
    let services = project.start().await;
    let mut deaths = services.deaths().expect("asked for the first time");
    project.sandbox.write("die", "");
    let death = deaths.recv().await.expect("it dies");
    assert_eq!((death.name.as_str(), death.end.how, death.end.by), ("api", How::Code(4), EndedBy::Itself));
    assert_eq!(death.tail, ["up", "bye"]);
    assert_eq!(services.states()[0].end.map(|end| end.how), Some(How::Code(4)));

    let (events, _told) = Events::channel();
    services.restart("api", &events, &CancellationToken::new()).await.unwrap();
    assert_eq!(services.states()[0].end, None);
    end(services).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end_is_read_and_megabytes_are_bounded() {
    let project = Project::new(
        "  prompt: { command: \"printf 'listening'; exec sleep 100\", ready: { log: ^listening$ } }
  loud: { command: \"yes a line of a program that says too much | head -n 300000; echo done; exec sleep 100\", ready: { log: ^done$ } }\n",
    );
    let services = project.start().await;
    end(services).await;
    assert_eq!(project.logs("prompt").await, ["listening"]);
    let loud = project.logs("loud").await;
    assert_eq!(loud.last().map(String::as_str), Some("done"));
    let size: u64 =
        std::fs::read_dir(project.state().join("logs")).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 10 * 1024 * 1024, "{size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ignores_the_request_is_killed_after_its_grace() {
    let project = Project::new(
        "  api: { command: \"trap '' TERM; echo up; while :; do sleep 0.05; done\", ready: { log: up }, stop_grace: 200ms }\n",
    );
    let services = project.start().await;
    end(services).await;
    let exits = services::exits(&project.state());
    assert_eq!((exits[0].how, exits[0].by), (How::Signal(9), EndedBy::Killed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_started_ends_with_it_whether_asked_or_not() {
    let project = Project::new(
        "  parent: { command: \"sleep 100 & echo $! > child; echo up; wait\", ready: { log: up } }
  brief: { command: \"sleep 100 & echo $! > orphan; echo up\", ready: { log: up } }\n",
    );
    let stop = CancellationToken::new();
    // The brief one may be seen dead before or after it was seen ready.
    let started = project.start_within(Duration::from_secs(30), &stop).await;
    gone(project.pid("orphan"));
    if let Ok(services) = started {
        end(services).await;
    }
    gone(project.pid("child"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_else_holds_is_not_taken_for_the_service() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let project = Project::new(&format!("  api: {{ command: exec sleep 100, port: {port} }}\n"));
    let failure = project.fails(Duration::from_secs(5)).await;
    assert_eq!(failure.message, format!("port {port} is taken, and api wants it"));
    assert!(failure.details[0].contains(&format!("pid {}", std::process::id())), "{:?}", failure.details);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_filled_in_and_what_is_not_there_is_told_before_anything_starts() {
    let first = "  first: { command: \"touch started; exec sleep 9\" }\n";
    let project = Project::new(&format!("{first}  api: {{ command: [nosuchprogram] }}\n"));
    assert_eq!(project.fails(Duration::from_secs(5)).await.message, "there is no program `nosuchprogram`");
    let project2 = Project::new(&format!("{first}  api: {{ command: \"true\", environment: {{ A: '${{secret.NO}}' }} }}\n"));
    let failure = project2.fails(Duration::from_secs(5)).await;
    assert_eq!(
        (failure.message.as_str(), failure.hints.as_slice()),
        ("there is no secret `NO`", &["known are `KEY`".to_owned()][..])
    );
    assert!(!project.sandbox.path("started").exists() && !project2.sandbox.path("started").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_on_the_way_leaves_nothing() {
    let project = Project::new("  api: { command: \"echo $$ > pid; exec sleep 100\", port: auto }\n");
    let stop = CancellationToken::new();
    let file = project.sandbox.path("pid");
    let starting = project.start_within(Duration::from_mins(1), &stop);
    let giving_up = async {
        tokio::task::spawn_blocking(move || line_of(&file)).await.unwrap();
        stop.cancel();
    };
    let (started, ()) = tokio::join!(starting, giving_up);
    assert!(started.expect_err("it was cancelled").cancelled);
    gone(project.pid("pid"));
}
