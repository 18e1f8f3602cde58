//! Batches: [`Client::generate_all`] creates and waits for many generations, [`Client::wait_all`] waits for existing
//! ones.
//!
//! Both are streams that return outcomes in the order in which the generations end; one failure does not affect the
//! others. Each generation runs in its own task ([`tasks`]); [`create`] sends one create with its retries and journal
//! entries, and [`wait_all`] holds the waits of existing generations.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use sync_wrapper::SyncWrapper;
use tokio::sync::{mpsc, watch};

use crate::journal::Journal;
use crate::{
    Client, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    IntoGenerationRequest, Update, WaitOptions,
};

mod create;
mod tasks;
mod wait_all;

use create::{Create, CreateOutcome};
use tasks::{Stop, Task};
pub use wait_all::WaitAll;
use wait_all::no_outcome;

impl Client {
    /// Waits for many generations, and returns each outcome as soon as it is available.
    ///
    /// The stream takes handles from the iterator while fewer than [`max_open`](WaitAll::max_open) waits are open,
    /// 10,000 by default. All waits share the client's [budget](crate::PollBudget) of polls.
    ///
    /// ```no_run
    /// # async fn run(client: aimlapi_video::Client, stored: Vec<aimlapi_video::GenerationHandle>) {
    /// let mut outcomes = client.wait_all(stored);
    /// while let Some((handle, outcome)) = outcomes.next().await {
    ///     match outcome {
    ///         Ok(video) => println!("{}: {} videos", handle.id(), video.videos().len()),
    ///         Err(error) => eprintln!("{}: {error}", handle.id()),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn wait_all<H: Into<GenerationHandle> + 'static>(
        &self,
        handles: impl IntoIterator<Item = H, IntoIter: Send + 'static>,
    ) -> WaitAll {
        WaitAll::new(self, handles.into_iter().map(Into::into))
    }

    /// Creates a generation for each request and waits for all of them.
    ///
    /// The stream takes requests from the iterator within two limits: by default at most 4 creates are in
    /// [progress](GenerateAll::max_creates), and at most 256 generations are [open](GenerateAll::max_open). The stream
    /// reports each created generation before its wait starts. A create that the service refuses with too many requests
    /// (429), or that did not reach the service, created nothing: both are retried as by
    /// [`CreateRetries::patient`](crate::CreateRetries::patient), or as the client's builder sets. No other create is
    /// repeated.
    ///
    /// An iterator that returns `None` is asked again after each event as long as a generation is open, so it can hold requests
    /// back until earlier ones have ended.
    ///
    /// Creates and waits run in separate tasks, so a slow consumer does not delay them, as long as the runtime has a
    /// free thread. A slow consumer loses some updates, but no other event.
    ///
    /// ```no_run
    /// use aimlapi_video::{BatchEvent, types::KlingaiV2MasterTextToVideo};
    ///
    /// # async fn run(client: aimlapi_video::Client) -> Result<(), aimlapi_video::Error> {
    /// let prompts = ["A kite climbs", "A lantern rises"];
    /// let requests = prompts
    ///     .map(|prompt| KlingaiV2MasterTextToVideo::builder().prompt(prompt).build());
    /// let requests = requests.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let mut events = client.generate_all(requests);
    /// let mut downloads = tokio::task::JoinSet::new();
    /// while let Some((index, event)) = events.next().await {
    ///     match event {
    ///         BatchEvent::Created(handle) => println!("{index}: {}", handle.id()),
    ///         BatchEvent::Ended(Ok(generation)) => {
    ///             let client = client.clone();
    ///             let path = format!("{index}.mp4");
    ///             downloads.spawn(async move { client.save(&generation, path).await });
    ///         }
    ///         // The others go on.
    ///         BatchEvent::Ended(Err(error)) => eprintln!("{index}: {error}"),
    ///         _ => {}
    ///     }
    /// }
    /// for saved in downloads.join_all().await {
    ///     if let Err(error) = saved {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream sends nothing more. Creates in progress continue as long as the runtime does: a journal records
    /// their outcome, and [`on_created`](crate::ClientBuilder::on_created) receives their handles. Without either, the ids of
    /// billed generations are lost; to keep them, [stop](GenerateAll::stop) the stream and read the remaining events.
    pub fn generate_all<R: IntoGenerationRequest + 'static>(
        &self,
        requests: impl IntoIterator<Item = R, IntoIter: Send + 'static>,
    ) -> GenerateAll {
        let requests = requests.into_iter();
        GenerateAll::new(self, requests.map(R::into_generation_request))
    }
}

