//! A local server that behaves as the documents say, for running and testing without a key, a network or a bill
//! (feature `simulator`).
//!
//! It speaks both URLs: a bearer key or 401, bodies held to the documents themselves (by the `jsonschema` crate, not by this
//! crate's types), queued → generating → completed along the times the vendor's pages state, and an MP4 at the end. Its
//! state is in memory and goes with it.
//!
//! ```
//! use aimlapi_video::{Client, simulator::Simulator, types::KlingaiV2MasterTextToVideo};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().speed(1000.0).start().await?;
//! let client = Client::builder()
//!     .base_url(simulator.url())
//!     .api_key("any")
//!     .wait_options(aimlapi_video::WaitOptions::default().speed(1000.0))
//!     .build()?;
//! let request = KlingaiV2MasterTextToVideo::builder().prompt("A paper lantern rises").duration(5).build()?;
//! let generation = client.generate(request).await?;
//! assert_eq!(generation.videos().len(), 1);
//! # Ok(())
//! # }
//! ```

mod clips;
mod documents;
mod server;
mod tasks;

use std::{
    future::IntoFuture,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, sync::oneshot};

use documents::Documents;
use tasks::Tasks;

/// A running simulator. Dropping it ends it: no connection is taken any more, and those that are open end with their
/// request.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    /// Dropped with the simulator, which tells the server to end.
    _stop: oneshot::Sender<()>,
}

impl Simulator {
    /// Starts one with the default settings, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If the port cannot be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Settings other than the default ones.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// The base URL for a client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The settings of a [`Simulator`].
///
/// # Default
///
/// - address: a free port on `127.0.0.1`
/// - speed: 60, so that a minute takes a second
/// - key: any
/// - videos: one
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct SimulatorBuilder {
    address: SocketAddr,
    speed: f64,
    key: Option<String>,
    videos: usize,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            speed: 60.0,
            key: None,
            videos: 1,
        }
    }
}

impl SimulatorBuilder {
    /// Where to listen. Other machines reach it only if this names an address of the network.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// How many times faster than the service its time runs; values that are not positive count as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        self
    }

    /// The one key that it takes; without this, any.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// How many videos a finished generation holds, at least one. Two or more are a list, as some models answer.
    pub fn videos(mut self, videos: usize) -> Self {
        self.videos = videos.max(1);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let documents = Documents::embedded().map_err(io::Error::other)?;
        let service = server::Service {
            key: self.key,
            documents,
            tasks: Tasks::new(self.speed, self.videos),
        };
        let router = server::router(Arc::new(service));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // Nothing is ever sent: the sender is dropped.
            let _ = stopped.await;
        });
        tokio::spawn(server.into_future());
        Ok(Simulator {
            address,
            _stop: stop,
        })
    }
}
