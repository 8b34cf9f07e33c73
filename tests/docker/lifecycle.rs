//! A stack of real components from nothing to ready, again, changed, and away.

use std::collections::{BTreeMap, BTreeSet};

use devstack::{
    runtime::{
        Step, UpEvent,
        docker::{self as runtime, MadeComponent},
    },
    stack::{Port, Probe, Role},
    support::clock::Stopwatch,
};

use super::{Bench, COLLECTOR, JAEGER, collector, component, docker, jaeger, prometheus, say, steps};

fn by_name(components: &[MadeComponent]) -> BTreeMap<&str, &MadeComponent> {
    components.iter().map(|made| (made.name.as_str(), made)).collect()
}

#[tokio::test]
async fn a_stack_comes_up_labelled_published_on_loopback_and_without_mounts_of_the_host() {
    let Some(mut bench) = Bench::new().await else { return };
    let watch = Stopwatch::start();
    let made = bench.make(vec![collector(), jaeger(), prometheus()]).await.unwrap();
    let total = watch.elapsed();
    let slowest = made.components.iter().map(|made| made.after).max().unwrap();
    say(&format!("make() took {total:?}, its slowest component {slowest:?}"));
    let parts = by_name(&made.components);
    assert_eq!(parts.keys().copied().collect::<Vec<_>>(), ["collector", "jaeger", "prometheus"]);
    assert!(made.components.iter().all(|made| !made.kept));

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = http.get(format!("{}/-/ready", parts["prometheus"].address.as_ref().unwrap())).send().await.unwrap();
    assert_eq!(ready.status(), 200);

    for (name, file) in [("collector", None), ("jaeger", None), ("prometheus", Some("/etc/prometheus/new/prometheus.yml"))] {
        let found = bench.inspect(name).await;
        let labels = &found["Config"]["Labels"];
        assert_eq!(labels["dev.devstack.owner"], bench.owner.id.as_str());
        assert_eq!(labels["dev.devstack.project"], bench.owner.root.display().to_string());
        assert_eq!(labels["dev.devstack.stack"], "test");
        assert_eq!(labels["dev.devstack.component"], name);
        assert_eq!(labels["dev.devstack.build"], "0.0.0+test");
        assert_eq!(labels["dev.devstack.config"].as_str().map(str::len), Some(16));
        let published = found["NetworkSettings"]["Ports"].as_object().unwrap().values().filter_map(|bound| bound.as_array());
        let addresses: BTreeSet<_> = published.flatten().map(|bound| bound["HostIp"].as_str().unwrap()).collect();
        assert_eq!(addresses, BTreeSet::from(["127.0.0.1"]), "{name}");
        let mounts: Vec<_> = found["Mounts"].as_array().unwrap().iter().map(|mount| mount["Type"].as_str().unwrap()).collect();
        assert!(mounts.iter().all(|kind| *kind == "volume"), "{name}: {mounts:?}");
        if let Some(file) = file {
            let folder = std::env::temp_dir().join(format!("devstack-{}", bench.owner.id));
            docker(&["cp", &format!("{}:{file}", found["Id"].as_str().unwrap()), &folder.display().to_string()]).await;
            assert_eq!(std::fs::read_to_string(&folder).unwrap(), "global: { scrape_interval: 5s }\n");
            std::fs::remove_file(folder).unwrap();
        }
    }
    assert_eq!(bench.inspect("jaeger").await["HostConfig"]["Memory"], 512 << 20);
    let told = bench.told();
    let first = steps(&told, "jaeger");
    assert_eq!(first[0], Step::Creating);
    assert!(matches!(&first[1], Step::Starting { .. }), "{first:?}");
    assert!(matches!(first.last(), Some(Step::Ready { address: Some(_), .. })), "{first:?}");

    let states = bench.containers.states().await.unwrap();
    assert!(states.iter().all(|state| state.healthy && state.state == "running"), "{states:?}");
    assert_eq!(states[1].address, parts["jaeger"].address);
    assert_eq!(states[1].health.as_deref(), Some("ready"));
    assert_eq!(states[1].image.as_deref(), Some(JAEGER));
    assert_eq!(bench.containers.glance().await.unwrap()["prometheus"].ports, parts["prometheus"].ports);
    let left = runtime::left_over(bench.containers.engine()).await.unwrap();
    let ours = left.iter().find(|left| left.owner == bench.owner.id).unwrap();
    assert_eq!((ours.containers, ours.running, ours.project.as_deref()), (3, 3, Some(bench.owner.root.as_path())));

    let watch = Stopwatch::start();
    let removed = bench.containers.remove(true, &bench.events).await.unwrap();
    say(&format!("remove() took {:?}", watch.elapsed()));
    assert_eq!((removed.containers.len(), removed.networks.len(), removed.volumes.len()), (3, 1, 1));
    assert_eq!(removed.left, Vec::<String>::new());
    assert_eq!(bench.there().await, Vec::<String>::new());
    let again = bench.containers.remove(true, &bench.events).await.unwrap();
    assert_eq!(again, runtime::Removed::default());
}

