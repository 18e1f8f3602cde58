//! Records whether a request has left this machine, so that a request that was cancelled before is not sent.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::Body;

/// The state of a request with a body: not sent yet, sent, or cancelled before it was sent.
#[derive(Debug, Default)]
pub(crate) struct Departure(AtomicU8);

impl Departure {
    const WAITING: u8 = 0;
    const LEFT: u8 = 1;
    const CANCELLED: u8 = 2;

    /// Cancels the request; `false` if the request has left.
    pub(crate) fn cancel(&self) -> bool {
        self.settle(Self::CANCELLED) != Self::LEFT
    }

    pub(crate) fn has_left(&self) -> bool {
        self.0.load(Ordering::SeqCst) == Self::LEFT
    }

    /// Records that the request leaves; `false` if the request was cancelled.
    fn leave(&self) -> bool {
        self.settle(Self::LEFT) != Self::CANCELLED
    }

    /// Sets the final state, unless an earlier call has set it; returns the final state.
    fn settle(&self, state: u8) -> u8 {
        let settled =
            self.0
                .compare_exchange(Self::WAITING, state, Ordering::SeqCst, Ordering::SeqCst);
        settled.map_or_else(|before| before, |_| state)
    }
}

/// A body that records its departure, and fails if the request was cancelled.
///
/// HTTP/1 polls a body before it writes the head to the socket, HTTP/2 after it. If the body fails, at most a head without
/// its body has left, and a service cannot act on that.
pub(super) struct DepartingBody {
    pub(super) body: Body,
    pub(super) departure: Arc<Departure>,
}

impl HttpBody for DepartingBody {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.departure.leave() {
            let cancelled = io::Error::other("the request was cancelled before it was sent");
            return Poll::Ready(Some(Err(cancelled.into())));
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departure_keeps_the_first_of_leaving_and_cancelling() {
        let departure = Departure::default();
        assert!(!departure.has_left());
        assert!(departure.leave() && departure.leave() && departure.has_left());
        assert!(!departure.cancel() && departure.has_left());
        let departure = Departure::default();
        assert!(departure.cancel() && departure.cancel());
        assert!(!departure.leave() && !departure.has_left());
    }
}
