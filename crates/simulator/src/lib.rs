#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! [`Simulator::builder`] has every setting with its default: [speed](SimulatorBuilder::speed) or a
//! [manual clock](SimulatorBuilder::manual_clock), [slots](SimulatorBuilder::slots), a
//! [rate limit](SimulatorBuilder::rate_limit), [credits](SimulatorBuilder::credits), the
//! [lifetime of URLs](SimulatorBuilder::url_lifetime) and the [shapes](Shape) of responses. [`Scenario`] documents the JSON of a
//! scenario. [`Simulator::tasks`] and [`Simulator::requests`] list what a test asserts on.

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
