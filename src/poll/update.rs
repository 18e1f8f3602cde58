//! What happens in a wait, as its stream tells it.

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

/// What happens in a wait, made by [`Wait::updates`](crate::Wait::updates): a stream that paces itself, and ends after
/// [`Update::Completed`] or an error.
///
/// ```no_run
/// use aimlapi_video::{Client, Update};
///
/// # async fn run(client: Client, handle: aimlapi_video::GenerationHandle) -> Result<(), aimlapi_video::Error> {
/// let mut updates = client.wait(handle).updates();
/// while let Some(update) = updates.next().await {
///     match update? {
///         Update::Progress(progress) => match progress.times.remaining {
///             Some(left) => println!("{progress}, some {} s to go", left.as_secs()),
///             None => println!("{progress}"),
///         },
///         Update::Hiccup(hiccup) => println!("asks again: {}", hiccup.error),
///         Update::Completed(generation) => println!("{}", generation.videos().len()),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Updates(SyncWrapper<Pin<Box<Machinery>>>);

type Machinery = dyn Stream<Item = Result<Update, Error>> + Send;

impl Updates {
    pub(super) fn new(updates: impl Stream<Item = Result<Update, Error>> + Send + 'static) -> Self {
        // After the end it has ended, however often it is asked.
        Self(SyncWrapper::new(Box::pin(updates.fuse())))
    }

    /// The next update; `None` after the end.
    ///
    /// # Errors
    ///
    /// As [`Wait`](crate::Wait); an error is the last item. A failing poll that the wait rides out is none: it comes as
    /// [`Update::Hiccup`].
    ///
    /// # Cancel safety
    ///
    /// Safe: the wait goes on where it was with the next call.
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

/// Something that happened in a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The state is another one than before.
    Progress(Progress),
    /// A poll failed, and the wait goes on.
    Hiccup(Hiccup),
    /// The generation is completed and holds at least one video.
    Completed(Box<Generation>),
}

/// A change of state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// What it means.
    pub state: State,
    /// What the service wrote.
    pub status: Option<String>,
    /// Where the wait stands.
    pub times: Times,
}

/// A poll that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Hiccup {
    /// Why.
    pub error: Error,
    /// The time since the last good answer, or since the wait began; of a pause in which nobody asked, a quarter of the
    /// [tolerance](crate::WaitOptions::tolerance) at most.
    pub since: Duration,
    /// Where the wait stands.
    pub times: Times,
}

/// Where a wait stands. What happens between two polls is seen at the second one, so times are late by up to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// The time since the wait began.
    pub elapsed: Duration,
    /// The time since the generation was created, or since the wait began where that is not known.
    pub age: Duration,
    /// How much of its age the generation was in the queue.
    pub queued: Duration,
    /// How long it has been out of the queue; `None` while it is in there.
    pub generating: Option<Duration>,
    /// How much longer such a generation takes, where something is known of its like; zero when it is overdue.
    pub remaining: Option<Duration>,
    /// How long such a generation takes from create to completed, as the vendor's pages state it, at the wait's speed.
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
