//! The first bytes of a connection: what is no HTTP at all is closed by the HTTP library without a word, so it is noticed here.
//!
//! Most often that is TLS: exporters over gRPC ask for it unless they are told not to.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use crate::backend::traffic::Observer;

/// Which of the receiver's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Port {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP.
    Http,
}

/// A listener whose connections are looked at as they begin; without an observer they are only set up.
#[derive(Debug)]
pub(in crate::backend) struct Watched {
    inner: TcpListener,
    told: Option<(Port, Observer)>,
}

/// A connection whose first byte is looked at.
#[derive(Debug)]
pub(in crate::backend) struct Connection {
    inner: TcpStream,
    /// Who is told; `None` once it began as it should.
    told: Option<(Port, Observer)>,
}

impl Watched {
    pub(in crate::backend) fn new(inner: TcpListener, told: Option<(Port, Observer)>) -> Self {
        Self { inner, told }
    }
}

impl Listener for Watched {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (inner, address) = Listener::accept(&mut self.inner).await;
        // Answers are small and awaited: Nagle's algorithm would hold them back for up to 40 ms.
        let _ = inner.set_nodelay(true);
        (Connection { inner, told: self.told.clone() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        if let Some(first) = buffer.filled().get(before).copied()
            && let Some((port, observer)) = self.told.take()
            && let Some(words) = wrong(first, port)
        {
            observer.unreadable(&words);
        }
        Poll::Ready(read)
    }
}

/// Every request of HTTP begins with the letters of a method, HTTP/2 with `PRI`.
fn wrong(first: u8, port: Port) -> Option<String> {
    let (name, fix) = match port {
        Port::Grpc => ("gRPC", "begin the endpoint with http://, or set OTEL_EXPORTER_OTLP_INSECURE=true"),
        Port::Http => ("HTTP", "begin the endpoint with http://"),
    };
    match first {
        // A handshake record (RFC 8446, section 5.1).
        0x16 => Some(format!("TLS came to the {name} port, which speaks none on this machine; {fix}")),
        b'A'..=b'Z' => None,
        _ => Some(format!("what came to the {name} port is neither HTTP nor gRPC")),
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
