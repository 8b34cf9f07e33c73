//! The queries against the Jaeger stack as `devstack up` starts it, after one `devstack replay fixtures`.

use super::check_queries;
use crate::{
    contract::{docker_slot, shipped},
    up::stand::Stand,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers_after_one_run_of_the_fixtures() {
    let Some(_slot) = tokio::task::block_in_place(docker_slot) else { return };
    let stand = Stand::new();
    let up = stand.up(&["--stack", "jaeger"]);
    let run = tokio::task::block_in_place(|| stand.run(&["replay", shipped()]));
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    check_queries(up["note"]["prometheus"]["url"].as_str().expect("the stack has a Prometheus")).await;
}
