//! The client for programs without async (feature `blocking`): the same methods, each of which blocks until it is done.
//!
//! ```no_run
//! use aimlapi_video::{blocking::Client, types::KlingaiV2MasterTextToVideo};
//!
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let request = KlingaiV2MasterTextToVideo::builder().prompt("A kite climbs over the dunes").duration(5).build()?;
//! let made = client.generate_to(request, "kite.mp4").outcome()?; // checks the target, pays, waits, saves
//! println!("{} bytes", made.saved[0].bytes);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] has one thread of its own, which its clones share. Connections, timers and the tasks of batches live there,
//! so they go on between two calls; everything else happens on the thread that calls. The thread ends when the last clone is
//! gone, and everything that was made with it, and the creates that were on their way have been answered.
//!
//! All of it works inside an async runtime as well, and may be dropped there; but a call keeps its thread, and whatever
//! else that thread would do meanwhile, waiting. Use the [async client](crate::Client) there, or a thread for blocking work.
//! Connections that are shared with an async client live on the runtime that opened them: a call on a thread that drives
//! that runtime may wait for itself until its time is over.

use std::{iter::FusedIterator, path::Path, sync::Arc, time::Duration};

use crate::Journal;
use crate::{
    BatchEvent, ClientBuilder, Error, ErrorKind, Generation, GenerationHandle,
    IntoGenerationRequest, Received, Saved, SavedGeneration, Update, WaitOptions,
    schedule::Durations,
};
use runtime::Runtime;

