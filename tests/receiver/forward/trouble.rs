//! The next hop down, slow, moved, or not there yet: words that name it, a sender that comes again, and a ledger that has it all the same.

use std::time::Duration;

use devstack::{
    backend::{Config, Upstreams},
    model::Happening,
    support::address::Address,
};
use futures_util::StreamExt as _;
use prost::Message;
use tokio::net::TcpListener;

use super::{Answer, EXPORT, NextHop, PROTOBUF, Sender, frame, hop, in_front_of, over_grpc, over_http};
use crate::receiver::{GUARD, Running, one_span};

const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

async fn send_http(running: &Running, message: Vec<u8>) -> Answer {
    Sender::http().post(format!("{}/v1/traces", running.http), &[("content-type", PROTOBUF)], message).await
}

async fn send_grpc(running: &Running, message: &[u8]) -> Answer {
    Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &GRPC, frame(message, false)).await
}

/// Sends a span by both protocols; both must be told to come again, in these words, and the ledger must have it.
async fn both_are_told_to_come_again(running: &Running, words: &str) {
    let (trace, request) = one_span();
    let message = request.encode_to_vec();
    let before = running.traffic.snapshot().spans;
    let answer = send_http(running, message.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.says("retry-after")), (503, Some("1")), "{answer:?}");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(body.contains(words), "{body}");
    let answer = send_grpc(running, &message).await;
    assert_eq!((answer.status.as_u16(), answer.grpc_status()), (200, Some("14")), "{answer:?}");
    let status = tonic::Status::from_header_map(&answer.headers).unwrap();
    assert!(status.message().contains(words), "{status:?}");
    assert!(!status.details().is_empty(), "it says when to come again");

    let view = running.ledger.view(trace);
    assert_eq!((view.arrivals.len(), view.arrivals[0].resent), (1, 1), "a re-send counts once");
    let traffic = running.traffic.snapshot();
    assert_eq!((traffic.spans.received - before.received, traffic.spans.refused - before.refused), (2, 2));
    assert!(traffic.last_problem.as_ref().unwrap().contains(words), "{traffic:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_not_known_yet() {
    let (running, change) = in_front_of(Upstreams::default(), Config::default()).await;
    both_are_told_to_come_again(&running, "the next hop is not ready yet").await;
    // Nobody will change it any more.
    drop(change);
    both_are_told_to_come_again(&running, "the next hop is not ready yet").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_down() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::plain(format!("http://{}", closed.local_addr().unwrap()));
    drop(closed);
    let words = format!("the next hop {} does not answer: Connection refused", address.url);
    let upstreams = Upstreams { grpc: Some(address.clone()), http: Some(address) };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    both_are_told_to_come_again(&running, &words).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::plain(format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let words = format!("the next hop {} does not answer: ", address.url);
    let upstreams = Upstreams { grpc: Some(address.clone()), http: Some(address) };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    both_are_told_to_come_again(&running, &words).await;
    running.stop().await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_takes_too_long() {
    let hop = NextHop::closed(|_| hop::http(200, &[], "")).await;
    let address = Address { timeout: Duration::from_millis(50), ..Address::plain(&hop.url) };
    let upstreams = Upstreams { grpc: Some(address.clone()), http: Some(address) };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    both_are_told_to_come_again(&running, &format!("the next hop {} did not answer within 50 ms", hop.url)).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_answers_without_end() {
    let hop = NextHop::answering(|_| hop::http(200, &[], vec![0; 5 * 1024 * 1024])).await;
    let address = Address::plain(&hop.url);
    let upstreams = Upstreams { grpc: Some(address.clone()), http: Some(address) };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    both_are_told_to_come_again(&running, &format!("the answer of the next hop {} is larger than", hop.url)).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_address_cannot_be_used() {
    let mut address = Address::plain("https://collector:4317");
    address.ca = Some("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n".to_owned());
    let upstreams = Upstreams { grpc: Some(address.clone()), http: Some(address) };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;
    both_are_told_to_come_again(
        &running,
        "the next hop https://collector:4317 cannot be used: its CA certificate cannot be used",
    )
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_moved_is_found_where_it_is_now() {
    let named =
        |name: &'static str| move |_: &hop::Seen| hop::http(200, &[("x-served-by", name), ("content-type", PROTOBUF)], "");
    let (first, second) = (NextHop::answering(named("first")).await, NextHop::answering(named("second")).await);
    let slow = NextHop::closed(named("slow")).await;
    let (running, change) = in_front_of(over_http(&first), Config::default()).await;
    let message = one_span().1.encode_to_vec();
    assert_eq!(send_http(&running, message.clone()).await.says("x-served-by"), Some("first"));
    drop(first);
    assert_eq!(send_http(&running, message.clone()).await.status.as_u16(), 503);
    change.send(over_http(&second)).unwrap();
    assert_eq!(send_http(&running, message.clone()).await.says("x-served-by"), Some("second"));

    // What is under way stays where it is.
    change.send(over_http(&slow)).unwrap();
    let (url, under_way) = (format!("{}/v1/traces", running.http), message.clone());
    let under_way = tokio::spawn(async move { Sender::http().post(url, &[("content-type", PROTOBUF)], under_way).await });
    slow.has_seen(1).await;
    change.send(over_http(&second)).unwrap();
    assert_eq!(send_http(&running, message).await.says("x-served-by"), Some("second"));
    slow.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().says("x-served-by"), Some("slow"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_gives_up_is_given_up() {
    let hop = NextHop::closed(|_| hop::grpc_status(&[("grpc-status", "0")])).await;
    let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
    let (url, body) = (format!("{}{EXPORT}", running.grpc), frame(&one_span().1.encode_to_vec(), false));
    let sender = tokio::spawn(async move { Sender::grpc().post(url, &GRPC, body).await });
    hop.has_seen(1).await;
    let mut happenings = Box::pin(running.feed.subscribe());
    assert_eq!(running.traffic.snapshot().spans.refused, 0);
    sender.abort();
    let told = tokio::time::timeout(GUARD, happenings.next()).await.expect("it is noticed").unwrap();
    let Happening::Problem { words, .. } = told else { panic!("{told:?}") };
    assert_eq!(words, format!("the sender gave up before the next hop {} answered", hop.url));
    assert_eq!(running.traffic.snapshot().spans.refused, 1);
    running.stop().await;
}
