//! Bodies that are observed while they are forwarded.

use std::{
    error::Error,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::server::MAX_BODY;

/// What observes a body.
pub(super) trait Observer: Unpin {
    fn data(&mut self, bytes: &[u8]);

    /// The next part of the body is awaited.
    fn pending(&mut self, _: &mut Context<'_>) {}

    /// The body is complete. It may be called twice.
    fn end(&mut self);

    fn fail(&mut self, cause: String);
}

/// A body whose observer gets each part before the receiver does.
pub(super) struct Observed<B, O> {
    body: B,
    observer: O,
}

impl<B, O> Observed<B, O> {
    pub(super) fn new(body: B, observer: O) -> Self {
        Self { body, observer }
    }
}

impl<B, O> Body for Observed<B, O>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
    O: Observer,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Self { body, observer } = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) else {
            observer.pending(context);
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    observer.data(bytes);
                }
                // The receiver of a body of known length does not ask for its end.
                if body.is_end_stream() {
                    observer.end();
                }
            }
            Some(Err(error)) => observer.fail(cause(error)),
            None => observer.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that can be read on when the client that has a clone of it has failed.
pub(super) struct Kept<B>(Arc<Mutex<B>>);

impl<B> Kept<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    fn lock(&self) -> MutexGuard<'_, B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Clone for Kept<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Body + Unpin> Body for Kept<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}

/// Returns the innermost cause of an error.
pub(super) fn cause(mut error: &(dyn Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The captured body of a request, which is sent while the response may already arrive.
#[derive(Clone, Debug)]
pub(super) struct RequestCapture(Arc<Mutex<Captured>>);

#[derive(Debug)]
struct Captured {
    body: Vec<u8>,
    /// Whether the body is captured at all.
    is_wanted: bool,
    /// When the body was complete.
    ended: Option<Instant>,
    /// Whether the caller closed the connection before the end.
    is_broken: bool,
}

impl RequestCapture {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self(Arc::new(Mutex::new(Captured {
            body: Vec::new(),
            is_wanted,
            ended: None,
            is_broken: false,
        })))
    }

    /// Returns when the body was complete.
    pub(super) fn ended(&self) -> Option<Instant> {
        self.lock().ended
    }

    /// Takes the body if all of it was captured.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let mut captured = self.lock();
        let is_whole = captured.is_wanted && captured.ended.is_some();
        is_whole.then(|| std::mem::take(&mut captured.body))
    }

    /// Whether the body is captured as far as it was received.
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().is_wanted
    }

    pub(super) fn is_broken(&self) -> bool {
        self.lock().is_broken
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for RequestCapture {
    fn data(&mut self, bytes: &[u8]) {
        let mut captured = self.lock();
        if captured.is_wanted && captured.body.len() + bytes.len() <= MAX_BODY {
            captured.body.extend_from_slice(bytes);
        } else {
            captured.is_wanted = false;
            captured.body = Vec::new();
        }
    }

    fn end(&mut self) {
        self.lock().ended.get_or_insert_with(Instant::now);
    }

    fn fail(&mut self, _: String) {
        self.lock().is_broken = true;
    }
}
