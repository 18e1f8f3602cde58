//! `ProxyBuilder`: the settings of a proxy, their defaults, and the start of its server.

use std::{
    convert::Infallible,
    fmt,
    future::{IntoFuture, ready},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::{
    http::{Request, Response},
    serve::IncomingStream,
};
use tokio::{net::TcpListener, sync::oneshot};
use tower::service_fn;

use super::{
    Proxy, ReportedDeviation,
    endpoints::{router, service},
    forward::Forward,
    report::Reports,
    upstream::Upstream,
};
use crate::{
    Checker, Deviation, RecordedExchange,
    connection::{Abort, AbortableListener},
};

/// The reading of a response by the caller's client.
pub(super) type Reading =
    dyn Fn(&Request<Vec<u8>>, &Response<Vec<u8>>) -> Vec<Deviation> + Send + Sync;

/// A function that is called with each deviation.
pub(super) type OnDeviation = dyn Fn(&ReportedDeviation) + Send + Sync;

/// A function that is called with each exchange.
pub(super) type OnExchange = dyn Fn(RecordedExchange) + Send + Sync;

/// Configures and starts a [`Proxy`].
///
/// # Default
///
/// - address: a free port on `127.0.0.1`
/// - documents: those that the library was built from
/// - guard: off
/// - a response is late after 30 seconds
#[must_use = "a builder does nothing until `start` is called"]
pub struct ProxyBuilder {
    upstream: String,
    address: SocketAddr,
    checker: Option<Checker>,
    guard: bool,
    late_after: Duration,
    reading: Option<Box<Reading>>,
    on_deviation: Option<Box<OnDeviation>>,
    on_exchange: Option<Box<OnExchange>>,
}

impl fmt::Debug for ProxyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyBuilder")
            .field("address", &self.address)
            .field("guard", &self.guard)
            .field("late_after", &self.late_after)
            .finish_non_exhaustive()
    }
}

impl ProxyBuilder {
    pub(super) fn new(upstream: String) -> Self {
        Self {
            upstream,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            checker: None,
            guard: false,
            late_after: Duration::from_secs(30),
            reading: None,
            on_deviation: None,
            on_exchange: None,
        }
    }

    /// Sets the address to listen on: by default a free port on `127.0.0.1`.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets the judge, in place of one with the documents that the library was built from.
    pub fn checker(mut self, checker: Checker) -> Self {
        self.checker = Some(checker);
        self
    }

    /// Sets whether requests that deviate are refused instead of forwarded: `false` by default.
    ///
    /// A refused request costs nothing. The body of each request is then received completely before it is forwarded.
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// Sets after which time without a response, or without its next part, the upstream is reported as late: 30 seconds by default.
    ///
    /// The proxy goes on to wait for the response.
    pub fn late_after(mut self, late_after: Duration) -> Self {
        self.late_after = late_after;
        self
    }

    /// Sets a function that reads each complete response as a client does, and returns what it reads otherwise than the
    /// response states; see [`Deviation::of_reading`].
    pub fn reading(
        mut self,
        reading: impl Fn(&Request<Vec<u8>>, &Response<Vec<u8>>) -> Vec<Deviation>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.reading = Some(Box::new(reading));
        self
    }

    /// Sets a function that is called with each deviation when it is found.
    pub fn on_deviation(
        mut self,
        on_deviation: impl Fn(&ReportedDeviation) + Send + Sync + 'static,
    ) -> Self {
        self.on_deviation = Some(Box::new(on_deviation));
        self
    }

    /// Sets a function that is called with each exchange whose response is complete and judged in full, to record it.
    ///
    /// The exchange contains the prompt, but no key, no query of a URL, and no media.
    pub fn on_exchange(
        mut self,
        on_exchange: impl Fn(RecordedExchange) + Send + Sync + 'static,
    ) -> Self {
        self.on_exchange = Some(Box::new(on_exchange));
        self
    }

    /// Binds the address and starts the proxy.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound, a document cannot be compiled, or the upstream is not an `http` or `https` URL. For
    /// `https`, which needs the feature `rustls`, also if there are no root certificates.
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped, no server is started.
    pub async fn start(self) -> io::Result<Proxy> {
        let upstream = Upstream::new(&self.upstream)?;
        let checker = self.checker.map_or_else(Checker::new, Ok);
        let checker = checker.map_err(io::Error::other)?;
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let listener = AbortableListener::new(listener);
        let connections = listener.all();
        let reports = Arc::new(Reports::default());
        let (end, ended) = oneshot::channel::<()>();
        let state = Arc::new(Forward {
            upstream,
            guard: self.guard,
            port: address.port(),
            connections: connections.clone(),
            late_after: self.late_after,
            checker,
            reading: self.reading,
            on_deviation: self.on_deviation,
            on_exchange: self.on_exchange,
            received: AtomicU64::new(0),
            reports: Arc::clone(&reports),
            _ended: end,
        });
        let router = router(Arc::clone(&state), address.ip().is_loopback());
        let services = service_fn(move |stream: IncomingStream<'_, AbortableListener>| {
            let abort = Abort::of(&stream);
            let service = service(router.clone(), Arc::clone(&state), abort);
            ready(Ok::<_, Infallible>(service))
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, services).with_graceful_shutdown(async {
            // No message is sent: the receiver resolves when the sender is dropped.
            let _ = stopped.await;
        });
        tokio::spawn(server.into_future());
        Ok(Proxy {
            address,
            reports,
            connections,
            ended,
            stop,
        })
    }
}
