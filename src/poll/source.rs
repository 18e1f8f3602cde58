//! The interface between a wait and the client that it polls.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use crate::{
    Client, Error, Generation, GenerationHandle, budget::Bucket, client::PollError,
    schedule::Learned,
};

/// The source of the states that a wait polls: the client.
///
/// The source is a trait so that tests can replace the service by a script: a paused clock cannot be combined with a socket.
pub(super) trait PollSource {
    /// Returns an error if the handle belongs to another service.
    fn check(&self, handle: &GenerationHandle) -> Result<(), Error>;

    /// The poll budget, unless it is off.
    fn budget(&self) -> Option<&Arc<Bucket>>;

    /// The observed durations of generations of this model and length.
    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned>;

    /// Records that a generation ended between these ages.
    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>);

    /// Sends one poll, and returns the generation's state with the `Retry-After` of the response. `last` is the previous
    /// state.
    fn poll(
        &self,
        handle: &GenerationHandle,
        last: Option<&Generation>,
        timeout: Duration,
    ) -> impl Future<Output = Result<(Generation, Option<Duration>), PollError>> + Send;
}

impl PollSource for Client {
    fn check(&self, handle: &GenerationHandle) -> Result<(), Error> {
        Self::check(self, handle)
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        Self::budget(self)
    }

    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        self.lock_durations().learned(model, length)
    }

    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.lock_durations().observe(model, length, ended);
    }

    async fn poll(
        &self,
        handle: &GenerationHandle,
        last: Option<&Generation>,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        Self::poll(self, handle, last, timeout).await
    }
}
