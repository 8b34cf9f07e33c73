//! OTLP over gRPC with a client that can send any bytes: what the answers say, and that none of them asks to send the same again.

use bytes::{Buf, BufMut};
use devstack::{backend::Config, model::TraceId};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceResponse, trace_service_client::TraceServiceClient};
use prost::Message;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};

use super::{Running, large, one_span, request};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const PACKINGS: [Option<CompressionEncoding>; 3] = [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)];

/// A codec that takes bytes for messages.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item.as_slice());
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}

async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).unwrap().connect().await.unwrap()
}

async fn send(
    url: &str,
    path: &'static str,
    message: Vec<u8>,
    packing: impl Into<Option<CompressionEncoding>>,
) -> Result<ExportTraceServiceResponse, Status> {
    let client = Grpc::new(channel(url).await);
    let mut client = match packing.into() {
        Some(packing) => client.send_compressed(packing),
        None => client,
    };
    client.ready().await.unwrap();
    let answer = client.unary(Request::new(message), PathAndQuery::from_static(path), Raw).await?;
    Ok(ExportTraceServiceResponse::decode(answer.into_inner().as_slice()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_and_partly_good_requests_are_answered() {
    let running = Running::start(Config::default()).await;
    let (trace, good) = one_span();
    for packing in PACKINGS {
        let answer = send(&running.grpc, EXPORT, good.encode_to_vec(), packing).await.unwrap();
        assert_eq!(answer.partial_success, None);
    }
    let view = running.ledger.view(trace);
    assert_eq!((view.arrivals.len(), view.arrivals[0].resent), (1, 2));

    let trace = TraceId::random();
    let id = trace.bytes().to_vec();
    let mixed = request(&[(id.clone(), vec![1; 8]), (vec![0; 16], vec![1; 8]), (id, vec![1; 7])]);
    let mut client = TraceServiceClient::new(channel(&running.grpc).await);
    let partial = client.export(mixed).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.starts_with("2 of 3 spans rejected: span `work`: the trace id"), "{}", partial.error_message);
    assert_eq!(running.arrived(trace), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_decoded_is_refused_for_good() {
    let running = Running::small().await;
    let good = one_span().1.encode_to_vec();
    let json = serde_json::to_vec(&one_span().1).unwrap();
    let cases = [
        (b"\xff\xff\xff\xff garbage".to_vec(), None, "failed to decode"),
        (good[..good.len() - 3].to_vec(), None, "failed to decode"),
        (json, None, "the message is JSON; OTLP over gRPC is protobuf, JSON is sent over HTTP to http://127.0.0.1:"),
        (large(65 * 1024).encode_to_vec(), None, "the body is larger than the limit of 65536 bytes"),
        (large(50 * 1024 * 1024).encode_to_vec(), None, "the body is larger than the limit of 65536 bytes"),
        (
            large(4 * 1024 * 1024).encode_to_vec(),
            Some(CompressionEncoding::Gzip),
            "the gzip body unpacks to more than the limit of 65536 bytes",
        ),
        (
            large(4 * 1024 * 1024).encode_to_vec(),
            Some(CompressionEncoding::Zstd),
            "the zstd body unpacks to more than the limit of 65536 bytes",
        ),
    ];
    for (message, packing, words) in cases {
        let refused = send(&running.grpc, EXPORT, message, packing).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(refused.message().contains(words), "{refused:?}");
    }
    assert_eq!(running.ledger.usage().spans.items, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_up_to_the_limit_is_taken() {
    let running = Running::small().await;
    let rest = large(65_000).encode_to_vec().len() - 65_000;
    let message = large(64 * 1024 - rest).encode_to_vec();
    assert_eq!(message.len(), 64 * 1024);
    for packing in PACKINGS {
        send(&running.grpc, EXPORT, message.clone(), packing).await.unwrap();
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_told_where_they_are() {
    let running = Running::start(Config::default()).await;
    let unknown = send(&running.grpc, "/grpc.health.v1.Health/Check", Vec::new(), None).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
    let wrong_port = send(&running.http, EXPORT, one_span().1.encode_to_vec(), None).await.unwrap_err();
    assert_eq!(wrong_port.code(), Code::Unimplemented);
    assert!(wrong_port.message().contains(&format!("OTLP over gRPC is at {}", running.grpc)), "{wrong_port:?}");
    running.stop().await;
}
