//! The tokio tasks of a batch, and the signal that stops it. Creates and waits run in tasks, so that a slow consumer
//! does not delay them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{sync::watch, task::JoinHandle};

/// A tokio task that is aborted or detached when it is dropped. The task ends without an outcome if its runtime ends or
/// its future panics.
pub(super) struct Task<T> {
    task: JoinHandle<T>,
    /// Whether the task is aborted when this value is dropped.
    is_bound: bool,
}

impl<T: Send + 'static> Task<T> {
    /// Starts a task that is aborted when this value is dropped.
    pub(super) fn bound(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self::start(work, true)
    }

    /// Starts a task that continues when this value is dropped.
    pub(super) fn detached(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self::start(work, false)
    }

    fn start(work: impl Future<Output = T> + Send + 'static, is_bound: bool) -> Self {
        #[cfg(feature = "tracing")]
        let work = tracing::Instrument::in_current_span(work);
        let task = tokio::spawn(work);
        Self { task, is_bound }
    }
}

impl<T> Future for Task<T> {
    /// The outcome, or the reason why the task ended without an outcome.
    type Output = Result<T, &'static str>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.task).poll(context);
        ended.map_err(|error| match error.is_panic() {
            true => "its task panicked",
            false => "the runtime of its task has ended",
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.is_bound {
            self.task.abort();
        }
    }
}

/// A signal that is on after a batch was stopped or dropped.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(super) fn is_on(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Completes when the signal is on.
    pub(super) async fn on(&self) {
        let mut receiver = self.0.clone();
        // An error means that the batch was dropped.
        let _ = receiver.wait_for(|is_on| *is_on).await;
    }
}
