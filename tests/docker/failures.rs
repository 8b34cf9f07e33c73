//! Stacks that cannot start: what is said, and that nothing is left.

use std::net::TcpListener;

use devstack::{
    runtime::{Pull, Step, UpEvent, UpFailure},
    stack::{Component, Port, Probe, Role},
};

use super::{Bench, COLLECTOR, PROMETHEUS, collector, component, docker, jaeger, prometheus};

/// A port that was free a moment ago, outside of the range that systems give out by themselves, so that nobody gets it by chance.
pub(super) fn free_port() -> u16 {
    let mut random = devstack::support::random::Seeded::from_entropy();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| 20_000 + random.below(10_000) as u16).find(free).unwrap()
}

async fn fails(bench: &Bench, components: Vec<Component>) -> UpFailure {
    let failure = bench.make(components).await.unwrap_err();
    assert_eq!(bench.there().await, Vec::<String>::new(), "{failure:?}");
    failure
}

#[tokio::test]
async fn a_broken_config_is_shown_by_the_components_own_words_and_nothing_stays() {
    let Some(mut bench) = Bench::new().await else { return };
    let mut broken = collector();
    let config = "receivers: { otlp: { protocols: { http: {} } } }\nexporters: { nosuch: {} }\n\
                  service: { pipelines: { traces: { receivers: [otlp], exporters: [nosuch] } } }\n";
    broken.environment.insert("OTELCOL_CONFIG".to_owned(), config.to_owned());
    let failure = fails(&bench, vec![broken, prometheus(), jaeger()]).await;
    assert_eq!(failure.component.as_deref(), Some("collector"));
    assert_eq!(failure.message, "collector ended before it was ready (exit code 1)");
    assert!(failure.log_tail.iter().any(|line| line.contains("unknown type: \"nosuch\"")), "{failure:?}");
    assert!(failure.log_tail.iter().all(|line| !line.chars().any(char::is_control)), "{failure:?}");
    assert!(!failure.cancelled);
    let told = bench.told();
    assert!(told.contains(&UpEvent::RollingBack));
    assert!(told.contains(&UpEvent::Component { name: "jaeger".to_owned(), step: Step::Removed }), "{told:?}");
}

#[tokio::test]
async fn one_that_ends_with_code_0_before_it_is_ready_is_a_failure() {
    let Some(bench) = Bench::new().await else { return };
    let mut done = prometheus();
    done.command = vec!["--version".to_owned()];
    let failure = fails(&bench, vec![done]).await;
    assert_eq!(failure.message, "prometheus ended before it was ready (exit code 0)");
    assert!(failure.log_tail.iter().any(|line| line.contains("version")), "{failure:?}");
}

#[tokio::test]
async fn one_that_ends_right_after_it_was_ready_is_a_failure() {
    let Some(bench) = Bench::new().await else { return };
    let ready = vec![Probe::Log("version".to_owned())];
    let done = Component { command: vec!["--version".to_owned()], ready, ..component("done", Role::Other, PROMETHEUS) };
    // Starting the other one takes longer than the first takes to end after its words.
    let other = Component { after: vec!["done".to_owned()], ..jaeger() };
    let failure = fails(&bench, vec![done, other]).await;
    assert_eq!(failure.component.as_deref(), Some("done"));
    assert!(failure.message.contains("exit code 0"), "{failure:?}");
}

