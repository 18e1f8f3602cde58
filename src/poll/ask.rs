//! The seam between the wait and whom it asks.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use crate::{
    Client, Error, Generation, GenerationHandle, budget::Bucket, client::PollError,
    schedule::Learned,
};

/// Whom the machine asks: the client, and in tests of the schedule a script, since a paused clock and a real socket do not
/// mix.
pub(super) trait Ask {
    fn check(&self, handle: &GenerationHandle) -> Result<(), Error>;

    /// The budget that the poll has to fit into.
    fn budget(&self) -> Option<&Arc<Bucket>>;

    /// What was seen of generations such as this one.
    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned>;

    /// Takes in that one ended within these ages.
    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>);

    /// One poll: a state and how long the service asks to be left alone, or why there is none. `last` is the last answer.
    fn poll(
        &self,
        handle: &GenerationHandle,
        last: Option<&Generation>,
        timeout: Duration,
    ) -> impl Future<Output = Result<(Generation, Option<Duration>), PollError>> + Send;
}

impl Ask for Client {
    fn check(&self, handle: &GenerationHandle) -> Result<(), Error> {
        Self::check(self, handle)
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        Self::budget(self)
    }

    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        self.seen().learned(model, length)
    }

    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.seen().observe(model, length, ended);
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
