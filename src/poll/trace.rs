//! Emits a span for each wait, and an event for each of its updates (feature `tracing`). Without the feature, [`Trace`] is
//! empty.
//!
//! Of the data of the service and the user, spans and events contain only the generation's id, model and state: no key, no
//! prompt, no URL.

#[cfg(feature = "tracing")]
pub(super) use on::Trace;

#[cfg(not(feature = "tracing"))]
pub(super) use off::Trace;

#[cfg(feature = "tracing")]
mod on {
    use tracing::{Instrument, Span, field::Empty};

    use crate::{Error, Generation, GenerationHandle, Update, error::WaitState};

    const TARGET: &str = env!("CARGO_CRATE_NAME");

    #[derive(Debug)]
    pub(crate) struct Trace {
        /// `None` once the wait has ended.
        span: Option<Span>,
    }

    impl Trace {
        pub(crate) fn new(handle: &GenerationHandle) -> Self {
            let span = tracing::info_span!(
                target: TARGET,
                "aimlapi.wait",
                id = handle.id(),
                model = handle.model(),
                polls = Empty,
                state = Empty,
                outcome = Empty,
            );
            Self { span: Some(span) }
        }

        /// Runs a step within the span.
        pub(crate) fn within<T>(&self, step: impl Future<Output = T>) -> impl Future<Output = T> {
            step.instrument(self.span.clone().unwrap_or_else(Span::none))
        }

        /// Records the result of a step.
        pub(crate) fn record(&mut self, update: &Result<Update, Error>, wait: &WaitState) {
            let Some(span) = &self.span else { return };
            let polls = wait.polls;
            let entered = span.enter();
            let outcome = match update {
                Ok(Update::Progress(progress)) => {
                    let (state, times) = (progress.state, &progress.times);
                    tracing::info!(
                        target: TARGET,
                        %state,
                        age_s = times.age.as_secs_f64(),
                        queued_s = times.queued.as_secs_f64(),
                        polls,
                        "state received"
                    );
                    return;
                }
                Ok(Update::PollFailed(failed)) => {
                    let status = failed.error.service().map(|service| service.status);
                    tracing::warn!(
                        target: TARGET,
                        status,
                        since_s = failed.since.as_secs_f64(),
                        polls,
                        "poll failed, the wait continues"
                    );
                    return;
                }
                Ok(Update::Completed(_)) => {
                    tracing::info!(target: TARGET, polls, "completed");
                    "completed".to_owned()
                }
                Err(error) => {
                    let kind = error.kind();
                    let status = error.service().map(|service| service.status);
                    tracing::warn!(target: TARGET, ?kind, status, polls, "the wait ended without a video");
                    format!("{kind:?}")
                }
            };
            drop(entered);
            self.end(&outcome, wait);
        }

        /// Ends the span of a wait that is dropped, unless the wait has ended before.
        pub(crate) fn dropped(&mut self, wait: &WaitState) {
            self.end("dropped", wait);
        }

        fn end(&mut self, outcome: &str, wait: &WaitState) {
            let Some(span) = self.span.take() else { return };
            span.record("polls", wait.polls);
            let state = wait.last.as_ref().map(Generation::state);
            let state = state.map(|state| state.to_string());
            span.record("state", state.as_deref());
            span.record("outcome", outcome);
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use crate::{Error, GenerationHandle, Update, error::WaitState};

    #[derive(Debug)]
    pub(crate) struct Trace {}

    impl Trace {
        pub(crate) const fn new(_: &GenerationHandle) -> Self {
            Self {}
        }

        pub(crate) const fn within<T: Future>(&self, step: T) -> T {
            step
        }

        pub(crate) const fn record(&self, _: &Result<Update, Error>, _: &WaitState) {}

        pub(crate) const fn dropped(&self, _: &WaitState) {}
    }
}
