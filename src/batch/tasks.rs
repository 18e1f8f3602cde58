//! The tasks that a batch's work is done in, so that a consumer that is busy with something else holds nothing up.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{sync::watch, task::JoinHandle};

/// A task that ends with whoever waits for it.
pub(super) struct Bound<T>(JoinHandle<T>);

impl<T: Send + 'static> Bound<T> {
    pub(super) fn start(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Bound<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        poll(&mut self.0, context)
    }
}

impl<T> Drop for Bound<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task that goes on to its end, whoever waits for it.
pub(super) struct Lasting<T>(JoinHandle<T>);

impl<T: Send + 'static> Lasting<T> {
    pub(super) fn start(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Lasting<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        poll(&mut self.0, context)
    }
}

fn poll<T>(task: &mut JoinHandle<T>, context: &mut Context<'_>) -> Poll<T> {
    match Pin::new(task).poll(context) {
        Poll::Ready(Ok(value)) => Poll::Ready(value),
        Poll::Ready(Err(error)) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Its runtime ends, and nobody is left to be told.
            Err(_) => Poll::Pending,
        },
        Poll::Pending => Poll::Pending,
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

    /// Returns when it is.
    pub(super) async fn on(&self) {
        let mut receiver = self.0.clone();
        // An error says that the batch is gone.
        let _ = receiver.wait_for(|is_on| *is_on).await;
    }
}
