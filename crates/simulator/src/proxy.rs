//! `Proxy`: forwards requests to the service, and judges each request and response by the documents.

mod body;
mod builder;
mod decode;
mod endpoints;
mod exchange;
mod forward;
mod guard;
mod report;
#[cfg(feature = "rustls")]
mod tls;
mod upstream;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::timeout};

pub use builder::ProxyBuilder;
pub(super) use forward::end_to_end;
pub use report::{ProxyCounts, ReportedDeviation};

use crate::connection::All;
use report::Reports;

/// A validating proxy, which accepts no more connections when this value is dropped.
///
/// It forwards each request to the upstream server, with the caller's key, and the response to the caller, while both are
/// received. Bodies and end-to-end headers are unchanged, except `Host`, which names the upstream; neither `Via` nor any other header
/// is added, except `Date` to a response without one. Interim responses, such as 103, are not forwarded, since hyper's server can
/// send no other than 100; trailers are only if a `Trailer` header names them, and of requests that the guard admits, none are. Of
/// each response the caller sees what the upstream sent: if the upstream closes the connection, so does the proxy. Only for an
/// upstream that cannot be reached, and for a target of another host, the proxy responds itself, with 502 and 501.
///
/// Each request and response is judged by the documents ([`Checker`](super::Checker)). A path below `/_simulator/` that is not
/// the proxy's own is neither forwarded nor judged: its response is a 404 of the proxy.
///
/// ```
/// use aimlapi_video::{Client, types::KlingaiV2MasterTextToVideo};
/// use aimlapi_video_simulator::{Proxy, Simulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::start().await?;
/// let proxy = Proxy::builder(simulator.url()).start().await?;
/// let client = Client::builder().base_url(proxy.url()).api_key("any").build()?;
/// client.create(KlingaiV2MasterTextToVideo::builder().prompt("Rain").build()?).await?;
/// assert_eq!(proxy.counts().exchanges, 1);
/// assert_eq!(proxy.deviations(), []);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    reports: Arc<Reports>,
    connections: All,
    /// Ends when the server and all exchanges have ended.
    ended: oneshot::Receiver<()>,
    /// Dropping the sender starts the server's graceful shutdown.
    stop: oneshot::Sender<()>,
}

/// The time that the exchanges have to end, and that the closed connections have.
const MAX_STOP: Duration = Duration::from_secs(5);

impl Proxy {
    /// Returns a builder of a proxy to the server at this base URL, with the default settings.
    pub fn builder(upstream: impl Into<String>) -> ProxyBuilder {
        ProxyBuilder::new(upstream.into())
    }

    /// Returns the base URL for a client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the socket address that the proxy listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lists the newest 10,000 deviations, the oldest first.
    pub fn deviations(&self) -> Vec<ReportedDeviation> {
        self.reports.list()
    }

    /// Returns how many exchanges have ended, and how many deviations they had, since the last reset.
    pub fn counts(&self) -> ProxyCounts {
        self.reports.counts()
    }

    /// Stops the proxy, and returns the counts since its start, whatever was reset.
    ///
    /// It accepts no more connections, closes those on which no head of a request has arrived, and waits up to 5 seconds for the
    /// responses to the other requests. Then it closes all connections: of an exchange without a complete response, the request
    /// is judged, and the missing response is reported, since a create may have been billed.
    pub async fn stop(mut self) -> ProxyCounts {
        drop(self.stop);
        self.connections.end_unused();
        if timeout(MAX_STOP, &mut self.ended).await.is_err() {
            self.connections.end();
            // A connection with pipelined requests waits for the upstream.
            let _ = timeout(MAX_STOP, self.ended).await;
        }
        self.reports.total()
    }
}