/// Settings that are those of the async type of the same name.
macro_rules! settings {
    ($type:ident: $($(#[$attribute:meta])* $name:ident($($given:ident: $of:ty),*);)*) => {$(
        #[doc = concat!("As [`", stringify!($type), "::", stringify!($name), "`](crate::", stringify!($type), "::", stringify!($name), ").")]
        $(#[$attribute])*
        pub fn $name(mut self, $($given: $of),*) -> Self {
            self.inner = self.inner.$name($($given),*);
            self
        }
    )*};
}

mod download;
mod runtime;

pub use download::Download;

/// A client of the service for programs without async, otherwise as [`crate::Client`]. Clones share one connection pool and
/// one thread.
#[derive(Clone, Debug)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

/// A client that shares connections, budget and knowledge of durations with an async one. Call it on no thread that drives
/// the async one's runtime.
impl TryFrom<crate::Client> for Client {
    type Error = Error;

    /// [`Configuration`](ErrorKind::Configuration) if its thread cannot be started.
    fn try_from(client: crate::Client) -> Result<Self, Error> {
        let runtime = Runtime::start().map_err(|error| {
            let what = "the thread of the blocking client cannot be started";
            Error::new(ErrorKind::Configuration, what).with_source(error)
        })?;
        Ok(Self {
            client,
            runtime: Arc::new(runtime),
        })
    }
}

impl ClientBuilder {
    /// As [`build`](Self::build), for programs without async.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and [`Configuration`](ErrorKind::Configuration) if the client's thread cannot be started.
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<Client, Error> {
        self.build()?.try_into()
    }
}

impl Client {
    /// As [`crate::Client::from_env`].
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build_blocking`].
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build_blocking()
    }

    /// Starts a client with other settings than the environment's; [`ClientBuilder::build_blocking`] ends it.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The async client inside.
    pub fn as_async(&self) -> &crate::Client {
        &self.client
    }

    /// Creates a generation, and returns as soon as the service has accepted it, as [`crate::Client::create`] does. This is
    /// what costs money.
    ///
    /// # Errors
    ///
    /// As [`crate::Client::create`].
    pub fn create(&self, request: impl IntoGenerationRequest) -> Result<GenerationHandle, Error> {
        self.runtime.block_on(self.client.create(request))
    }

    /// Creates a generation and returns when it has ended.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`Wait::outcome`].
    pub fn generate(&self, request: impl IntoGenerationRequest) -> Result<Generation, Error> {
        self.runtime.block_on(self.client.generate(request))
    }

    /// Creates a generation, waits for it, and saves its videos to `path`, as [`crate::Client::generate_to`] does, once its
    /// [`outcome`](GenerateTo::outcome) is taken.
    pub fn generate_to<'a>(
        &self,
        request: impl IntoGenerationRequest,
        path: impl AsRef<Path>,
    ) -> GenerateTo<'a> {
        GenerateTo {
            inner: self.client.generate_to(request, path),
            runtime: Arc::clone(&self.runtime),
        }
    }

    /// Waits for the end of a generation: take its [`outcome`](Wait::outcome), or its [`updates`](Wait::updates).
    ///
    /// It takes a [`GenerationHandle`], or a bare id, which is polled on the universal URL.
    pub fn wait(&self, generation: impl Into<GenerationHandle>) -> Wait {
        Wait {
            inner: self.client.wait(generation),
            runtime: Arc::clone(&self.runtime),
        }
    }

    /// Polls the state of a generation once.
    ///
    /// # Errors
    ///
    /// As [`crate::Client::fetch`].
    pub fn fetch(&self, generation: impl Into<GenerationHandle>) -> Result<Generation, Error> {
        self.runtime.block_on(self.client.fetch(generation))
    }

    /// As [`crate::Client::durations`].
    pub fn durations(&self) -> Durations {
        self.client.durations()
    }

    /// Downloads the videos of a generation.
    pub fn download<'a>(&self, generation: &'a Generation) -> Download<'a> {
        Download {
            inner: self.client.download(generation),
            runtime: Arc::clone(&self.runtime),
        }
    }

    /// Saves all videos of a generation, as [`Download::to_file`] with the default settings.
    ///
    /// # Errors
    ///
    /// As [`Download::to_file`].
    pub fn save(
        &self,
        generation: &Generation,
        path: impl AsRef<Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.runtime.block_on(self.client.save(generation, path))
    }

    /// Waits for many generations, as [`crate::Client::wait_all`] does: an iterator of outcomes as they come.
    ///
    /// ```no_run
    /// # fn run(client: aimlapi_video::blocking::Client, stored: Vec<aimlapi_video::GenerationHandle>) {
    /// for (handle, outcome) in client.wait_all(stored) {
    ///     match outcome {
    ///         Ok(generation) => println!("{}: {} videos", handle.id(), generation.videos().len()),
    ///         Err(error) => eprintln!("{}: {error}", handle.id()),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn wait_all<H: Into<GenerationHandle> + 'static>(
        &self,
        handles: impl IntoIterator<Item = H, IntoIter: Send + 'static>,
    ) -> WaitAll {
        WaitAll {
            inner: self.client.wait_all(handles),
            runtime: Arc::clone(&self.runtime),
        }
    }

    /// Creates a generation for each request and waits for all of them, as [`crate::Client::generate_all`] does: an iterator
    /// of what happens.
    ///
    /// ```no_run
    /// use aimlapi_video::{BatchEvent, types::KlingaiV2MasterTextToVideo};
    ///
    /// # fn run(client: aimlapi_video::blocking::Client) -> Result<(), aimlapi_video::Error> {
    /// let prompts = ["A kite climbs", "A lantern rises"];
    /// let requests: Result<Vec<_>, _> = prompts
    ///     .map(|prompt| KlingaiV2MasterTextToVideo::builder().prompt(prompt).duration(5).build())
    ///     .into_iter()
    ///     .collect();
    /// for (index, job) in client.generate_all(requests?) {
    ///     match job {
    ///         BatchEvent::Created(handle) => println!("{index}: {}", serde_json::to_string(&handle).unwrap()),
    ///         BatchEvent::Ended(Ok(generation)) => {
    ///             if let Err(error) = client.save(&generation, format!("{index}.mp4")) {
    ///                 eprintln!("{index}: {error}");
    ///             }
    ///         }
    ///         // The others go on.
    ///         BatchEvent::Ended(Err(error)) => eprintln!("{index}: {error}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate_all<R: IntoGenerationRequest + 'static>(
        &self,
        requests: impl IntoIterator<Item = R, IntoIter: Send + 'static>,
    ) -> GenerateAll {
        GenerateAll {
            inner: self.client.generate_all(requests),
            runtime: Arc::clone(&self.runtime),
        }
    }
}

/// A generation that is created, waited for and saved, otherwise as [`crate::GenerateTo`]. Nothing happens until its outcome
/// is taken.
#[derive(Debug)]
#[must_use = "nothing is generated until its outcome is taken"]
pub struct GenerateTo<'a> {
    inner: crate::GenerateTo<'a>,
    runtime: Arc<Runtime>,
}

