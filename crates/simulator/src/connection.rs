//! Connections that a handler can abort, so that a client receives no response at all.
//!
//! `AbortableListener` accepts TCP connections. Each connection has an `Abort` handle, which handlers of its requests get as
//! axum's connection info. After `Abort::abort` every write to the connection fails, which makes the server close it.
//! `All` ends the connections of a listener.

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
        let all = All(watch::Sender::new(Phase::Open));
        Self { listener, all }
    }

    /// Returns a handle on all connections.
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
            changed: Box::pin(self.all.after(Phase::Open)),
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
pub(super) struct Abort(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_aborted: AtomicBool,
    /// Whether a request was received.
    is_used: AtomicBool,
}

impl Abort {
    /// Returns the handle of a connection that was accepted.
    pub(super) fn of(stream: &IncomingStream<'_, AbortableListener>) -> Self {
        stream.io().abort.clone()
    }

    /// Aborts the connection: no further byte is written, and the next write closes the connection.
    pub(super) fn abort(&self) {
        self.0.is_aborted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.0.is_aborted.load(Ordering::Relaxed)
    }

    /// States that a request was received, so that [`All::end_unused`] does not end the connection.
    pub(super) fn set_used(&self) {
        self.0.is_used.store(true, Ordering::Relaxed);
    }

    fn is_used(&self) -> bool {
        self.0.is_used.load(Ordering::Relaxed)
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
        Self::of(&stream)
    }
}

/// All connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct All(watch::Sender<Phase>);

/// Which connections have ended.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Phase {
    /// No connection.
    Open,
    /// Those without the head of a request.
    UnusedEnded,
    /// All.
    Ended,
}

impl All {
    /// Ends the connections on which no head of a request was received: a server does not close them when it stops.
    pub(super) fn end_unused(&self) {
        self.0.send_replace(Phase::UnusedEnded);
    }

    /// Ends the connections: each of them reads the end of its stream, as if its client had left.
    pub(super) fn end(&self) {
        self.0.send_replace(Phase::Ended);
    }

    pub(super) fn have_ended(&self) -> bool {
        self.phase() == Phase::Ended
    }

    fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    fn after(&self, phase: Phase) -> impl Future<Output = ()> + use<> {
        let mut phases = self.0.subscribe();
        async move {
            // The connection has a sender, so that there is no error.
            let _ = phases.wait_for(|now| *now > phase).await;
        }
    }
}

/// A TCP connection that fails to write once it is aborted.
pub(super) struct Connection {
    stream: TcpStream,
    abort: Abort,
    all: All,
    /// Wakes the connection at the next phase.
    changed: BoxFuture<'static, ()>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.all.have_ended() {
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            return read;
        }
        loop {
            let phase = self.all.phase();
            if phase == Phase::Ended || (phase == Phase::UnusedEnded && !self.abort.is_used()) {
                return Poll::Ready(Ok(()));
            }
            if self.changed.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.changed = Box::pin(self.all.after(phase));
        }
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
