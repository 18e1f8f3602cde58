//! Connections that a handler can abort, so that a client receives no response at all.
//!
//! `AbortableListener` accepts TCP connections. Each connection has an `Abort` handle, which handlers of its requests get as
//! axum's connection info. After `Abort::abort` every write to the connection fails, which makes the server close it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A TCP listener whose connections can be aborted.
#[derive(Debug)]
pub(super) struct AbortableListener {
    listener: TcpListener,
    all: All,
}

impl AbortableListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        let all = All(watch::Sender::new(false));
        Self { listener, all }
    }

    /// Returns a handle that ends all connections.
    pub(super) fn all(&self) -> All {
        self.all.clone()
    }
}

impl Listener for AbortableListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // axum's implementation retries when file descriptors run out.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Responses are small, and clients often wait for one before they send the next request.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            stream,
            abort: Abort::default(),
            ended: Box::pin(self.all.ended()),
            all: self.all.clone(),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Aborts the connection of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Abort(Arc<AtomicBool>);

impl Abort {
    /// Aborts the connection: no further byte is written, and the next write closes the connection.
    pub(super) fn abort(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> io::Result<()> {
        match self.is_aborted() {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }
}

impl Connected<IncomingStream<'_, AbortableListener>> for Abort {
    fn connect_info(stream: IncomingStream<'_, AbortableListener>) -> Self {
        stream.io().abort.clone()
    }
}

/// All connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct All(watch::Sender<bool>);

impl All {
    /// Ends the connections: each of them reads the end of its stream, as if its client had left.
    pub(super) fn end(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn have_ended(&self) -> bool {
        *self.0.borrow()
    }

    fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.0.subscribe();
        async move {
            // The connection has a sender, so that there is no error.
            let _ = ended.wait_for(|has_ended| *has_ended).await;
        }
    }
}

/// A TCP connection that fails to write once it is aborted.
pub(super) struct Connection {
    stream: TcpStream,
    abort: Abort,
    all: All,
    /// Wakes the connection when all are ended.
    ended: BoxFuture<'static, ()>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.all.have_ended() || self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.abort.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.abort.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
