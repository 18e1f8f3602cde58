//! A local server that behaves as the documents say, for running and testing without a key, a network or a bill
//! (feature `simulator`).
//!
//! It speaks both URLs: a bearer key or 401, bodies held to the documents themselves (by the `jsonschema` crate, not by this
//! crate's types), queued → generating → completed along the times the vendor's pages state, and an MP4 behind a signed link
//! at the end. Its state is in memory and goes with it.
//!
//! ```
//! use aimlapi_video_simulator::Simulator;
//! use aimlapi_video::{Client, types::KlingaiV2MasterTextToVideo};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().speed(1000.0).start().await?;
//! let client = Client::builder()
//!     .base_url(simulator.url())
//!     .api_key("any")
//!     .wait_options(aimlapi_video::WaitOptions::default().speed(1000.0))
//!     .build()?;
//! let request = KlingaiV2MasterTextToVideo::builder().prompt("A paper lantern rises").build()?;
//! let generation = client.generate(request).await?;
//! assert_eq!(generation.videos().len(), 1);
//! # Ok(())
//! # }
//! ```

//! What else the service may do is set: [slots](SimulatorBuilder::slots) that are few, a
//! [rate limit](SimulatorBuilder::rate_limit), [credits](SimulatorBuilder::credits) that run out,
//! [links](SimulatorBuilder::url_lifetime) that expire, other [shapes](SimulatorBuilder::shapes) of answers; and a [`Scenario`]
//! tells what the next generations do.
//!
//! # From any language
//!
//! `aimlapi-video simulate` runs the same server. Beside the service's own URLs it answers, without a key:
//!
//! | request | answer, or what it does |
//! |---|---|
//! | `GET /_simulator/` | everything of the following |
//! | `GET /_simulator/tasks` | the generations: a list of [`SeenTask`] |
//! | `GET /_simulator/requests` | every request seen, keys left out: a list of [`SeenRequest`] |
//! | `POST /_simulator/scenario` | adds a [`Scenario`]; `GET` shows what is still to be played, `DELETE` drops it |
//! | `POST /_simulator/clock` | `{"advance_seconds": 90}` moves the service's time forward; `GET` tells it |
//! | `POST /_simulator/reset` | forgets everything, and begins as at the start |
//! | `GET /_simulator/openapi.json` | the simulator's own OpenAPI document |
//!
//! ```
//! use std::time::Duration;
//! use aimlapi_video::{Client, GenerationRequest, Route, State};
//! use aimlapi_video_simulator::Simulator;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Time stands still, and the first poll meets an error.
//! let simulator = Simulator::builder().manual_clock().start().await?;
//! let scenario = r#"{ "next": [{ "seconds": 60, "polls": [{ "status": 503 }] }] }"#;
//! simulator.play(scenario.parse()?);
//!
//! let client = Client::builder().base_url(simulator.url()).api_key("any").build()?;
//! let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "Rain" });
//! let request = GenerationRequest::from_json(Route::Universal, body)?;
//! let handle = client.create(request).await?;
//! assert!(client.fetch(&handle).await.is_err());
//! simulator.advance(Duration::from_secs(60));
//! assert_eq!(client.fetch(&handle).await?.state(), State::Completed);
//! assert_eq!(simulator.tasks()[0].polls, 2);
//! assert_eq!(simulator.requests().len(), 3);
//! # Ok(())
//! # }
//! ```

mod admin;
mod answers;
mod builder;
mod clips;
mod clock;
mod course;
mod documents;
mod files;
mod limits;
mod line;
mod log;
mod openapi;
mod scenario;
mod script;
mod server;
mod shapes;
mod signature;
mod task;
mod tasks;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

pub use builder::SimulatorBuilder;
pub use log::SeenRequest;
pub use scenario::{InvalidScenario, Scenario};
pub use shapes::Shape;
pub use tasks::SeenTask;

use server::Service;

/// A running simulator. Dropping it ends it: no connection is taken any more, and those that are open end with their
/// request.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    service: Arc<Service>,
    /// Dropped with the simulator, which tells the server to end.
    _stop: oneshot::Sender<()>,
}

impl Simulator {
    /// Starts one with the default settings, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If the port cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future starts nothing.
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

    /// The generations that it holds, the oldest first.
    pub fn tasks(&self) -> Vec<SeenTask> {
        self.service.tasks.list()
    }

    /// The requests to the service and its files, the oldest first; those below `/_simulator/` are not among them, but for
    /// the files.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.service.log.list()
    }

    /// How many credits are left; `None` where there is no end of them.
    pub fn credits_left(&self) -> Option<f64> {
        self.service.tasks.credits()
    }

    /// Adds to what the next generations do.
    pub fn play(&self, scenario: Scenario) {
        self.service.tasks.play(scenario);
    }

    /// Moves the service's time forward, whether its clock runs or is [moved by hand](SimulatorBuilder::manual_clock).
    pub fn advance(&self, by: Duration) {
        self.service.clock.advance(by);
    }

    /// Forgets the generations and requests, and begins with the credits, requests and scenario it was started with. The
    /// clock goes on.
    pub fn reset(&self) {
        self.service.reset();
    }
}
