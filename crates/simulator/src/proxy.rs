//! `Proxy`: forwards requests to the service, and judges each request and response by the documents.

mod body;
mod builder;
mod exchange;
mod forward;
mod report;
#[cfg(feature = "rustls")]
mod tls;
mod upstream;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    middleware::from_fn,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

pub use builder::ProxyBuilder;
pub use report::{ProxyCounts, ReportedDeviation};

use crate::{connection::Abort, page};
use forward::forward;
use report::Reports;

/// A validating proxy, which accepts no more connections when this value is dropped.
///
/// It forwards each request to the upstream server, with the caller's key, and the response to the caller, while both are
/// received. Bodies, trailers and end-to-end headers are unchanged, except `Host`, which names the upstream; neither `Via` nor any
/// other header is added, except `Date` to a response without one. Interim responses, such as 103, are not forwarded. Of each
/// response the caller sees what the upstream sent: if the upstream closes the connection, so does the proxy. Only for an upstream
/// that cannot be reached, the proxy responds itself, with 502.
///
/// Each request and response is judged by the documents ([`Checker`](super::Checker)). Paths below `/_simulator/` that are not
/// the proxy's own are forwarded and not judged.
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
    connections: Abort,
    server: JoinHandle<io::Result<()>>,
    /// Dropping the sender starts the server's graceful shutdown.
    stop: oneshot::Sender<()>,
}

/// The time that the connections have to end.
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

    /// Returns how many exchanges have ended, and how many deviations they had.
    pub fn counts(&self) -> ProxyCounts {
        self.reports.counts()
    }

    /// Stops the proxy, and returns the counts of all exchanges.
    ///
    /// All connections are closed, and this is awaited for up to 5 seconds. Of an exchange that has no complete response yet, the
    /// request is judged.
    pub async fn stop(self) -> ProxyCounts {
        self.connections.abort();
        drop(self.stop);
        // The server ends without an error when its connections have ended. One with pipelined requests waits for the upstream.
        let _ = timeout(MAX_STOP, self.server).await;
        self.reports.counts()
    }
}

/// Builds the router: the proxy's own endpoints, and everything else to the upstream.
fn router(state: Arc<forward::Forward>) -> Router {
    Router::new()
        .route("/_simulator", get(overview))
        .route("/_simulator/", get(overview))
        .route_layer(from_fn(page::negotiate))
        .route("/_simulator/page/state", get(page_state))
        .route("/_simulator/deviations", get(deviations))
        .route("/_simulator/reset", post(reset))
        .route_layer(from_fn(page::origin::refuse_others))
        .fallback(forward)
        .with_state(state)
}

async fn overview(State(state): State<Arc<forward::Forward>>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "note": "a proxy; deviations are held in memory and are lost when it stops",
        "upstream": state.upstream.url,
        "guard": state.guard,
        "counts": state.reports.counts(),
        "deviations": state.reports.list(),
    }))
}

/// The number of deviations that the page has, of those since the last reset.
#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

/// Responds with what the page shows: the counts, and the deviations that the page does not have.
async fn page_state(
    State(state): State<Arc<forward::Forward>>,
    Query(Since { since }): Query<Since>,
) -> Json<Value> {
    let (epoch, counts, deviations) = state.reports.since(since);
    Json(json!({
        "kind": "proxy",
        "version": env!("CARGO_PKG_VERSION"),
        "upstream": state.upstream.url,
        "guard": state.guard,
        "epoch": epoch,
        "revision": counts.deviations + counts.upstream_failures,
        "counts": counts,
        "deviations": deviations,
    }))
}

async fn deviations(State(state): State<Arc<forward::Forward>>) -> Json<Vec<ReportedDeviation>> {
    Json(state.reports.list())
}

async fn reset(State(state): State<Arc<forward::Forward>>) -> StatusCode {
    state.reports.reset();
    StatusCode::NO_CONTENT
}
