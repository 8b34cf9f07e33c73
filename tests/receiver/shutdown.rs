//! How the backend begins and ends: ports, draining, and connections that never get anywhere.

use std::{net::SocketAddr, time::Duration};

use devstack::{
    backend::{Backend, BackendError, Config, Listener},
    client::loopback,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{GUARD, Running, one_span};

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Backend::bind(Config::default()).await.unwrap();
    let address = first.otlp_http();
    let error = Backend::bind(Config { otlp_http: address, ..Config::default() }).await.unwrap_err();
    assert!(matches!(error, BackendError::Taken { listener: Listener::OtlpHttp, address: at } if at == address), "{error:?}");
    assert_eq!(error.to_string(), format!("OTLP over HTTP cannot listen on `{address}`: the port is taken"));
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_named() {
    // 192.0.2.0/24 is kept for documentation: nobody has it (RFC 5737).
    let api: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let error = Backend::bind(Config { api, ..Config::default() }).await.unwrap_err();
    assert!(error.to_string().starts_with("the API cannot listen on `192.0.2.1:0`: "), "{error}");
}

#[tokio::test]
async fn everything_is_bound_to_the_loopback_interface() {
    let backend = Backend::bind(Config::default()).await.unwrap();
    let addresses = [backend.otlp_grpc(), backend.otlp_http(), backend.api()];
    assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() != 0), "{addresses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_and_no_other_taken() {
    let running = Running::start(Config::default()).await;
    let (trace, request) = one_span();
    let body = request.encode_to_vec();
    let mut stream = connect(&running.http).await;
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\nexpect: 100-continue\r\n";
    let head = format!("{head}content-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the request is being read.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    running.shutdown.cancel();
    let url = running.http.strip_prefix("http://").unwrap().to_owned();
    tokio::time::timeout(GUARD, async { while TcpStream::connect(&url).await.is_ok() {} }).await.expect("the port is given up");
    assert!(!running.done.is_finished());
    stream.write_all(&body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(running.arrived(trace), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_do_not_hold_the_backend() {
    // Longer than the test may take: waiting for it would be seen.
    let running = Running::start(Config { drain: 2 * GUARD, ..Config::default() }).await;
    let channel = tonic::transport::Endpoint::from_shared(running.grpc.clone()).unwrap().connect().await.unwrap();
    let mut grpc = TraceServiceClient::new(channel);
    grpc.export(one_span().1).await.unwrap();
    let http = loopback().unwrap();
    http.get(format!("{}/ready", running.api)).send().await.unwrap().bytes().await.unwrap();
    let silent = connect(&running.http).await;
    running.stop().await;
    drop((grpc, http, silent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_never_finishes_does_not_hold_the_backend() {
    let running = Running::start(Config { drain: Duration::from_millis(50), ..Config::default() }).await;
    let mut half_a_head = connect(&running.http).await;
    half_a_head.write_all(b"POST /v1/traces HTT").await.unwrap();
    let mut half_a_body = connect(&running.http).await;
    let head = b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    half_a_body.write_all(head).await.unwrap();
    running.stop().await;
}
