//! Waits for many generations that exist already.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use sync_wrapper::SyncWrapper;

use super::tasks::Task;
use crate::{Client, Error, ErrorKind, Generation, GenerationHandle, WaitOptions};

/// The outcomes of many waits, made by [`Client::wait_all`]: a stream that ends when all have ended.
#[must_use = "a stream does nothing until it is polled"]
pub struct WaitAll {
    client: Client,
    handles: SyncWrapper<Box<dyn Iterator<Item = GenerationHandle> + Send>>,
    options: Option<WaitOptions>,
    max_open: usize,
    waits: FuturesUnordered<Waiting>,
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

    /// Waits with other options than the client's.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// The maximum number of open waits, each of which takes some memory; 10,000 by default, at least one.
    pub fn max_open(mut self, waits: usize) -> Self {
        self.max_open = waits.max(1);
        self
    }

    /// The next outcome; `None` when all have ended. The errors are those of [`Wait`](crate::Wait), and each is of one
    /// generation alone.
    ///
    /// # Cancel safety
    ///
    /// Safe: the waits go on where they were with the next call.
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
            self.waits.push(Waiting { handle, task });
        }
        self.waits.poll_next_unpin(context)
    }
}

/// A wait in its task.
struct Waiting {
    handle: GenerationHandle,
    task: Task<Result<Generation, Error>>,
}

impl Future for Waiting {
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