#[tokio::test]
async fn a_second_time_keeps_what_runs_and_a_change_replaces_only_what_changed() {
    let Some(mut bench) = Bench::new().await else { return };
    let first = bench.make(vec![collector(), prometheus()]).await.unwrap();
    bench.told();
    let second = bench.make(vec![collector(), prometheus()]).await.unwrap();
    assert!(second.components.iter().all(|made| made.kept));
    let ids = |made: &runtime::Made| made.components.iter().map(|made| made.container.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(second.network, first.network);
    assert_eq!(steps(&bench.told(), "collector"), [Step::Kept { address: second.components[0].address.clone() }]);

    let mut changed = collector();
    changed.environment.insert("MORE".to_owned(), "1".to_owned());
    let third = bench.make(vec![changed.clone(), prometheus()]).await.unwrap();
    assert_eq!(third.components.iter().map(|made| made.kept).collect::<Vec<_>>(), [false, true]);
    assert_ne!(third.components[0].container, first.components[0].container);

    // What a run made is taken back; what ran before it stays.
    bench.containers.undo(third.created, &bench.events).await.unwrap();
    let there = bench.containers.states().await.unwrap();
    assert_eq!(there.iter().map(|state| state.name.as_str()).collect::<Vec<_>>(), ["prometheus"]);

    // One that was stopped, one that was paused, and one that belongs to no component any more.
    let fourth = bench.make(vec![changed.clone(), prometheus(), jaeger()]).await.unwrap();
    docker(&["stop", "-t", "5", &fourth.components[0].container]).await;
    docker(&["pause", &fourth.components[1].container]).await;
    let fifth = bench.make(vec![changed, prometheus()]).await.unwrap();
    assert!(fifth.components.iter().all(|made| !made.kept), "{fifth:?}");
    let states = bench.containers.states().await.unwrap();
    assert_eq!(states.iter().map(|state| state.name.as_str()).collect::<Vec<_>>(), ["collector", "prometheus"]);
}

#[tokio::test]
async fn data_outlives_its_container_until_it_is_wanted_gone() {
    let Some(bench) = Bench::new().await else { return };
    bench.make(vec![prometheus()]).await.unwrap();
    let removed = bench.containers.remove(false, &bench.events).await.unwrap();
    assert_eq!(removed.volumes, Vec::<String>::new());
    assert_eq!(bench.there().await, [format!("devstack-{}-prometheus-data", bench.owner.id)]);
    // A failed start leaves data alone that was there before.
    let mut broken = prometheus();
    broken.command.push("--nosuch".to_owned());
    bench.make(vec![broken]).await.unwrap_err();
    assert_eq!(bench.there().await.len(), 1);
    bench.containers.remove(true, &bench.events).await.unwrap();
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn components_start_after_those_they_wait_for_and_find_them_by_name() {
    let Some(mut bench) = Bench::new().await else { return };
    let mut last = collector();
    last.after = vec!["jaeger".to_owned()];
    last.ready.push(Probe::Log("Everything is ready".to_owned()));
    bench.make(vec![last, jaeger()]).await.unwrap();
    let told = bench.told();
    assert!(steps(&told, "collector").contains(&Step::Waiting { on: vec!["jaeger".to_owned()] }));
    let at = |wanted: &dyn Fn(&str, &Step) -> bool| {
        told.iter().position(|event| matches!(event, UpEvent::Component { name, step } if wanted(name, step))).unwrap()
    };
    let jaeger_ready = at(&|name, step| name == "jaeger" && matches!(step, Step::Ready { .. }));
    let collector_starts = at(&|name, step| name == "collector" && matches!(step, Step::Starting { .. }));
    assert!(jaeger_ready < collector_starts, "{told:?}");
    let network = &bench.inspect("collector").await["NetworkSettings"]["Networks"][format!("devstack-{}", bench.owner.id)];
    let aliases: Vec<_> = network["Aliases"].as_array().unwrap().iter().map(|alias| alias.as_str().unwrap()).collect();
    assert!(aliases.contains(&"collector"), "{aliases:?}");
}

#[tokio::test]
async fn the_collector_joins_a_network_of_somebody_else_and_leaves_it_standing() {
    let Some(bench) = Bench::new().await else { return };
    let theirs = format!("theirs-{}", bench.owner.id);
    let mut order = bench.order(vec![collector()]);
    order.network = Some(theirs.clone());
    let missing = bench.containers.make(&order, &bench.events, &bench.stop).await.unwrap_err();
    assert!(missing.message.contains(&format!("no network `{theirs}`")), "{missing:?}");
    assert_eq!(bench.there().await, Vec::<String>::new());

    docker(&["network", "create", &theirs]).await;
    let first = bench.containers.make(&order, &bench.events, &bench.stop).await;
    let aliases = bench.inspect("collector").await["NetworkSettings"]["Networks"][&theirs]["Aliases"].clone();
    let second = bench.containers.make(&order, &bench.events, &bench.stop).await;
    let removed = bench.containers.remove(true, &bench.events).await;
    docker(&["network", "rm", &theirs]).await;
    let aliases: Vec<_> = aliases.as_array().unwrap().iter().map(|alias| alias.as_str().unwrap()).collect();
    assert!(aliases.contains(&"collector") && aliases.contains(&"devstack-collector"), "{aliases:?}");
    assert!(!first.unwrap().components[0].kept);
    assert!(second.unwrap().components[0].kept);
    assert_eq!(removed.unwrap().networks, [format!("devstack-{}", bench.owner.id)]);
}

#[tokio::test]
async fn a_network_that_others_use_stays_and_is_told_of() {
    let Some(bench) = Bench::new().await else { return };
    bench.make(vec![jaeger()]).await.unwrap();
    let (network, guest) = (format!("devstack-{}", bench.owner.id), format!("guest-{}", bench.owner.id));
    docker(&["run", "-d", "--name", &guest, "--network", &network, JAEGER]).await;
    let removed = bench.containers.remove(true, &bench.events).await;
    docker(&["rm", "-fv", &guest]).await;
    let removed = removed.unwrap();
    assert_eq!(removed.containers, ["jaeger"]);
    assert_eq!(removed.left, [format!("the network {network} stays: {guest} of others is attached to it")]);
    assert_eq!(bench.containers.remove(true, &bench.events).await.unwrap().networks, [network]);
}

#[tokio::test]
async fn two_owners_do_not_touch_each_other() {
    let (Some(one), Some(two)) = (Bench::new().await, Bench::new().await) else { return };
    let (first, second) = tokio::join!(one.make(vec![jaeger()]), two.make(vec![jaeger()]));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.components[0].ports, second.components[0].ports);
    one.containers.remove(true, &one.events).await.unwrap();
    assert_eq!(one.there().await, Vec::<String>::new());
    let states = two.containers.states().await.unwrap();
    assert_eq!(states.len(), 1);
    assert!(states[0].healthy, "{states:?}");
}

#[tokio::test]
async fn what_became_of_a_container_is_told() {
    let Some(bench) = Bench::new().await else { return };
    let bare = component("bare", Role::Other, COLLECTOR);
    let made = bench.make(vec![jaeger(), bare]).await.unwrap();
    docker(&["kill", &made.components[0].container]).await;
    docker(&["pause", &made.components[1].container]).await;
    let states = bench.containers.states().await.unwrap();
    let told: Vec<_> =
        states.iter().map(|state| (state.name.as_str(), state.state.as_str(), state.healthy, state.uptime_s)).collect();
    assert_eq!(told, [("bare", "paused", false, None), ("jaeger", "exited (137)", false, None)]);
    docker(&["rm", "-fv", &made.components[0].container]).await;
    assert_eq!(bench.containers.states().await.unwrap().len(), 1);
    bench.containers.remove(true, &bench.events).await.unwrap();
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_fixed_port_is_published_where_it_was_asked_for() {
    let Some(bench) = Bench::new().await else { return };
    let port = super::failures::free_port();
    let mut fixed = jaeger();
    fixed.ports.insert("api".to_owned(), Port { container: 16686, host: Some(port) });
    let made = bench.make(vec![fixed]).await.unwrap();
    assert_eq!(made.components[0].ports["api"], port);
    assert_eq!(made.components[0].address, Some(format!("http://127.0.0.1:{port}")));
}
