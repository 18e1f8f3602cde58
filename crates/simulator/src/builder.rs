//! `SimulatorBuilder`: the settings of a simulator, their defaults, and the start of its server.

use std::{
    future::IntoFuture,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use aimlapi_video::{contract::Model, documents::Document};
use tokio::{net::TcpListener, sync::oneshot};

use super::{
    Recording, Scenario, Shape, Simulator,
    accounts::Accounts,
    connection::{Abort, AbortableListener},
    documents::Documents,
    key::KeyHash,
    log::Log,
    replay::Replay,
    server::{self, Service},
    tasks::Settings,
};

/// Configures and starts a [`Simulator`].
///
/// Limits, credits and the scenario are those of each API key: programs with different keys do not affect each other.
///
/// # Default
///
/// - address: a free port on `127.0.0.1`
/// - speed: 60, so that a minute takes a second
/// - key: any key is accepted
/// - videos: one per generation
/// - documents: those that the library was built from
/// - strict: no
/// - seed: none, so that ids are random; spread: 0.15
/// - slots, rate limit, credits: unlimited
/// - URLs of files: valid for 24 hours
/// - shape of responses: as documented
/// - scenario: empty
/// - at most 100,000 tasks of each key, and at most 10,000 recorded requests
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct SimulatorBuilder {
    address: SocketAddr,
    /// Only the hash of the key is kept, so that no output can contain the key.
    key: Option<KeyHash>,
    strict: bool,
    max_requests: usize,
    cors: bool,
    /// The documents that were read at run time, in place of the embedded ones.
    documents: Option<Vec<(Model, Document)>>,
    replay: Option<Recording>,
    replay_only: bool,
    settings: Settings,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            key: None,
            strict: false,
            max_requests: 10_000,
            cors: false,
            documents: None,
            replay: None,
            replay_only: false,
            settings: Settings {
                videos: 1,
                speed: Some(60.0),
                rate_limit: None,
                seed: None,
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
    /// Sets the address to listen on: by default a free port on `127.0.0.1`.
    ///
    /// Port 0 selects a free port. Other machines reach the simulator only through an address of the network.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets how many times faster than real time the service's clock runs: 60 by default.
    ///
    /// A value that is not finite or not positive counts as 1.
    pub fn speed(mut self, speed: f64) -> Self {
        self.settings.speed = Some(if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        });
        self
    }

    /// Stops the clock, so that only [`Simulator::advance`] and `POST /_simulator/clock` move it.
    ///
    /// A test can then observe each state without waiting. The rate limit and the expiry of URLs use the same clock.
    pub fn manual_clock(mut self) -> Self {
        self.settings.speed = None;
        self
    }

    /// Sets the only key that the simulator accepts; without this setting it accepts any key.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(KeyHash::of_key(&key.into()));
        self
    }

    /// Sets the number of videos of a completed generation: 1 by default, at least 1.
    ///
    /// Two or more videos are returned as a list, as some models do.
    pub fn videos(mut self, videos: usize) -> Self {
        self.settings.videos = videos.max(1);
        self
    }

    /// Sets whether the pages of any origin may send requests and read the responses (CORS): `false` by default.
    ///
    /// This includes the simulator's own endpoints, which need no key. By default, those that change something refuse the pages
    /// of other origins.
    pub fn cors(mut self, cors: bool) -> Self {
        self.cors = cors;
        self
    }

    /// Sets whether requests are validated strictly by their documents: `false` by default.
    ///
    /// A simulator that is not strict also accepts numeric strings as numbers, and plain base64 text for some media, as the
    /// service does.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets the documents that requests are validated by, each with its model, in place of those that the library was built
    /// from. This is for models newer than the library: the package
    /// [`aimlapi-video-codegen`](https://docs.rs/aimlapi-video-codegen) reads their documents at run time.
    pub fn documents(mut self, documents: impl IntoIterator<Item = (Model, Document)>) -> Self {
        self.documents = Some(documents.into_iter().collect());
        self
    }

    /// Sets the seed of durations, of the ids of generations, and of the signatures of URLs.
    ///
    /// With the same seed, the same requests of a key in the same order get the same ids and durations in every run and after
    /// every reset. A [manual clock](Self::manual_clock) then starts at 2100-01-01T00:00:00Z, so that times in responses are
    /// the same, too. Without a seed, ids are random, and the durations are those of seed 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Sets how far durations spread around those that the vendor's pages state: 0.15 by default.
    ///
    /// The spread is the standard deviation of the natural logarithm of the seconds, 0 to 2. With 0, a model for which the
    /// pages state a single duration always takes exactly that long.
    pub fn spread(mut self, spread: f64) -> Self {
        self.settings.spread = if spread.is_finite() {
            spread.clamp(0.0, 2.0)
        } else {
            0.0
        };
        self
    }

    /// Sets how many generations run at once, at least 1; further ones are queued in the order of their creates.
    ///
    /// The default is no limit.
    pub fn slots(mut self, slots: usize) -> Self {
        self.settings.slots = Some(slots);
        self
    }

    /// Limits the authenticated requests per minute of real time, at least 1; the default is no limit.
    ///
    /// Unused requests accumulate up to the number of one minute. A request above the limit gets 429 with a `Retry-After`
    /// header that states when the next request is accepted.
    pub fn rate_limit(mut self, per_minute: u32) -> Self {
        self.settings.rate_limit = Some(per_minute);
        self
    }

    /// Sets the credits that creates can spend; the default is no limit.
    ///
    /// A create that costs more than the credits left gets 403. A generation that does not complete costs nothing. The
    /// simulator charges 100,000 credits per second of video.
    pub fn credits(mut self, credits: f64) -> Self {
        self.settings.credits = Some(credits.max(0.0));
        self
    }

    /// Sets how long the URLs of files are valid, in real time and whole seconds: 24 hours by default.
    ///
    /// Every poll returns new URLs.
    pub fn url_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.url_lifetime = lifetime;
        self
    }

    /// Sets the shapes of responses, which generations take in turn.
    ///
    /// An empty list means [`Shape::Documented`], the default.
    pub fn shapes(mut self, shapes: impl IntoIterator<Item = Shape>) -> Self {
        self.settings.shapes = shapes.into_iter().collect();
        if self.settings.shapes.is_empty() {
            self.settings.shapes.push(Shape::default());
        }
        self
    }

    /// Sets the scenario for the first generations; [`Simulator::reset`] restarts it.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.settings.scenario = scenario;
        self
    }

    /// Sets a recording to replay: none by default.
    ///
    /// A create with the body of a recorded one gets the recorded response, and fetches of its id the recorded responses at
    /// the recorded times on the simulator's clock. Creates with the same body get the recorded courses in their order. URLs in
    /// the responses are replaced by those of the simulator's clips, under the recorded file names. Other requests are simulated.
    pub fn replay(mut self, recording: Recording) -> Self {
        self.replay = Some(recording);
        self
    }

    /// Sets whether a create that the recording does not have is refused, with 404: `false` by default.
    pub fn replay_only(mut self, replay_only: bool) -> Self {
        self.replay_only = replay_only;
        self
    }

    /// Limits the generations of each key that the simulator holds: 100,000 by default, at least 1.
    ///
    /// At the limit, a create removes the generation that ended first. If no generation has ended, the create gets 429.
    pub fn max_tasks(mut self, max: usize) -> Self {
        self.settings.max_tasks = max.max(1);
        self
    }

    /// Limits the recorded requests to the newest ones: 10,000 by default, at least 1.
    pub fn max_requests(mut self, max: usize) -> Self {
        self.max_requests = max.max(1);
        self
    }

    /// Binds the address and starts the server.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound, a document cannot be compiled, or the scenario names a model without a document.
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped, no server is started.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind(self.address).await?;
        let address = listener.local_addr()?;
        let documents = match self.documents {
            None => Documents::embedded(self.strict),
            Some(given) => Documents::read(given, self.strict).map(Arc::new),
        };
        let documents = documents.map_err(io::Error::other)?;
        let checked = self.settings.scenario.check_models(&documents.ids());
        checked.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let replay = self.replay.as_ref();
        let replay = replay.map(|recording| Replay::new(recording, self.replay_only, &documents));
        let service = Arc::new(Service {
            key: self.key,
            strict: self.strict,
            shapes: self.settings.shapes.clone(),
            documents,
            accounts: Accounts::new(self.settings),
            log: Log::new(self.max_requests),
            replay,
            any_origin: self.cors,
            checker: OnceLock::new(),
        });
        let mut router = server::router(Arc::clone(&service));
        if self.cors {
            router = router.layer(server::cors());
        }
        let router = router.into_make_service_with_connect_info::<Abort>();
        let (stop, stopped) = oneshot::channel::<()>();
        let server =
            axum::serve(AbortableListener::new(listener), router).with_graceful_shutdown(async {
                // No message is sent: the receiver resolves when the sender is dropped.
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