impl<'a> GenerateTo<'a> {
    settings! { GenerateTo:
        overwrite(overwrite: bool);
        wait_options(options: WaitOptions);
        on_update(update: impl FnMut(&Update) + Send + 'a);
        on_progress(progress: impl FnMut(Received) + Send + 'a);
    }

    /// Returns when the videos are saved.
    ///
    /// # Errors
    ///
    /// As [`crate::GenerateTo`].
    pub fn outcome(self) -> Result<SavedGeneration, Error> {
        self.runtime.block_on(self.inner.into_future())
    }
}

/// A wait for the end of a generation, otherwise as [`crate::Wait`]. Nothing is sent until its outcome or its updates are
/// taken.
#[derive(Debug)]
#[must_use = "a wait does nothing until its outcome is taken"]
pub struct Wait {
    inner: crate::Wait,
    runtime: Arc<Runtime>,
}

impl Wait {
    settings! { Wait:
        options(options: WaitOptions);
        deadline(deadline: Duration);
    }

    /// Returns when it has ended.
    ///
    /// # Errors
    ///
    /// As [`crate::Wait`].
    pub fn outcome(self) -> Result<Generation, Error> {
        self.runtime.block_on(self.inner)
    }

    /// What happens on the way, ending with [`Update::Completed`] or an error. Each item comes when it happens.
    ///
    /// ```no_run
    /// use aimlapi_video::{GenerationHandle, Update, blocking::Client};
    ///
    /// # fn run(client: Client, handle: GenerationHandle) -> Result<(), aimlapi_video::Error> {
    /// for update in client.wait(handle).updates() {
    ///     match update? {
    ///         Update::Progress(progress) => println!("{progress} after {:?}", progress.times.elapsed),
    ///         Update::Completed(generation) => println!("{} videos", generation.videos().len()),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(self) -> Updates {
        Updates {
            inner: self.inner.updates(),
            runtime: self.runtime,
        }
    }
}

/// What happens in a wait, made by [`Wait::updates`]: an iterator that ends after [`Update::Completed`] or an error. Nothing
/// is sent between two calls of it.
#[derive(Debug)]
#[must_use = "an iterator does nothing until `next` is called"]
pub struct Updates {
    inner: crate::Updates,
    runtime: Arc<Runtime>,
}

impl Iterator for Updates {
    type Item = Result<Update, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.inner.next())
    }
}

impl FusedIterator for Updates {}

/// The outcomes of many waits, made by [`Client::wait_all`]: an iterator that ends when all have ended. The waits go on
/// between two calls of it, and end when it is dropped.
#[derive(Debug)]
#[must_use = "an iterator does nothing until `next` is called"]
pub struct WaitAll {
    inner: crate::WaitAll,
    runtime: Arc<Runtime>,
}

impl WaitAll {
    settings! { WaitAll:
        options(options: WaitOptions);
        max_open(waits: usize);
    }
}

impl Iterator for WaitAll {
    type Item = (GenerationHandle, Result<Generation, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.inner.next())
    }
}

impl FusedIterator for WaitAll {}

/// A batch of requests, made by [`Client::generate_all`]: an iterator of events, each with the index of its request, counted
/// from 0. It ends when all have ended.
///
/// Creates and waits that have begun go on between two calls of it. Dropping it sends nothing more; creates that are on
/// their way go on as long as the process does, and a journal records their outcome. Without one, the ids of generations
/// that are billed are lost: [stop](Self::stop) it and take the rest instead.
#[derive(Debug)]
#[must_use = "an iterator does nothing until `next` is called"]
pub struct GenerateAll {
    inner: crate::GenerateAll,
    runtime: Arc<Runtime>,
}

impl GenerateAll {
    settings! { GenerateAll:
        options(options: WaitOptions);
        max_creates(creates: usize);
        max_open(generations: usize);
        skip_indices(indices: impl IntoIterator<Item = usize>);
        reserve_indices(indices: impl IntoIterator<Item = usize>);
        journal(journal: Journal);
    }

    /// As [`crate::GenerateAll::stop`].
    pub fn stop(&mut self) {
        self.inner.stop();
    }

    /// Whether a create is in progress.
    pub fn is_creating(&self) -> bool {
        self.inner.is_creating()
    }
}

impl Iterator for GenerateAll {
    type Item = (usize, BatchEvent);

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.inner.next())
    }
}

impl FusedIterator for GenerateAll {}
