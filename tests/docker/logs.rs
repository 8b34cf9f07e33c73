//! What containers write, as lines.

use devstack::{
    runtime::{LogLine, LogsWanted},
    stack::Component,
};
use futures_util::StreamExt;

use super::{Bench, DEADLINE, collector, docker, prometheus};

async fn all(bench: &Bench, wanted: &LogsWanted) -> Vec<LogLine> {
    let lines = bench.containers.logs(wanted).map(Result::unwrap).collect();
    tokio::time::timeout(DEADLINE, lines).await.unwrap()
}

#[tokio::test]
async fn lines_of_all_components_come_in_the_order_of_their_time() {
    let Some(bench) = Bench::new().await else { return };
    bench.make(vec![collector(), prometheus()]).await.unwrap();
    let lines = all(&bench, &LogsWanted::default()).await;
    assert!(lines.is_sorted_by_key(|line| line.at_ns));
    assert!(lines.iter().all(|line| line.at_ns > 0 && !line.text.contains('\n') && line.stderr));
    for (name, text) in [("collector", "Everything is ready"), ("prometheus", "Server is ready to receive web requests")] {
        assert!(lines.iter().any(|line| line.name == name && line.text.contains(text)), "{name}: {lines:?}");
    }
    let tail = all(&bench, &LogsWanted { names: vec!["prometheus".to_owned()], tail: Some(2), ..LogsWanted::default() }).await;
    assert_eq!(tail.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["prometheus", "prometheus"]);
    assert_eq!(tail[1], **lines.iter().filter(|line| line.name == "prometheus").collect::<Vec<_>>().last().unwrap());
    let later = i64::from(i32::MAX);
    assert_eq!(all(&bench, &LogsWanted { since: Some(later), ..LogsWanted::default() }).await, []);
}

#[tokio::test]
async fn following_goes_on_over_a_restart_and_over_a_new_container() {
    let Some(bench) = Bench::new().await else { return };
    let made = bench.make(vec![collector()]).await.unwrap();
    let wanted = LogsWanted { follow: true, ..LogsWanted::default() };
    let mut lines = std::pin::pin!(bench.containers.logs(&wanted));
    let mut ready = async || {
        let next = async {
            loop {
                let line = lines.next().await.unwrap().unwrap();
                if line.text.contains("Everything is ready") {
                    return line;
                }
            }
        };
        tokio::time::timeout(DEADLINE, next).await.unwrap()
    };
    let first = ready().await;
    docker(&["restart", "-t", "5", &made.components[0].container]).await;
    let second = ready().await;
    assert!(second.at_ns > first.at_ns);
    let mut changed: Component = collector();
    changed.environment.insert("MORE".to_owned(), "1".to_owned());
    bench.make(vec![changed]).await.unwrap();
    assert!(ready().await.at_ns > second.at_ns);
}
