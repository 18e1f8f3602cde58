//! Many generations at once: outcomes as they come, and one that fails drops no other.

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

use create::{Create, Created};
use tasks::{Stop, Task};
pub use wait_all::WaitAll;
use wait_all::unseen;

impl Client {
    /// Waits for many generations, and gives each one's outcome as soon as it is there.
    ///
    /// Handles are taken from the iterator as there is room, at most 10,000 at once unless told
    /// [otherwise](WaitAll::max_open). All share the client's [budget](crate::PollBudget) of polls.
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
    /// Requests are taken from the iterator as there is room: at most 4 creates are on their way, and at most 256
    /// generations are open, unless told [otherwise](GenerateAll::max_creates). What was created is told before it is
    /// waited for. A create that the service refuses because there are too many requests (429) created nothing, nor did one
    /// that did not reach the service: both are sent again as [`CreateRetries::patient`](crate::CreateRetries::patient) says,
    /// or the client's builder. No other create is repeated.
    ///
    /// Creates and waits go on in tasks of their own, so whoever takes what happens may take time over it, as long as the
    /// runtime has a thread left for them. Some updates are let go then; nothing else is.
    ///
    /// ```no_run
    /// use aimlapi_video::{BatchEvent, types::KlingaiV2MasterTextToVideo};
    ///
    /// # async fn run(client: aimlapi_video::Client) -> Result<(), aimlapi_video::Error> {
    /// let prompts = ["A kite climbs", "A lantern rises"];
    /// let requests = prompts
    ///     .map(|prompt| KlingaiV2MasterTextToVideo::builder().prompt(prompt).build());
    /// let requests = requests.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let mut jobs = client.generate_all(requests);
    /// let mut downloads = tokio::task::JoinSet::new();
    /// while let Some((index, job)) = jobs.next().await {
    ///     match job {
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
    /// Dropping it sends nothing more. Creates that are on their way go on as long as the runtime does, and a journal
    /// notes what came of them; without one, the ids of generations that are billed are lost. [Stop](GenerateAll::stop) it
    /// and take the rest instead.
    pub fn generate_all<R: IntoGenerationRequest + 'static>(
        &self,
        requests: impl IntoIterator<Item = R, IntoIter: Send + 'static>,
    ) -> GenerateAll {
        let requests = requests.into_iter();
        GenerateAll::new(self, requests.map(R::into_generation_request))
    }
}

/// What happens to one request of many.
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchEvent {
    /// It was created. Store the handle: with it, nothing is lost.
    Created(GenerationHandle),
    /// It was created before, as the journal says, and is waited for now.
    Resumed(GenerationHandle),
    /// The journal could not be written: what comes before or after it is so all the same, but the next run may not know.
    Unrecorded(Error),
    /// Something happened on the way to its end.
    Update(Update),
    /// It ended: nothing more comes for this request.
    Ended(Result<Generation, Error>),
}

/// The jobs of many requests, made by [`Client::generate_all`]: a stream of the request's index, counted from 0, and what
/// happened to it. It ends when all have ended.
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
    /// What has happened and was not taken yet.
    told: VecDeque<(usize, BatchEvent)>,
    updates: mpsc::Receiver<(usize, Update)>,
    tells: mpsc::Sender<(usize, Update)>,
    stopping: watch::Sender<bool>,
    stop: Stop,
    journal: Option<Journal>,
}

/// What one job does next, in its task.
struct Work {
    index: usize,
    /// The generation that is waited for; a create has none yet.
    handle: Option<GenerationHandle>,
    task: Task<Stage>,
}

/// What one job does next has happened.
enum Stage {
    /// Nothing was, if it was stopped before it was sent.
    Created(Option<Created>),
    Ended {
        outcome: Result<Generation, Error>,
        unrecorded: Option<Error>,
    },
}

/// So many updates are kept for a consumer that is busy; more are let go, for the next one tells more than they do.
const UPDATES_KEPT: usize = 1024;

