//! A next hop that speaks TLS, with a certificate of its own authority.

use std::sync::Arc;

use devstack::{
    backend::{Config, Upstreams},
    support::{address::Address, tls},
};
use prost::Message;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tonic::{
    service::Routes,
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

use super::{Answer, EXPORT, PROTOBUF, Sender, frame, hop, in_front_of};
use crate::receiver::{Running, one_span};

/// A server with a certificate, and who vouches for it.
struct Secure {
    url: String,
    ca: String,
    seen: watch::Sender<Vec<hop::Seen>>,
    serving: JoinHandle<()>,
}

impl Secure {
    /// Answers HTTP/1.1 and gRPC, each in its own way.
    async fn start() -> Self {
        tls::install();
        let authority = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (ca, key) = (authority.cert.pem(), authority.signing_key.serialize_pem());
        let seen = watch::Sender::new(Vec::new());
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let routes = hop::router(seen.clone(), gate, |seen| {
            if seen.header("content-type") == Some("application/grpc") {
                hop::grpc(&[], frame(b"", false), &[("grpc-status", "0")])
            } else {
                hop::http(200, &[("content-type", PROTOBUF)], "")
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let identity = ServerTlsConfig::new().identity(Identity::from_pem(&ca, key));
        let mut server = Server::builder().accept_http1(true).tls_config(identity).unwrap();
        let serving = server.add_routes(Routes::from(routes)).serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        Self { url, ca, seen, serving }
    }
}

async fn send_both(running: &Running) -> [Answer; 2] {
    let message = one_span().1.encode_to_vec();
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    [
        Sender::http().post(format!("{}/v1/traces", running.http), &[("content-type", PROTOBUF)], message.clone()).await,
        Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &grpc, frame(&message, false)).await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_trusted_with_its_authority_and_not_without() {
    let secure = Secure::start().await;
    let trusting = Address { ca: Some(secure.ca.clone()), ..Address::plain(&secure.url) };
    let upstreams = Upstreams { grpc: Some(trusting.clone()), http: Some(trusting) };
    let (running, change) = in_front_of(upstreams, Config::default()).await;
    let [http, grpc] = send_both(&running).await;
    assert_eq!((http.status.as_u16(), grpc.grpc_status()), (200, Some("0")), "{:?}", running.traffic.snapshot());
    assert_eq!(secure.seen.borrow().len(), 2);

    let strange = Address::plain(&secure.url);
    change.send(Upstreams { grpc: Some(strange.clone()), http: Some(strange) }).unwrap();
    let [http, grpc] = send_both(&running).await;
    assert_eq!((http.status.as_u16(), grpc.grpc_status()), (503, Some("14")));
    let words = running.traffic.snapshot().last_problem.unwrap();
    assert!(words.contains(&secure.url) && words.contains("certificate"), "{words}");
    assert_eq!(secure.seen.borrow().len(), 2);
    running.stop().await;
    secure.serving.abort();
}
