//! HTTP servers on loopback whose connections can be cut.
//!
//! A handler asks for [`Connection`] and may [`cut`](Connection::cut) it: whatever was not yet
//! written is lost, as when a cable is pulled. Dropping a [`Server`] cuts all of its connections.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves `router` at `addr`.
    ///
    /// # Errors
    ///
    /// Fails when the address is not free.
    pub(crate) async fn start(addr: SocketAddr, router: Router) -> io::Result<Self> {
        let tcp = TcpListener::bind(addr).await?;
        let addr = tcp.local_addr()?;
        let stop = CancellationToken::new();
        let listener = CuttableListener { tcp, stop: stop.clone() };
        let service = router.into_make_service_with_connect_info::<Connection>();
        let accepting = tokio::spawn(async move {
            // `serve` never returns of its own accord.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { addr, stop, accepting })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stop.cancel();
    }
}

/// The connection that a request came by.
#[derive(Clone, Debug)]
pub(crate) struct Connection(CancellationToken);

impl Connection {
    /// Breaks the connection. Nothing more is read from it or written to it.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().connection.clone()
    }
}

#[derive(Debug)]
struct CuttableListener {
    tcp: TcpListener,
    stop: CancellationToken,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.tcp.accept().await {
                Ok((tcp, addr)) => {
                    return (CuttableStream::new(tcp, self.stop.child_token()), addr);
                }
                // The process is out of descriptors, or the peer has gone again.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

#[derive(Debug)]
struct CuttableStream {
    tcp: TcpStream,
    connection: Connection,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl CuttableStream {
    fn new(tcp: TcpStream, token: CancellationToken) -> Self {
        // A peer that has already gone shows itself at the first read.
        let _ = tcp.set_nodelay(true);
        Self { tcp, cut: Box::pin(token.clone().cancelled_owned()), connection: Connection(token) }
    }

    fn check(&self) -> io::Result<()> {
        if self.connection.0.is_cancelled() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

/// An HTTP client for talking to the servers of this crate over plain HTTP.
///
/// Installs the process's TLS provider when there is none yet: without one, not even a client
/// that never speaks TLS can be built.
pub fn http_client() -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race means that another thread has installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Reading the machine's certificates takes longer than all the rest.
        .tls_certs_only([])
        .build()
        .expect("a client without options can be built once a provider is installed")
}
