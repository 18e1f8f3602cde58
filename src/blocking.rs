//! A blocking client for programs without async (feature `blocking`): the methods of the async client, each of which
//! blocks until its result is available.
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
//! A [`Client`] has one background thread, which its clones share. Connections, timers and the tasks of batches run on
//! that thread, so they continue between two calls; everything else runs on the calling thread. The background thread
//! ends when the last clone and every value made with the client are dropped, and the creates in progress have received
//! their responses.
//!
//! The client also works, and may be dropped, inside an async runtime, but a call blocks its thread and every other
//! task on that thread. Inside a runtime, use the [async client](crate::Client), or a thread for blocking work.
//! Connections that are shared with an async client run on the runtime that opened them: a call on a thread that drives
//! that runtime can block that runtime, and then itself until its timeout.

use std::{iter::FusedIterator, path::Path, sync::Arc, time::Duration};

use crate::Journal;
use crate::{
    BatchEvent, ClientBuilder, Error, ErrorKind, Generation, GenerationHandle,
    IntoGenerationRequest, Received, Saved, SavedGeneration, Update, WaitOptions,
    schedule::Durations,
};
use runtime::Runtime;

/// Defines the settings of a blocking type by those of the async type with the same name.
macro_rules! settings {
    ($type:ident: $($(#[$attribute:meta])* $name:ident($($given:ident: $of:ty),*);)*) => {$(
        #[doc = concat!("Sets the same option as [`", stringify!($type), "::", stringify!($name), "`](crate::", stringify!($type), "::", stringify!($name), ").")]
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

/// A blocking client of the service, with the methods of [`crate::Client`]. Clones share one connection pool and one
/// background thread.
#[derive(Clone, Debug)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

/// Makes a blocking client that shares connections, budget and measured durations with an async client. Do not call the
/// blocking client on a thread that drives the async client's runtime.
impl TryFrom<crate::Client> for Client {
    type Error = Error;

    /// Starts the background thread; the error is [`Configuration`](ErrorKind::Configuration) if the thread cannot be
    /// started.
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
    /// Builds a blocking client; the settings are the same as for [`build`](Self::build).
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and [`Configuration`](ErrorKind::Configuration) if the client's thread cannot be
    /// started.
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<Client, Error> {
        self.build()?.try_into()
    }
}

impl Client {
    /// Makes a client from environment variables, as [`crate::Client::from_env`] does.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build_blocking`].
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build_blocking()
    }

    /// Returns a builder for a client with other settings than the environment's; finish it with
    /// [`ClientBuilder::build_blocking`].
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Returns the inner async client.
    pub fn as_async(&self) -> &crate::Client {
        &self.client
    }

    /// Creates a generation, and returns as soon as the service has accepted it, as [`crate::Client::create`] does.
    /// Only this request costs money.
    ///
    /// # Errors
    ///
    /// As [`crate::Client::create`].
    pub fn create(&self, request: impl IntoGenerationRequest) -> Result<GenerationHandle, Error> {
        self.runtime.block_on(self.client.create(request))
    }

    /// Creates a generation and waits for its end.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`Wait::outcome`].
    pub fn generate(&self, request: impl IntoGenerationRequest) -> Result<Generation, Error> {
        self.runtime.block_on(self.client.generate(request))
    }

    /// Creates a generation, waits for it, and saves its videos to `path`, as [`crate::Client::generate_to`] does, when
    /// [`GenerateTo::outcome`] is called.
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

    /// Returns a wait for the end of a generation; call [`Wait::outcome`] or [`Wait::updates`] to run it.
    ///
    /// `generation` is a [`GenerationHandle`], or a bare id, which is polled on the universal URL.
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

    /// Returns the measured durations of generations, as [`crate::Client::durations`] does.
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

    /// Saves all videos of a generation in an object store, as [`crate::Client::save_to`] does.
    ///
    /// # Errors
    ///
    /// As [`crate::Download::to_store`].
    #[cfg(feature = "object-store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
    pub fn save_to(
        &self,
        generation: &Generation,
        store: Arc<dyn object_store::ObjectStore>,
        path: impl Into<object_store::path::Path>,
    ) -> Result<Vec<Saved>, Error> {
        let saved = self.client.save_to(generation, store, path);
        self.runtime.block_on(saved)
    }

    /// Waits for many generations, as [`crate::Client::wait_all`] does; returns an iterator of their outcomes in the
    /// order in which they end.
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

    /// Creates a generation for each request and waits for all of them, as [`crate::Client::generate_all`] does;
    /// returns an iterator of events.
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
    /// for (index, event) in client.generate_all(requests?) {
    ///     match event {
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

/// A call that creates a generation, waits for it and saves its videos, with the settings of [`crate::GenerateTo`].
/// Nothing happens until [`outcome`](Self::outcome) is called.
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

    /// Creates the generation, waits for it, and returns when its videos are saved.
    ///
    /// # Errors
    ///
    /// As [`crate::GenerateTo`].
    pub fn outcome(self) -> Result<SavedGeneration, Error> {
        self.runtime.block_on(self.inner.into_future())
    }
}

/// A wait for the end of a generation, with the settings of [`crate::Wait`]. Nothing is sent until
/// [`outcome`](Self::outcome) is called, or the iterator of [`updates`](Self::updates) is advanced.
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

    /// Waits until the generation has ended, and returns it.
    ///
    /// # Errors
    ///
    /// As [`crate::Wait`].
    pub fn outcome(self) -> Result<Generation, Error> {
        self.runtime.block_on(self.inner)
    }

    /// Returns an iterator of the updates of the wait, which ends after [`Update::Completed`] or an error. `next`
    /// blocks until the next update.
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

/// An iterator of the updates of a wait, made by [`Wait::updates`]. It ends after [`Update::Completed`] or an error.
/// Nothing is sent between two calls of `next`.
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

/// An iterator of the outcomes of many waits, made by [`Client::wait_all`]. It ends when all waits have ended. The
/// waits continue between two calls of `next`, and end when the iterator is dropped.
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

/// A batch of requests, made by [`Client::generate_all`]: an iterator of events, each with the index of its request,
/// counted from 0. The iterator ends when all requests have ended.
///
/// Creates and waits in progress continue between two calls of `next`. Dropping the iterator sends nothing more;
/// creates in progress continue as long as the process does: a journal records their outcome, and
/// [`on_created`](ClientBuilder::on_created) receives their handles. Without either, the ids of billed generations are
/// lost; to keep them, [stop](Self::stop) the batch and read the remaining events.
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

    /// Stops new creates, as [`crate::GenerateAll::stop`] does.
    pub fn stop(&mut self) {
        self.inner.stop();
    }

    /// Returns whether a create is in progress.
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
