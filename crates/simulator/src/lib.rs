#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! [`Simulator::builder`] has every setting with its default: other [documents](SimulatorBuilder::documents) than those of the
//! library, [speed](SimulatorBuilder::speed) or a
//! [manual clock](SimulatorBuilder::manual_clock), [slots](SimulatorBuilder::slots), a
//! [rate limit](SimulatorBuilder::rate_limit), [credits](SimulatorBuilder::credits), the
//! [lifetime of URLs](SimulatorBuilder::url_lifetime) and the [shapes](Shape) of responses. [`Scenario`] documents the JSON of a
//! scenario. [`Simulator::tasks`] and [`Simulator::requests`] list what a test asserts on. [`Checker`] judges a request or a response
//! without a server, and [`Proxy`] those that it forwards,
//! which a simulator can [replay](SimulatorBuilder::replay).

mod admin;
mod builder;
mod checker;
mod clips;
mod clock;
mod connection;
mod documents;
mod files;
mod log;
mod openapi;
mod proxy;
mod rate_limit;
mod record;
mod redact;
mod replay;
mod responses;
mod scenario;
mod script;
mod server;
mod shapes;
mod signature;
mod task;
mod tasks;
mod timeline;
mod violation;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

pub use axum::http;
pub use builder::SimulatorBuilder;
pub use checker::{Checker, Deviation, InvalidDocument, Part, Subject};
pub use log::RecordedRequest;
pub use proxy::{Proxy, ProxyBuilder, ProxyCounts, ReportedDeviation};
pub use record::{
    InvalidRecording, RecordedCall, RecordedContent, RecordedExchange, RecordedResponse, Recording,
};
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

    /// Appends the rules of a scenario, which apply to the next creates; a rule for a model without a document applies to none.
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