/// An event of one request in a batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchEvent {
    /// The generation was created. Store the handle: any process can wait for the generation with it.
    Created(GenerationHandle),
    /// An earlier run created the generation, as the journal records, and the batch now waits for it.
    Resumed(GenerationHandle),
    /// The journal could not be written. The other events of the request are valid, but the next run may not know them.
    Unrecorded(Error),
    /// The wait for the generation reports an update.
    Update(Update),
    /// The request ended; this is its last event.
    Ended(Result<Generation, Error>),
}

/// A batch of requests, made by [`Client::generate_all`]: a stream of events, each with the index of its request.
///
/// Indices are counted from 0. The stream ends when all requests have ended.
#[must_use = "a stream does nothing until it is polled"]
pub struct GenerateAll {
    client: Client,
    requests: SyncWrapper<Box<dyn Iterator<Item = GenerationRequest> + Send>>,
    next: usize,
    options: Option<WaitOptions>,
    max_creates: usize,
    max_open: usize,
    creating: usize,
    skipped: BTreeSet<usize>,
    reserved: BTreeSet<usize>,
    stages: FuturesUnordered<Work>,
    /// Events that the consumer has not taken yet.
    pending: VecDeque<(usize, BatchEvent)>,
    updates: mpsc::Receiver<(usize, Update)>,
    update_sender: mpsc::Sender<(usize, Update)>,
    stopping: watch::Sender<bool>,
    stop: Stop,
    journal: Option<Journal>,
}

/// The task of one request: its create, then its wait.
struct Work {
    index: usize,
    /// The generation that the task waits for; `None` during the create.
    handle: Option<GenerationHandle>,
    task: Task<Stage>,
}

/// The outcome of a task.
enum Stage {
    /// `None` if the batch was stopped before the request was sent.
    Created(Option<CreateOutcome>),
    Ended {
        outcome: Result<Generation, Error>,
        unrecorded: Option<Error>,
    },
}

/// The maximum number of updates that are kept for a slow consumer. Further updates are dropped, since a later update
/// replaces an earlier one.
const MAX_PENDING_UPDATES: usize = 1024;

impl GenerateAll {
    fn new(
        client: &Client,
        requests: impl Iterator<Item = GenerationRequest> + Send + 'static,
    ) -> Self {
        let (stopping, stop) = Stop::new();
        let (update_sender, updates) = mpsc::channel(MAX_PENDING_UPDATES);
        Self {
            client: client.clone(),
            requests: SyncWrapper::new(Box::new(requests)),
            next: 0,
            options: None,
            max_creates: 4,
            max_open: 256,
            creating: 0,
            skipped: BTreeSet::new(),
            reserved: BTreeSet::new(),
            stages: FuturesUnordered::new(),
            pending: VecDeque::new(),
            updates,
            update_sender,
            stopping,
            stop,
            journal: None,
        }
    }

    /// Sets the options of the waits, in place of the client's.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets the maximum number of creates in progress; 4 by default, at least one.
    pub fn max_creates(mut self, creates: usize) -> Self {
        self.max_creates = creates.max(1);
        self
    }

    /// Sets the maximum number of open generations, from the create to the end; 256 by default, at least one.
    pub fn max_open(mut self, generations: usize) -> Self {
        self.max_open = generations.max(1);
        self
    }

    /// Skips the requests with these indices; the other requests keep their indices.
    pub fn skip_indices(mut self, indices: impl IntoIterator<Item = usize>) -> Self {
        self.skipped.extend(indices);
        self
    }

    /// Leaves these indices unused: the requests take the other indices, in order. So the index of a request can be its
    /// line in a file with blank lines.
    pub fn reserve_indices(mut self, indices: impl IntoIterator<Item = usize>) -> Self {
        self.reserved.extend(indices);
        self
    }

    /// Records the batch in a journal on disk.
    ///
    /// A request that the journal records as created is not created again; the batch waits for its generation. A
    /// request that may have been created ends with [`AmbiguousCreate`](ErrorKind::AmbiguousCreate).
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Stops new creates; creates and waits in progress continue to their end. A create that waits for a retry ends
    /// with the error of its last attempt.
    pub fn stop(&mut self) {
        self.stopping.send_replace(true);
        self.requests = SyncWrapper::new(Box::new(std::iter::empty()));
    }

