//! A local HTTP server that simulates AI/ML API's video generation, for tests without a key, network access or costs.
//!
//! The simulator serves both create and fetch URLs of the service. A request needs a bearer key, or it gets 401. The body of
//! a create is validated against the vendor's OpenAPI documents by the `jsonschema` crate, independently of the client's own
//! request types. A generation is queued, then generating, then completed, after the durations that the vendor's pages state,
//! and a completed generation has an MP4 file behind a signed URL. The simulator holds its state in memory only.
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
//!
//! [`SimulatorBuilder`] configures further behaviour of the service: a limited number of generations at once
//! ([slots](SimulatorBuilder::slots)), a [rate limit](SimulatorBuilder::rate_limit), limited
//! [credits](SimulatorBuilder::credits), URLs that [expire](SimulatorBuilder::url_lifetime), and other
//! [shapes](SimulatorBuilder::shapes) of responses. A [`Scenario`] scripts the next generations: their errors, delays and
//! lost responses.
//!
//! # Control from any language
//!
//! `aimlapi-video simulate` runs the same server. Besides the URLs of the service, the server has the following endpoints,
//! which need no key:
//!
//! | Request | Response or effect |
//! |---|---|
//! | `GET /_simulator/` | settings, credits, tasks and requests in one object |
//! | `GET /_simulator/tasks` | the generations: a list of [`RecordedTask`] |
//! | `GET /_simulator/requests` | the recorded requests, without keys: a list of [`RecordedRequest`] |
//! | `POST /_simulator/scenario` | adds a [`Scenario`]; `GET` returns the rules that are left, `DELETE` removes them |
//! | `POST /_simulator/clock` | `{"advance_seconds": 90}` moves the service's clock forward; `GET` returns its time |
//! | `POST /_simulator/reset` | removes all tasks and requests, and restores the initial credits and scenario |
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
//! // The clock is moved by hand, and the first poll gets an error.
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
mod builder;
mod clips;
mod clock;
mod connection;
mod documents;
mod files;
mod log;
mod openapi;
mod rate_limit;
mod responses;
mod scenario;
mod script;
mod server;
mod shapes;
mod signature;
mod task;
mod tasks;
mod timeline;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

pub use builder::SimulatorBuilder;
pub use log::RecordedRequest;
pub use scenario::{InvalidScenario, Scenario};
pub use shapes::Shape;
pub use task::Phase;
pub use tasks::RecordedTask;

use server::Service;

/// A running simulator, which stops when this value is dropped.
///
/// After the drop the server accepts no connection, and closes each open connection once its request has been answered.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    service: Arc<Service>,
    /// Dropping the sender starts the server's graceful shutdown.
    _stop: oneshot::Sender<()>,
}

impl Simulator {
    /// Starts a simulator with the default settings, on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If the port cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped, no server is started.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// Returns the base URL for a client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the socket address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lists the generations that the simulator holds, the oldest first.
    pub fn tasks(&self) -> Vec<RecordedTask> {
        self.service.tasks.list()
    }

    /// Lists the requests to the service and its files, the oldest first.
    ///
    /// Of the URLs below `/_simulator/`, only requests for files are recorded.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.service.log.list()
    }

    /// Returns the credits that are left, or `None` if credits are unlimited.
    pub fn credits_left(&self) -> Option<f64> {
        self.service.tasks.credits()
    }

    /// Appends the rules of a scenario, which apply to the next creates.
    pub fn play(&self, scenario: Scenario) {
        self.service.tasks.play(scenario);
    }

    /// Moves the service's clock forward, whether the clock runs or is [manual](SimulatorBuilder::manual_clock).
    pub fn advance(&self, by: Duration) {
        self.service.clock.advance(by);
    }

    /// Removes all generations and recorded requests, and restores the initial credits, rate limit and scenario.
    ///
    /// The clock is not reset.
    pub fn reset(&self) {
        self.service.reset();
    }
}
