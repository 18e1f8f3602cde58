//! The updates of a wait, and their stream.

use std::{
    fmt,
    ops::RangeInclusive,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, StreamExt};
use sync_wrapper::SyncWrapper;

use crate::{Error, Generation, State};

/// The stream of the updates of a wait, which [`Wait::updates`](crate::Wait::updates) returns. The stream sleeps between polls,
/// and ends after [`Update::Completed`] or an error.
///
/// ```no_run
/// use aimlapi_video::{Client, Update};
///
/// # async fn run(client: Client, handle: aimlapi_video::GenerationHandle) -> Result<(), aimlapi_video::Error> {
/// let mut updates = client.wait(handle).updates();
/// while let Some(update) = updates.next().await {
///     match update? {
///         Update::Progress(progress) => match progress.times.remaining {
///             Some(left) => println!("{progress}, about {} s left", left.as_secs()),
///             None => println!("{progress}"),
///         },
///         Update::PollFailed(failed) => println!("poll failed, the wait continues: {}", failed.error),
///         Update::Completed(generation) => println!("{}", generation.videos().len()),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates(SyncWrapper<Pin<Box<UpdateStream>>>);

type UpdateStream = dyn Stream<Item = Result<Update, Error>> + Send;

impl Updates {
    pub(super) fn new(updates: impl Stream<Item = Result<Update, Error>> + Send + 'static) -> Self {
        // A fused stream may be polled after its end.
        Self(SyncWrapper::new(Box::pin(updates.fuse())))
    }

    /// Returns the next update; `None` after the end.
    ///
    /// # Errors
    ///
    /// As [`Wait`](crate::Wait); an error is the last item. A failed poll within the tolerance is not an error but an
    /// [`Update::PollFailed`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the next call continues the wait.
    pub async fn next(&mut self) -> Option<Result<Update, Error>> {
        self.0.get_mut().next().await
    }
}

impl Stream for Updates {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().as_mut().poll_next(context)
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}

/// An event of a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The state or the status of the generation changed, or a poll succeeded after one that failed.
    Progress(Progress),
    /// A poll failed, and the wait continues.
    PollFailed(PollFailed),
    /// The generation is completed and holds at least one video.
    Completed(Box<Generation>),
}

/// The state that a poll received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The state.
    pub state: State,
    /// The status that the service sent.
    pub status: Option<String>,
    /// The times of the wait.
    pub times: Times,
}

/// A failed poll.
#[derive(Debug)]
#[non_exhaustive]
pub struct PollFailed {
    /// The cause.
    pub error: Error,
    /// The time since the last valid response, or since the wait started. Of the pause before the first failed poll, at most
    /// a quarter of the [tolerance](crate::WaitOptions::tolerance) counts.
    pub since: Duration,
    /// The times of the wait.
    pub times: Times,
}

/// The times of a wait. A change between two polls is observed at the second one, so times are late by up to one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// The time since the wait started.
    pub elapsed: Duration,
    /// The time since the generation was created, or since the wait started if that is not known.
    pub age: Duration,
    /// How long the generation was in the queue.
    pub queued: Duration,
    /// The time since the generation left the queue; `None` while it is queued.
    pub generating: Option<Duration>,
    /// The expected time until the generation ends, if the durations of such generations are known; zero when it is overdue.
    pub remaining: Option<Duration>,
    /// The duration of such a generation from create to completed that the vendor's pages state, at the wait's speed.
    pub expected: Option<RangeInclusive<Duration>>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.status, self.state) {
            (Some(status), State::Unknown) => write!(f, "unknown state `{status}`"),
            (_, state) => write!(f, "{state}"),
        }
    }
}