impl GenerateAll {
    fn new(
        client: &Client,
        requests: impl Iterator<Item = GenerationRequest> + Send + 'static,
    ) -> Self {
        let (stopping, stop) = Stop::new();
        let (tells, updates) = mpsc::channel(UPDATES_KEPT);
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
            told: VecDeque::new(),
            updates,
            tells,
            stopping,
            stop,
            journal: None,
        }
    }

    /// Waits with other options than the client's.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// How many creates may be on their way at once; 4 by default, at least one.
    pub fn max_creates(mut self, creates: usize) -> Self {
        self.max_creates = creates.max(1);
        self
    }

    /// How many generations may be open at once, from the create to the end; 256 by default, at least one.
    pub fn max_open(mut self, generations: usize) -> Self {
        self.max_open = generations.max(1);
        self
    }

    /// Passes over the requests at these indexes; the others keep theirs.
    pub fn skip_indices(mut self, indexes: impl IntoIterator<Item = usize>) -> Self {
        self.skipped.extend(indexes);
        self
    }

    /// Leaves these indexes to no request: the requests take the others, in order. So each one's index is the line of a
    /// file in which some lines are blank.
    pub fn reserve_indices(mut self, indexes: impl IntoIterator<Item = usize>) -> Self {
        self.reserved.extend(indexes);
        self
    }

    /// Keeps a record on disk. What it says to have been created is not created again but waited for, and what may have
    /// been created ends with [`AmbiguousCreate`](ErrorKind::AmbiguousCreate).
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Creates nothing more; what is on its way goes on to its end. A create that was refused and would be sent again ends
    /// with the refusal.
    pub fn stop(&mut self) {
        self.stopping.send_replace(true);
        self.requests = SyncWrapper::new(Box::new(std::iter::empty()));
    }

    /// Whether a create is on its way.
    pub fn is_creating(&self) -> bool {
        self.creating > 0
    }

    /// The next thing that happens; `None` when all have ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: the jobs go on where they were with the next call.
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
            task: Task::lasting(create),
        });
    }

    fn wait(&self, index: usize, handle: GenerationHandle) {
        let mut wait = self.client.wait(&handle);
        if let Some(options) = &self.options {
            wait = wait.options(options.clone());
        }
        let (mut updates, tells) = (wait.updates(), self.tells.clone());
        let journal = self.journal.clone();
        let wait = async move {
            let outcome = loop {
                match updates.next().await {
                    Some(Ok(Update::Completed(generation))) => break Ok(*generation),
                    Some(Ok(update)) => {
                        // Where there is no room, nobody looks.
                        let _ = tells.try_send((index, update));
                    }
                    Some(Err(error)) => break Err(error),
                    // No stream of updates ends without saying how.
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

    fn happened(&mut self, index: usize, stage: Stage) {
        let tell = |unrecorded: Option<Error>| {
            unrecorded.map(|error| (index, BatchEvent::Unrecorded(error)))
        };
        match stage {
            Stage::Created(created) => {
                self.creating -= 1;
                let Some(created) = created else {
                    return;
                };
                let job = match created.outcome {
                    Ok(handle) => {
                        self.wait(index, handle.clone());
                        match created.is_known {
                            true => BatchEvent::Resumed(handle),
                            false => BatchEvent::Created(handle),
                        }
                    }
                    Err(error) => BatchEvent::Ended(Err(error)),
                };
                self.told.push_back((index, job));
                self.told.extend(tell(created.unrecorded));
            }
            Stage::Ended {
                outcome,
                unrecorded,
            } => {
                // What came before the end is told before it.
                self.take_updates();
                self.told.extend(tell(unrecorded));
                self.told.push_back((index, BatchEvent::Ended(outcome)));
            }
        }
    }

    fn take_updates(&mut self) {
        while let Ok((index, update)) = self.updates.try_recv() {
            self.told.push_back((index, BatchEvent::Update(update)));
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
                    outcome: Err(unseen(why, handle)),
                    unrecorded: None,
                },
                None => Stage::Created(Some(Created::lost(why))),
            };
            (self.index, ended.unwrap_or_else(lost))
        })
    }
}

impl Stream for GenerateAll {
    type Item = (usize, BatchEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Poll::Ready(Some(told));
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
                Poll::Ready(Some((index, stage))) => self.happened(index, stage),
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
