//! The tasks in which a batch works, so that a busy consumer delays neither creates nor waits.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{sync::watch, task::JoinHandle};

/// A task. It may end without an outcome, when its runtime ends or its work panics.
pub(super) struct Task<T> {
    task: JoinHandle<T>,
    /// Whether it is aborted when it is dropped.
    is_bound: bool,
}

impl<T: Send + 'static> Task<T> {
    /// A task that is aborted when it is dropped.
    pub(super) fn bound(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self::start(work, true)
    }

    /// A task that continues when it is dropped.
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
    /// The outcome, or why the task ended without one.
    type Output = Result<T, &'static str>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.task).poll(context);
        ended.map_err(|error| match error.is_panic() {
            true => "its task panicked",
            false => "the runtime that it ran on has ended",
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

/// Whether a batch was stopped, or dropped.
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

    /// Completes when it is on.
    pub(super) async fn on(&self) {
        let mut receiver = self.0.clone();
        // An error says that the batch is gone.
        let _ = receiver.wait_for(|is_on| *is_on).await;
    }
}
