//! The stream of [`Client::wait_all`]: waits for many existing generations at once.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use sync_wrapper::SyncWrapper;

use super::tasks::Task;
use crate::{Client, Error, ErrorKind, Generation, GenerationHandle, WaitOptions};

/// A stream of the outcomes of many waits, made by [`Client::wait_all`]. The stream ends when all waits have ended.
#[must_use = "a stream does nothing until it is polled"]
pub struct WaitAll {
    client: Client,
    handles: SyncWrapper<Box<dyn Iterator<Item = GenerationHandle> + Send>>,
    options: Option<WaitOptions>,
    max_open: usize,
    waits: FuturesUnordered<WaitTask>,
}

impl WaitAll {
    pub(super) fn new(
        client: &Client,
        handles: impl Iterator<Item = GenerationHandle> + Send + 'static,
    ) -> Self {
        Self {
            client: client.clone(),
            handles: SyncWrapper::new(Box::new(handles)),
            options: None,
            max_open: 10_000,
            waits: FuturesUnordered::new(),
        }
    }

    /// Sets the options of the waits, in place of the client's.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets the maximum number of open waits, each of which takes some memory; 10,000 by default, at least one.
    pub fn max_open(mut self, waits: usize) -> Self {
        self.max_open = waits.max(1);
        self
    }

    /// Returns the next outcome; `None` when all waits have ended. The errors are those of [`Wait`](crate::Wait), and
    /// each error concerns one generation only.
    ///
    /// # Cancel safety
    ///
    /// Safe: the waits continue in their tasks, and the next call returns the next outcome.
    pub async fn next(&mut self) -> Option<(GenerationHandle, Result<Generation, Error>)> {
        StreamExt::next(self).await
    }
}

impl Stream for WaitAll {
    type Item = (GenerationHandle, Result<Generation, Error>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while self.waits.len() < self.max_open
            && let Some(handle) = self.handles.get_mut().next()
        {
            let mut wait = self.client.wait(&handle);
            if let Some(options) = &self.options {
                wait = wait.options(options.clone());
            }
            let task = Task::bound(wait.into_future());
            self.waits.push(WaitTask { handle, task });
        }
        self.waits.poll_next_unpin(context)
    }
}

/// One wait in its task.
struct WaitTask {
    handle: GenerationHandle,
    task: Task<Result<Generation, Error>>,
}

impl Future for WaitTask {
    type Output = (GenerationHandle, Result<Generation, Error>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context).map(|ended| {
            let outcome = ended.unwrap_or_else(|why| Err(no_outcome(why, &self.handle)));
            (self.handle.clone(), outcome)
        })
    }
}

/// The error of a wait whose task ended without an outcome.
pub(super) fn no_outcome(why: &str, handle: &GenerationHandle) -> Error {
    let what = format!("the wait ended without an outcome: {why}; wait again");
    Error::new(ErrorKind::PollingLost, what).about(handle.clone())
}

impl fmt::Debug for WaitAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitAll")
            .field("open", &self.waits.len())
            .finish_non_exhaustive()
    }
}
