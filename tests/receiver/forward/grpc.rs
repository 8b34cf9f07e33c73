//! gRPC to gRPC: every byte of the message, every header, and the whole answer with its trailers.

use devstack::backend::{Config, Upstreams};
use devstack::support::address::Address;
use futures_util::future::join_all;
use http::Version;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
    trace_service_server::{TraceService, TraceServiceServer},
};
use prost::Message;
use tonic::{Code, Status, codec::CompressionEncoding, metadata::MetadataMap, transport::Endpoint};

use super::{EXPORT, NextHop, Sender, frame, hop, in_front_of, over_grpc};
use crate::receiver::{gzip, one_span, zstd};

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const TE: (&str, &str) = ("te", "trailers");

fn accepted() -> axum::response::Response {
    hop::grpc(&[], frame(b"", false), &[("grpc-status", "0")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_on_byte_by_byte() {
    let hop = NextHop::answering(|_| accepted()).await;
    let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
    let sender = Sender::grpc();
    let (trace, request) = one_span();
    let message = request.encode_to_vec();
    let packings =
        [("identity", frame(&message, false)), ("gzip", frame(&gzip(&message), true)), ("zstd", frame(&zstd(&message), true))];
    for (encoding, body) in packings {
        let headers = [
            GRPC,
            TE,
            ("grpc-encoding", encoding),
            ("grpc-accept-encoding", "gzip,zstd"),
            ("grpc-timeout", "9S"),
            ("user-agent", "grpc-go/1.80"),
            ("authorization", "Bearer sender"),
            ("x-tenant", "a"),
            ("x-tenant", "b"),
            ("x-trace-bin", "AAEC"),
        ];
        let answer = sender.post(format!("{}{EXPORT}", running.grpc), &headers, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.grpc_status()), (200, Some("0")), "{encoding}: {answer:?}");

        let seen = hop.only();
        assert_eq!((seen.version, seen.uri.path(), &seen.body), (Version::HTTP_2, EXPORT, &body), "{encoding}");
        let mut sent: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut got: Vec<_> = seen.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        got.retain(|header| *header != format!("content-length: {}", body.len()));
        sent.sort();
        got.sort();
        assert_eq!(got, sent, "{encoding}");
        hop.forget();
    }
    let view = running.ledger.view(trace);
    assert_eq!((view.arrivals.len(), view.arrivals[0].resent), (1, 2));
    let spans = running.traffic.snapshot().spans;
    assert_eq!((spans.received, spans.passed_on, spans.refused, spans.rejected), (3, 3, 0, 0));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_back_as_they_are() {
    let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    let partial = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let packed = frame(&gzip(&partial), true);
    let details = "CAgSBHRvbyBtYW55";
    let script: [(&str, axum::response::Response); 5] = [
        ("0", hop::grpc(&[("x-served-by", "a")], frame(&partial, false), &[("grpc-status", "0"), ("x-last", "1")])),
        ("0", hop::grpc(&[("grpc-encoding", "gzip")], packed.clone(), &[("grpc-status", "0")])),
        (
            "8",
            hop::grpc_status(&[
                ("grpc-status", "8"),
                ("grpc-message", "slow%20down%3A%20%C3%A4"),
                ("grpc-status-details-bin", details),
            ]),
        ),
        ("14", hop::grpc(&[], "", &[("grpc-status", "14"), ("grpc-message", "later")])),
        ("16", hop::grpc_status(&[("grpc-status", "16"), ("www-authenticate", "Bearer")])),
    ];
    for (status, response) in script {
        let response = std::sync::Arc::new(std::sync::Mutex::new(Some(response)));
        let hop = NextHop::answering(move |_| response.lock().unwrap().take().unwrap()).await;
        let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
        let body = frame(&one_span().1.encode_to_vec(), false);
        let answer = Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &[GRPC, TE], body).await;
        assert_eq!((answer.status.as_u16(), answer.grpc_status()), (200, Some(status)), "{answer:?}");
        let spans = running.traffic.snapshot().spans;
        match status {
            "0" if answer.headers.contains_key("grpc-encoding") => {
                assert_eq!(answer.body, packed);
                assert_eq!(answer.says("grpc-encoding"), Some("gzip"));
            }
            "0" => {
                assert_eq!(
                    (&answer.body, answer.says("x-served-by"), answer.says("x-last")),
                    (&frame(&partial, false), Some("a"), Some("1"))
                );
                assert_eq!((spans.passed_on, spans.refused), (0, 1));
            }
            "8" => {
                assert_eq!(answer.says("grpc-message"), Some("slow%20down%3A%20%C3%A4"));
                assert_eq!(answer.says("grpc-status-details-bin"), Some(details));
                let words = running.traffic.snapshot().last_problem.unwrap();
                assert_eq!(words, format!("the next hop {} answered ResourceExhausted: slow down: ä", hop.url));
            }
            "14" => assert_eq!(answer.trailers.as_ref().unwrap()["grpc-message"], "later"),
            _ => assert_eq!(answer.says("www-authenticate"), Some("Bearer")),
        }
        assert_eq!((spans.received, spans.passed_on + spans.refused), (1, 1));
        running.stop().await;
    }
}

/// A collector as far as tonic makes one.
struct Collector;

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let spans: usize = request.get_ref().resource_spans.iter().flat_map(|it| &it.scope_spans).map(|it| it.spans.len()).sum();
        if spans == 0 {
            let metadata = MetadataMap::from_headers(http::HeaderMap::from_iter([(
                http::HeaderName::from_static("x-why"),
                http::HeaderValue::from_static("empty"),
            )]));
            let details = bytes::Bytes::from_static(b"\x08\x09");
            return Err(Status::with_details_and_metadata(Code::FailedPrecondition, "no spans", details, metadata));
        }
        let partial_success = Some(ExportTracePartialSuccess { rejected_spans: 0, error_message: format!("{spans} spans") });
        Ok(tonic::Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_client_talks_to_a_real_server_through_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = TraceServiceServer::new(Collector)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .send_compressed(CompressionEncoding::Zstd);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    let upstreams = Upstreams { grpc: Some(Address::plain(url)), http: None };
    let (running, _change) = in_front_of(upstreams, Config::default()).await;

    let channel = Endpoint::from_shared(running.grpc.clone()).unwrap().connect().await.unwrap();
    for packing in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let client = TraceServiceClient::new(channel.clone()).accept_compressed(CompressionEncoding::Zstd);
        let client = packing.map_or(client.clone(), |packing| client.send_compressed(packing));
        // Many at once on one connection, each to its own answer.
        let calls = (0..100).map(|_| {
            let mut client = client.clone();
            async move { client.export(one_span().1).await }
        });
        for answer in join_all(calls).await {
            let partial = answer.unwrap().into_inner().partial_success.unwrap();
            assert_eq!(partial.error_message, "1 spans", "{packing:?}");
        }
        let refused = client.clone().export(ExportTraceServiceRequest::default()).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message(), refused.details()),
            (Code::FailedPrecondition, "no spans", &b"\x08\x09"[..])
        );
        assert_eq!(refused.metadata().get("x-why").unwrap(), "empty");
    }
    assert_eq!(running.traffic.snapshot().spans.passed_on, 300);
    running.stop().await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_compression_is_refused_with_those_that_are_known() {
    let hop = NextHop::answering(|_| accepted()).await;
    let (running, _change) = in_front_of(over_grpc(&hop), Config::default()).await;
    let body = frame(&one_span().1.encode_to_vec(), true);
    let headers = [GRPC, TE, ("grpc-encoding", "snappy")];
    let answer = Sender::grpc().post(format!("{}{EXPORT}", running.grpc), &headers, body).await;
    let status = Status::from_header_map(&answer.headers).unwrap();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "unsupported grpc-encoding `snappy`, supported: [gzip, zstd, identity]");
    assert_eq!(answer.says("grpc-accept-encoding"), Some("gzip, zstd, identity"));
    assert!(hop.seen().is_empty(), "what we cannot read is not passed on");
    running.stop().await;
}
