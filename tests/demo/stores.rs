//! The stores: the small Redis server against the real client, and the demo on real servers where they are named.

use devstack::{demo::RedisServer, model::SpanKind, webhook::Provider};
use redis::AsyncCommands as _;

use super::harness::{Case, Lab, attribute, message};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_client_speaks_to_the_small_server() {
    let server = RedisServer::start().await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut one = client.get_multiplexed_async_connection().await.unwrap();
    exercise(&mut one).await;
}

/// The same questions to any Redis; what the small server answers is what the real one answers.
async fn exercise(connection: &mut redis::aio::MultiplexedConnection) {
    let key = |name: &str| format!("devstack-test:{}:{name}", std::process::id());
    let (text, counter, hash, list) = (key("text"), key("counter"), key("hash"), key("list"));
    let _: () = connection.del(&[&text, &counter, &hash, &list]).await.unwrap();
    let set: Option<String> =
        redis::cmd("SET").arg(&text).arg("a").arg("NX").arg("EX").arg(60).query_async(connection).await.unwrap();
    assert_eq!(set.as_deref(), Some("OK"));
    let again: Option<String> = redis::cmd("SET").arg(&text).arg("b").arg("NX").query_async(connection).await.unwrap();
    assert_eq!(again, None);
    assert_eq!(connection.get::<_, String>(&text).await.unwrap(), "a");
    assert!((1..=60).contains(&connection.ttl::<_, i64>(&text).await.unwrap()));
    assert_eq!(connection.incr::<_, _, i64>(&counter, 2).await.unwrap(), 2);
    assert!(connection.exists::<_, bool>(&counter).await.unwrap());
    assert_eq!(connection.hset::<_, _, _, i64>(&hash, "field", "value").await.unwrap(), 1);
    let fields: std::collections::HashMap<String, String> = connection.hgetall(&hash).await.unwrap();
    assert_eq!(fields["field"], "value");
    assert_eq!(connection.rpush::<_, _, i64>(&list, &["x", "y"]).await.unwrap(), 2);
    assert_eq!(connection.lpop::<_, String>(&list, None).await.unwrap(), "x");
    let popped: Option<(String, String)> = connection.brpop(&list, 1.0).await.unwrap();
    assert_eq!(popped, Some((list.clone(), "y".to_owned())));
    let wrong: redis::RedisResult<i64> = connection.incr(&text, 1).await;
    assert!(wrong.is_err());
    let _: () = connection.del(&[&text, &counter, &hash, &list]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_pop_wakes_when_another_connection_pushes() {
    let server = RedisServer::start().await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut blocked = client.get_multiplexed_async_connection().await.unwrap();
    let mut pushing = client.get_multiplexed_async_connection().await.unwrap();
    let pop = tokio::spawn(async move { blocked.brpop::<_, Option<(String, String)>>("jobs", 20.0).await });
    let pushed: i64 = pushing.lpush("jobs", "one").await.unwrap();
    assert!(pushed <= 1);
    assert_eq!(pop.await.unwrap().unwrap(), Some(("jobs".to_owned(), "one".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_embedded_stores_say_so() {
    let lab = Lab::start().await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("hello")).await;
    let trace = lab.trace(&case).await;
    for span in trace.0.spans().iter().filter(|span| span.name.starts_with("db.") || span.name.starts_with("redis.")) {
        let system = if span.name.starts_with("db.") { "sqlite" } else { "redis" };
        assert_eq!((attribute(span, "db.system").as_str(), attribute(span, "devstack.store").as_str()), (system, "embedded"));
    }
    let insert = trace.all(SpanKind::Client, "db.INSERT")[0];
    assert_eq!(attribute(insert, "db.rows_affected"), "1");
    assert!(attribute(insert, "db.statement").contains("VALUES ($1, $2, $3)"));
    lab.stop().await;
}

/// Needs `DEVSTACK_TEST_POSTGRES` and `DEVSTACK_TEST_REDIS`, the addresses of servers that may be written to (CI starts both). They are
/// not `DATABASE_URL` and `REDIS_URL`, so that no test writes to what a developer works with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a test that did not test says so")]
async fn the_demo_runs_on_the_real_servers_that_are_named() {
    let named = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
    let (Some(database), Some(redis)) = (named("DEVSTACK_TEST_POSTGRES"), named("DEVSTACK_TEST_REDIS")) else {
        eprintln!("skipped: DEVSTACK_TEST_POSTGRES and DEVSTACK_TEST_REDIS are not set");
        return;
    };
    let client = redis::Client::open(redis.clone()).unwrap();
    exercise(&mut client.get_multiplexed_async_connection().await.unwrap()).await;
    let lab = Lab::with(|config| {
        config.stores.database_url = Some(database);
        config.stores.redis_url = Some(redis);
    })
    .await;
    let case = Case::new();
    lab.deliver(&case, &Provider::whatsapp(), &message("implant, urgent")).await;
    let trace = lab.trace(&case).await;
    for span in trace.0.spans().iter().filter(|span| span.name.starts_with("db.")) {
        assert_eq!((attribute(span, "db.system").as_str(), attribute(span, "devstack.store").as_str()), ("postgresql", ""));
        assert!(!span.is_error(), "{span:?}");
    }
    let (id, body) = super::harness::person();
    assert_eq!(lab.deliver(&Case::new(), &Provider::pipedrive(), &body).await.status, 200);
    assert_eq!(lab.get(&Case::new(), devstack::demo::WEB, &format!("/leads/{id}")).await.status, 200);
    trace.one(SpanKind::Consumer, "trigger.task.lead-scoring-workflow");
    lab.stop().await;
}
