//! A span per wait, and an event per change of it (feature `tracing`). Without the feature nothing is left of this.
//!
//! Nothing that the service or the user wrote is in it but the generation's id, its model and its state: no key, no prompt,
//! no link.

#[cfg(feature = "tracing")]
pub(super) use on::Trace;

#[cfg(not(feature = "tracing"))]
pub(super) use off::Trace;

#[cfg(feature = "tracing")]
mod on {
    use tracing::{Instrument, Span, field::Empty};

    use crate::{Error, Generation, GenerationHandle, Update};

    const TARGET: &str = env!("CARGO_CRATE_NAME");

    #[derive(Debug, Default)]
    pub(crate) struct Trace {
        /// Of a wait that has begun and not ended.
        span: Option<Span>,
    }

    impl Trace {
        /// The span begins with the wait's first step.
        pub(crate) fn begin(&mut self, handle: &GenerationHandle) {
            self.span.get_or_insert_with(|| {
                tracing::info_span!(
                    target: TARGET,
                    "aimlapi.wait",
                    id = handle.id(),
                    model = handle.model(),
                    polls = Empty,
                    state = Empty,
                    outcome = Empty,
                )
            });
        }

        /// Goes on within the span.
        pub(crate) fn within<T>(&self, step: impl Future<Output = T>) -> impl Future<Output = T> {
            step.instrument(self.span.clone().unwrap_or_else(Span::none))
        }

        /// Tells what a step brought.
        pub(crate) fn told(
            &mut self,
            update: &Result<Update, Error>,
            polls: u32,
            last: Option<&Generation>,
        ) {
            let Some(span) = &self.span else { return };
            let seconds = |time: std::time::Duration| time.as_secs_f64();
            let entered = span.enter();
            let outcome = match update {
                Ok(Update::Progress(progress)) => {
                    let (state, times) = (progress.state, &progress.times);
                    tracing::info!(
                        target: TARGET,
                        %state,
                        age_s = seconds(times.age),
                        queued_s = seconds(times.queued),
                        polls,
                        "state changed"
                    );
                    return;
                }
                Ok(Update::Hiccup(hiccup)) => {
                    let status = hiccup.error.service().map(|service| service.status);
                    tracing::warn!(
                        target: TARGET,
                        status,
                        since_s = seconds(hiccup.since),
                        polls,
                        "poll failed, the wait goes on"
                    );
                    return;
                }
                Ok(Update::Completed(_)) => {
                    tracing::info!(target: TARGET, polls, "completed");
                    "completed".to_owned()
                }
                Err(error) => {
                    let (kind, status) = (error.kind(), error.service().map(|said| said.status));
                    tracing::warn!(target: TARGET, ?kind, status, polls, "the wait ended without a video");
                    format!("{kind:?}")
                }
            };
            drop(entered);
            self.end(&outcome, polls, last);
        }

        /// Nobody goes on with it, and it may not have ended.
        pub(crate) fn dropped(&mut self, polls: u32, last: Option<&Generation>) {
            self.end("dropped", polls, last);
        }

        fn end(&mut self, outcome: &str, polls: u32, last: Option<&Generation>) {
            let Some(span) = self.span.take() else { return };
            span.record("polls", polls);
            let state = last.map(|answer| answer.state().to_string());
            span.record("state", state.as_deref());
            span.record("outcome", outcome);
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use crate::{Error, Generation, GenerationHandle, Update};

    #[derive(Debug, Default)]
    pub(crate) struct Trace {}

    impl Trace {
        pub(crate) const fn begin(&self, _: &GenerationHandle) {}

        pub(crate) const fn within<T: Future>(&self, step: T) -> T {
            step
        }

        pub(crate) const fn dropped(&self, _: u32, _: Option<&Generation>) {}

        pub(crate) const fn told(&self, _: &Result<Update, Error>, _: u32, _: Option<&Generation>) {
        }
    }
}
