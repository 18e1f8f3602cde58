//! The settings of a simulator.

use std::{
    future::IntoFuture,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot};

use super::{
    Scenario, Shape, Simulator,
    clock::Clock,
    documents::Documents,
    limits::RateLimit,
    line::{Cut, Lines},
    log::Log,
    server::{self, Service},
    tasks::{Settings, Tasks},
};

/// The settings of a [`Simulator`].
///
/// # Default
///
/// - address: a free port on `127.0.0.1`
/// - speed: 60, so that a minute takes a second
/// - key: any
/// - videos: one
/// - strict: no
/// - seed: 0; spread: 0.15
/// - slots, rate, credits: without limit
/// - links: good for 24 hours
/// - shapes: as the documents have them
/// - scenario: none
/// - tasks: 100,000 at most; requests that are listed: 10,000 at most
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct SimulatorBuilder {
    address: SocketAddr,
    /// `None` for a clock that is moved by hand.
    speed: Option<f64>,
    key: Option<String>,
    strict: bool,
    rate_limit: Option<u32>,
    max_requests: usize,
    settings: Settings,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            speed: Some(60.0),
            key: None,
            strict: false,
            rate_limit: None,
            max_requests: 10_000,
            settings: Settings {
                videos: 1,
                seed: 0,
                spread: 0.15,
                slots: None,
                credits: None,
                url_lifetime: Duration::from_secs(24 * 60 * 60),
                shapes: vec![Shape::Documented],
                max_tasks: 100_000,
                scenario: Scenario::default(),
            },
        }
    }
}

impl SimulatorBuilder {
    /// Where to listen: a free port on `127.0.0.1` by default, and port 0 for a free one elsewhere. Other machines reach it only if this names an address of the network.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// How many times faster than the service its time runs, 60 by default; values that are not positive count as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = Some(if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        });
        self
    }

    /// Lets its time stand until [`Simulator::advance`] or `POST /_simulator/clock` moves it, so that a test meets each state
    /// without waiting for it. The time that the rate limit and the links go by stands with it.
    pub fn manual_clock(mut self) -> Self {
        self.speed = None;
        self
    }

    /// The one key that it takes; without this, any.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// How many videos a finished generation holds, at least one. Two or more are a list, as some models answer.
    pub fn videos(mut self, videos: usize) -> Self {
        self.settings.videos = videos.max(1);
        self
    }

    /// Judges requests by their documents alone. Otherwise it takes numeric strings for numbers, and plain base64 text for
    /// some media, as the service does.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// What durations are drawn by, 0 by default: the same seed and the same requests in the same order give the same durations.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How far durations spread around those that the vendor's pages state: the standard deviation of ln seconds, 0 to 2,
    /// and 0.15 by default. With 0, a model whose pages state one duration always takes that.
    pub fn spread(mut self, spread: f64) -> Self {
        self.settings.spread = if spread.is_finite() {
            spread.clamp(0.0, 2.0)
        } else {
            0.0
        };
        self
    }

    /// How many generations are made at once, at least one; the others queue, first come, first served.
    pub fn slots(mut self, slots: usize) -> Self {
        self.settings.slots = Some(slots);
        self
    }

    /// How many requests with a good key it takes in a minute of real time, at least one; what is left of a minute's
    /// requests is saved up, and no more. The next is answered with 429, and told by `Retry-After` when to come again.
    pub fn rate_limit(mut self, per_minute: u32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// How many credits there are to spend; a create that costs more than what is left is answered with 403. A generation
    /// that does not end well costs nothing. Credits are 100,000 to a second of video here.
    pub fn credits(mut self, credits: f64) -> Self {
        self.settings.credits = Some(credits.max(0.0));
        self
    }

    /// How long, in real time and whole seconds, the links of an answer are good; 24 hours by default. Every poll gives new ones.
    pub fn url_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.url_lifetime = lifetime;
        self
    }

    /// The shapes of its answers: the first generation has the first, and so on in turn. None means the default one.
    pub fn shapes(mut self, shapes: impl IntoIterator<Item = Shape>) -> Self {
        self.settings.shapes = shapes.into_iter().collect();
        if self.settings.shapes.is_empty() {
            self.settings.shapes.push(Shape::default());
        }
        self
    }

    /// What the first generations do; [`Simulator::reset`] begins it anew.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.settings.scenario = scenario;
        self
    }

    /// How many generations it holds, at least one; 100,000 by default. Beyond that, the one that ended first is forgotten; while none has
    /// ended, a create is answered with 429.
    pub fn max_tasks(mut self, max: usize) -> Self {
        self.settings.max_tasks = max.max(1);
        self
    }

    /// How many requests it lists, at least one: the newest 10,000 by default.
    pub fn max_requests(mut self, max: usize) -> Self {
        self.max_requests = max.max(1);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future starts nothing.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let documents = Documents::embedded(self.strict).map_err(io::Error::other)?;
        let clock = Arc::new(self.speed.map_or_else(Clock::manual, Clock::running));
        let service = Arc::new(Service {
            key: self.key,
            strict: self.strict,
            shapes: self.settings.shapes.clone(),
            documents,
            clock: Arc::clone(&clock),
            rate_limit: self.rate_limit.map(RateLimit::new),
            tasks: Tasks::new(self.settings, clock),
            log: Log::new(self.max_requests),
        });
        let router = server::router(Arc::clone(&service));
        let router = router.into_make_service_with_connect_info::<Cut>();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(Lines(listener), router).with_graceful_shutdown(async {
            // Nothing is ever sent: the sender is dropped.
            let _ = stopped.await;
        });
        tokio::spawn(server.into_future());
        Ok(Simulator {
            address,
            service,
            _stop: stop,
        })
    }
}
