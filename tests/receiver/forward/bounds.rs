//! No more under way than there is room for: the rest is told to come again before anything of it is kept.

use devstack::{
    backend::{Config, UnderWay},
    model::TraceId,
};
use prost::Message;

use super::{Answer, EXPORT, NextHop, PROTOBUF, Sender, frame, hop, in_front_of, over_http};
use crate::receiver::{large, one_span, zstd};

const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

async fn post(http: String, body: Vec<u8>) -> Answer {
    Sender::http().post(format!("{http}/v1/traces"), &[("content-type", PROTOBUF)], body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_beyond_the_bound_are_turned_away_and_not_kept() {
    let hop = NextHop::closed(|_| hop::http(200, &[("content-type", PROTOBUF)], "")).await;
    let under_way = UnderWay { requests: 2, ..UnderWay::default() };
    let (running, _change) = in_front_of(over_http(&hop), Config { under_way, ..Config::default() }).await;
    let sent: Vec<_> = (0..2).map(|_| tokio::spawn(post(running.http.clone(), one_span().1.encode_to_vec()))).collect();
    hop.has_seen(2).await;

    let (trace, request) = one_span();
    let answer = post(running.http.clone(), request.encode_to_vec()).await;
    assert_eq!((answer.status.as_u16(), answer.says("retry-after")), (503, Some("1")));
    let body = frame(&request.encode_to_vec(), false);
    let answer = Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &GRPC, body).await;
    assert_eq!(answer.grpc_status(), Some("14"), "not RESOURCE_EXHAUSTED, which is for good");
    assert_eq!(running.arrived(trace), 0);
    let traffic = running.traffic.snapshot();
    assert_eq!((traffic.turned_away, traffic.unreadable, traffic.spans.received), (2, 0, 2));
    assert_eq!(traffic.last_problem.as_deref(), Some("too much is under way to the next hop, come again"));

    hop.gate.add_permits(3);
    for answer in sent {
        assert_eq!(answer.await.unwrap().status.as_u16(), 200);
    }
    let answer = post(running.http.clone(), request.encode_to_vec()).await;
    assert_eq!((answer.status.as_u16(), running.arrived(trace)), (200, 1), "there is room again");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_beyond_the_bound_are_turned_away() {
    let hop = NextHop::closed(|_| hop::http(200, &[("content-type", PROTOBUF)], "")).await;
    // Raised to the size of one request.
    let under_way = UnderWay { requests: 10, bytes: 1 };
    let config = Config { under_way, request_limit: 64 * 1024, ..Config::default() };
    let (running, _change) = in_front_of(over_http(&hop), config).await;
    let big = large(40 * 1024).encode_to_vec();
    let first = tokio::spawn(post(running.http.clone(), big.clone()));
    hop.has_seen(1).await;
    assert_eq!(post(running.http.clone(), big).await.status.as_u16(), 503);
    let (trace, small): (TraceId, _) = one_span();
    let second = tokio::spawn(post(running.http.clone(), small.encode_to_vec()));
    hop.has_seen(2).await;
    assert_eq!(running.arrived(trace), 1);
    hop.gate.add_permits(2);
    assert_eq!((first.await.unwrap().status.as_u16(), second.await.unwrap().status.as_u16()), (200, 200));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_unpacked_takes_the_room_it_needs() {
    let hop = NextHop::closed(|_| hop::http(200, &[("content-type", PROTOBUF)], "")).await;
    let under_way = UnderWay { requests: 10, bytes: 1 };
    let config = Config { under_way, request_limit: 64 * 1024, ..Config::default() };
    let (running, _change) = in_front_of(over_http(&hop), config).await;
    // A few hundred bytes as they come; HTTP receivers do not all take zstd, so they leave as 40 KiB.
    let body = frame(&zstd(&large(40 * 1024).encode_to_vec()), true);
    let url = format!("{}{EXPORT}", running.grpc);
    let headers = [GRPC[0], GRPC[1], ("grpc-encoding", "zstd")];
    let (first_url, first_body) = (url.clone(), body.clone());
    let first = tokio::spawn(async move { Sender::grpc().post(first_url, &headers, first_body).await });
    hop.has_seen(1).await;
    assert_eq!(Sender::grpc().post(url, &headers, body).await.grpc_status(), Some("14"));
    assert_eq!(running.traffic.snapshot().spans.received, 1);
    hop.gate.add_permits(1);
    assert_eq!(first.await.unwrap().grpc_status(), Some("0"));
    running.stop().await;
}
