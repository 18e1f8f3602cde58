//! The seam between the wait and whom it asks.

use std::{sync::Arc, time::Duration};

use crate::{Client, Error, Generation, GenerationHandle, budget::Bucket, client::PollError};

/// Whom the machine asks: the client, and in tests of the schedule a script, since a paused clock and a real socket do not
/// mix.
pub(super) trait Ask {
    fn check(&self, handle: &GenerationHandle) -> Result<(), Error>;

    /// The budget that the poll has to fit into.
    fn budget(&self) -> Option<&Arc<Bucket>>;

    /// One poll: a state and how long the service asks to be left alone, or why there is none.
    fn poll(
        &self,
        handle: &GenerationHandle,
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

    async fn poll(
        &self,
        handle: &GenerationHandle,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        Self::poll(self, handle, timeout).await
    }
}