#[tokio::test]
async fn one_that_never_answers_fails_at_the_deadline_with_what_was_last_seen() {
    let Some(bench) = Bench::new().await else { return };
    let mut wrong = jaeger();
    wrong.ready = vec![Probe::Http { port: "health".to_owned(), path: "/nosuch".to_owned(), status: 200 }];
    let mut order = bench.order(vec![wrong]);
    order.deadline = std::time::Duration::from_secs(3);
    let failure = bench.containers.make(&order, &bench.events, &bench.stop).await.unwrap_err();
    assert_eq!(failure.message, "jaeger is not ready after 3 s");
    assert!(failure.details.contains(&"last seen: /nosuch: 404".to_owned()), "{failure:?}");
    assert!(!failure.log_tail.is_empty());
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_image_without_a_health_check_cannot_become_healthy() {
    let Some(bench) = Bench::new().await else { return };
    let mut unhealthy = jaeger();
    unhealthy.ready = vec![Probe::Health];
    let failure = fails(&bench, vec![unhealthy]).await;
    assert_eq!(failure.message, "jaeger cannot become ready: its image has no health check");
}

#[tokio::test]
async fn a_port_that_a_process_holds_is_told_with_its_name() {
    let Some(bench) = Bench::new().await else { return };
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let mut wants = collector();
    wants.ports.insert("otlp_grpc".to_owned(), Port { container: 4317, host: Some(port) });
    let failure = fails(&bench, vec![wants, prometheus()]).await;
    assert_eq!(failure.message, format!("port {port} is taken"));
    assert_eq!(failure.component.as_deref(), Some("collector"));
    let pid = format!("(pid {})", std::process::id());
    assert!(failure.details[0].starts_with("by ") && failure.details[0].contains(&pid), "{failure:?}");
    assert_eq!(failure.hints, ["stop it, or run `devstack up --ports auto`"]);
}

#[tokio::test]
async fn a_port_that_a_container_holds_is_told_with_its_name() {
    let (Some(one), Some(two)) = (Bench::new().await, Bench::new().await) else { return };
    let port = free_port();
    let mut wants = jaeger();
    wants.ports.insert("api".to_owned(), Port { container: 16686, host: Some(port) });
    one.make(vec![wants.clone()]).await.unwrap();
    let failure = fails(&two, vec![wants]).await;
    assert_eq!(failure.message, format!("port {port} is taken"));
    let name = format!("by the container devstack-{}-jaeger, devstack's stack of {}", one.owner.id, one.owner.root.display());
    assert_eq!(failure.details, [name]);
    assert!(one.containers.states().await.unwrap()[0].healthy);
}

#[tokio::test]
async fn a_name_that_somebody_else_took_is_told_and_theirs_is_left_alone() {
    let Some(bench) = Bench::new().await else { return };
    let name = format!("devstack-{}-collector", bench.owner.id);
    docker(&["create", "--name", &name, COLLECTOR]).await;
    let failure = bench.make(vec![collector()]).await.unwrap_err();
    let theirs = docker(&["ps", "-a", "--filter", &format!("name={name}"), "--format", "{{.Names}}"]).await;
    docker(&["rm", "-fv", &name]).await;
    assert_eq!(theirs, [name.as_str()]);
    assert_eq!(failure.message, format!("the name `{name}` is taken by a container that is not devstack's"));
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_image_that_is_not_there_and_may_not_be_fetched() {
    let Some(bench) = Bench::new().await else { return };
    let missing = component("tempo", Role::Tempo, "127.0.0.1:1/nobody/nothing:1.0");
    let failure = fails(&bench, vec![missing, jaeger()]).await;
    assert_eq!(failure.message, "the image `127.0.0.1:1/nobody/nothing:1.0` is not here");
    assert_eq!(failure.component.as_deref(), Some("tempo"));
    assert!(failure.hints.iter().any(|hint| hint.contains("devstack images load FILE")), "{failure:?}");
}

#[tokio::test]
async fn an_image_whose_registry_cannot_be_reached() {
    let Some(bench) = Bench::new().await else { return };
    let missing = component("tempo", Role::Tempo, "127.0.0.1:1/nobody/nothing:1.0");
    let mut order = bench.order(vec![missing, jaeger()]);
    order.pull = Pull::Missing;
    let failure = bench.containers.make(&order, &bench.events, &bench.stop).await.unwrap_err();
    assert_eq!(failure.message, "could not fetch the image `127.0.0.1:1/nobody/nothing:1.0`");
    assert!(failure.details[0].contains("connection refused"), "{failure:?}");
    assert!(failure.hints[0].contains("devstack images load FILE"), "{failure:?}");
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn cancelling_in_the_middle_takes_everything_back() {
    let Some(mut bench) = Bench::new().await else { return };
    let mut never = jaeger();
    never.ready = vec![Probe::Log("this line never comes".to_owned())];
    let order = bench.order(vec![never, collector()]);
    let (containers, events, stop) = (bench.containers.clone(), bench.events.clone(), bench.stop.clone());
    let making = tokio::spawn(async move { containers.make(&order, &events, &stop).await });
    // The collector is ready, the other is waited for: the middle.
    let told = async {
        while let Some(event) = bench.told.recv().await {
            if matches!(&event, UpEvent::Component { name, step: Step::Ready { .. } } if name == "collector") {
                return;
            }
        }
    };
    tokio::time::timeout(super::DEADLINE, told).await.unwrap();
    bench.stop.cancel();
    let failure = making.await.unwrap().unwrap_err();
    assert!(failure.cancelled, "{failure:?}");
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn cancelled_before_it_began_nothing_is_made() {
    let Some(bench) = Bench::new().await else { return };
    bench.stop.cancel();
    assert!(fails(&bench, vec![jaeger()]).await.cancelled);
}

#[tokio::test]
async fn a_failure_keeps_what_ran_before_and_says_what_it_replaced() {
    let Some(bench) = Bench::new().await else { return };
    bench.make(vec![prometheus(), collector()]).await.unwrap();
    let mut broken = collector();
    broken.command.push("--nosuch".to_owned());
    let failure = bench.make(vec![prometheus(), broken]).await.unwrap_err();
    assert!(failure.details.contains(&"ran before and is gone now: collector".to_owned()), "{failure:?}");
    let states = bench.containers.states().await.unwrap();
    assert_eq!(states.iter().map(|state| (state.name.as_str(), state.healthy)).collect::<Vec<_>>(), [("prometheus", true)]);
}

#[tokio::test]
async fn one_that_needs_more_memory_than_it_may_have_says_so() {
    let Some(bench) = Bench::new().await else { return };
    let small = Component { memory: Some(6 << 20), ..jaeger() };
    let failure = fails(&bench, vec![small]).await;
    // Some kernels refuse to start a process in so little, others end it.
    let words = format!("{} {}", failure.message, failure.details.join(" "));
    assert!(words.contains("needed more") || words.contains("could not start"), "{failure:?}");
}