    /// Returns whether a create is in progress.
    pub fn is_creating(&self) -> bool {
        self.creating > 0
    }

    /// Returns the next event; `None` when all requests have ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: the next call returns the next event.
    pub async fn next(&mut self) -> Option<(usize, BatchEvent)> {
        StreamExt::next(self).await
    }

    fn create(&mut self, request: GenerationRequest) {
        while self.reserved.remove(&self.next) {
            self.next += 1;
        }
        let index = self.next;
        self.next += 1;
        if self.skipped.remove(&index) {
            return;
        }
        self.creating += 1;
        let create = Create {
            client: self.client.clone(),
            index,
            stop: self.stop.clone(),
            journal: self.journal.clone(),
        };
        let create = async move { Stage::Created(create.run(request).await) };
        self.stages.push(Work {
            index,
            handle: None,
            task: Task::detached(create),
        });
    }

    fn wait(&self, index: usize, handle: GenerationHandle) {
        let mut wait = self.client.wait(&handle);
        if let Some(options) = &self.options {
            wait = wait.options(options.clone());
        }
        let (mut updates, sender) = (wait.updates(), self.update_sender.clone());
        let journal = self.journal.clone();
        let wait = async move {
            let outcome = loop {
                match updates.next().await {
                    Some(Ok(Update::Completed(generation))) => break Ok(*generation),
                    Some(Ok(update)) => {
                        // A full channel means a slow consumer, which may miss an update.
                        let _ = sender.try_send((index, update));
                    }
                    Some(Err(error)) => break Err(error),
                    // A stream of updates always ends with the outcome, so this is unreachable.
                    None => break Err(Error::new(ErrorKind::PollingLost, "the wait ended")),
                }
            };
            let unrecorded = match journal {
                Some(journal) => journal.ended(index, &outcome).await.err(),
                None => None,
            };
            Stage::Ended {
                outcome,
                unrecorded,
            }
        };
        self.stages.push(Work {
            index,
            handle: Some(handle),
            task: Task::bound(wait),
        });
    }

    /// Queues the events of a task that has ended.
    fn handle_stage(&mut self, index: usize, stage: Stage) {
        let report = |unrecorded: Option<Error>| {
            unrecorded.map(|error| (index, BatchEvent::Unrecorded(error)))
        };
        match stage {
            Stage::Created(created) => {
                self.creating -= 1;
                let Some(created) = created else {
                    return;
                };
                let event = match created.outcome {
                    Ok(handle) => {
                        self.wait(index, handle.clone());
                        match created.is_known {
                            true => BatchEvent::Resumed(handle),
                            false => BatchEvent::Created(handle),
                        }
                    }
                    Err(error) => BatchEvent::Ended(Err(error)),
                };
                self.pending.push_back((index, event));
                self.pending.extend(report(created.unrecorded));
            }
            Stage::Ended {
                outcome,
                unrecorded,
            } => {
                // Earlier updates of the request are reported before its end.
                self.take_updates();
                self.pending.extend(report(unrecorded));
                self.pending.push_back((index, BatchEvent::Ended(outcome)));
            }
        }
    }

    fn take_updates(&mut self) {
        while let Ok((index, update)) = self.updates.try_recv() {
            self.pending.push_back((index, BatchEvent::Update(update)));
        }
    }
}

impl Future for Work {
    type Output = (usize, Stage);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.task).poll(context);
        ended.map(|ended| {
            let lost = |why| match &self.handle {
                Some(handle) => Stage::Ended {
                    outcome: Err(no_outcome(why, handle)),
                    unrecorded: None,
                },
                None => Stage::Created(Some(CreateOutcome::lost(why))),
            };
            (self.index, ended.unwrap_or_else(lost))
        })
    }
}

impl Stream for GenerateAll {
    type Item = (usize, BatchEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(Some(event));
            }
            while self.creating < self.max_creates
                && self.stages.len() < self.max_open
                && let Some(request) = self.requests.get_mut().next()
            {
                self.create(request);
            }
            if let Poll::Ready(Some((index, update))) = self.updates.poll_recv(context) {
                return Poll::Ready(Some((index, BatchEvent::Update(update))));
            }
            match self.stages.poll_next_unpin(context) {
                Poll::Ready(Some((index, stage))) => self.handle_stage(index, stage),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl fmt::Debug for GenerateAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateAll")
            .field("creating", &self.creating)
            .field("open", &self.stages.len())
            .finish_non_exhaustive()
    }
}
