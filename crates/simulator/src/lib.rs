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

mod accounts;
mod admin;
mod builder;
mod checker;
mod clips;
mod clock;
mod connection;
mod documents;
mod files;
mod key;
mod lists;
mod log;
mod openapi;
mod page;
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
mod view;
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
pub use script::RecordedRule;
pub use shapes::Shape;
pub use task::Phase;
pub use tasks::RecordedTask;
pub use view::KeyView;

use key::KeyHash;
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

    /// Returns the part of the simulator that belongs to an API key.
    ///
    /// Generations, rules, credits, rate limit and clock are kept for each key, so that tests with keys of their own share a
    /// simulator and do not affect each other. The methods of `Simulator` itself concern all keys.
    pub fn for_key(&self, key: &str) -> KeyView<'_> {
        self.view(Some(KeyHash::read(key)))
    }

    fn view(&self, key: Option<KeyHash>) -> KeyView<'_> {
        KeyView {
            service: &self.service,
            key,
        }
    }

    /// Lists the generations that the simulator holds, the oldest first.
    pub fn tasks(&self) -> Vec<RecordedTask> {
        self.view(None).tasks()
    }

    /// Lists the requests to the service and its files, the oldest first.
    ///
    /// Of the URLs below `/_simulator/`, only requests for files are recorded.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.view(None).requests()
    }

    /// Returns the credits that are left, or `None` if credits are unlimited: of several keys, the least.
    pub fn credits_left(&self) -> Option<f64> {
        self.view(None).credits_left()
    }

    /// Appends the rules of a scenario, which apply to the next creates of each key; a rule for a model without a document
    /// applies to none.
    pub fn play(&self, scenario: Scenario) {
        self.view(None).play(scenario);
    }

    /// Lists the rules of the scenarios with the creates that each applied to: those for all keys in their order, then those
    /// for each key.
    pub fn rules(&self) -> Vec<RecordedRule> {
        self.view(None).rules()
    }

    /// Asserts how many creates the rules of this name applied to.
    ///
    /// # Panics
    ///
    /// If it was another number, or no rule has the name. The message lists all rules with their counts.
    #[track_caller]
    pub fn assert_rule(&self, name: &str, applied: u64) {
        self.view(None).assert_rule(name, applied);
    }

    /// Moves the service's clock forward, whether the clock runs or is [manual](SimulatorBuilder::manual_clock).
    pub fn advance(&self, by: Duration) {
        self.view(None).advance(by);
    }

    /// Returns to the initial state: no generations and no recorded requests, and the initial scenario, credits, rate limit,
    /// clock and [seeded](SimulatorBuilder::seed) ids.
    pub fn reset(&self) {
        self.view(None).reset();
    }
}
