//! The wait for the end of a generation.
//!
//! [`Machine`] is the state machine: it polls a [`PollSource`] at the times that the schedule gives, and judges every outcome.
//! [`Wait`] is a future and [`Updates`] a stream on top of the machine.

use std::{
    future::IntoFuture,
    ops::RangeInclusive,
    pin::Pin,
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, stream};
use tokio::time::{Instant, sleep_until};

use crate::{
    Client, Error, Generation, GenerationHandle, IntoGenerationRequest, contract, error::WaitState,
    schedule::options::WaitOptions,
};

#[cfg(bench_internals)]
pub(crate) mod bench;
mod judge;
mod source;
mod timing;
mod trace;
mod update;

use judge::MissingVideo;
use source::PollSource;
use timing::{LAST_POLL_TIMEOUT, Reason};
use trace::Trace;
pub use update::{PollFailed, Progress, Times, Update, Updates};

impl Client {
    /// Creates a generation and waits for its end.
    ///
    /// Use [`create`](Self::create) and [`wait`](Self::wait) to store the handle in between.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create).
    pub async fn generate(&self, request: impl IntoGenerationRequest) -> Result<Generation, Error> {
        let handle = self.create(request).await?;
        self.wait(handle).await
    }

    /// Waits for the end of a generation: await it, or take its [`updates`](Wait::updates).
    ///
    /// The argument is a [`GenerationHandle`], or a bare id, which is polled on the universal route.
    pub fn wait(&self, generation: impl Into<GenerationHandle>) -> Wait {
        Wait::new(self.clone(), generation.into(), self.wait_options().clone())
    }
}

/// A wait for the end of a generation. No request is sent until the wait is awaited or its [`updates`](Self::updates) are
/// polled.
///
/// Awaiting returns the completed [`Generation`].
///
/// ```no_run
/// use std::time::Duration;
/// use aimlapi_video::{Client, GenerationHandle};
///
/// # async fn run(client: Client, stored: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let handle: GenerationHandle = serde_json::from_str(stored)?;
/// match client.wait(handle).deadline(Duration::from_secs(600)).await {
///     Ok(generation) => println!("{} videos", generation.videos().len()),
///     Err(error) if error.is_resumable() => println!("{error}; wait again later"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Each error carries the [handle](Error::handle), the [last response](Error::last_answer), the time and the number of polls:
///
/// - [`GenerationFailed`](crate::ErrorKind::GenerationFailed): the service reports a failure, or a completed generation with
///   an error and without a video, after three more polls or 10 s.
/// - [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded): the generation may still complete and be billed.
///   [`Error::budget_delay`] is the time that its polls were queued for the client's [budget](crate::PollBudget).
/// - [`PollingLost`](crate::ErrorKind::PollingLost): no valid response for longer than the tolerance, or the service refuses
///   the poll (401, 403, 404 later than 30 s after the create, other 4xx, a redirect); [`Error::service`] has its message.
/// - [`MissingVideo`](crate::ErrorKind::MissingVideo): completed, but without a video or an error after three more polls or
///   10 s.
/// - [`Configuration`](crate::ErrorKind::Configuration): the handle belongs to another service; nothing was sent.
/// - [`MissingRootCertificates`](crate::ErrorKind::MissingRootCertificates): the service cannot be verified; nothing was sent.
///
/// A failed poll within the tolerance is not an error, nor is an unknown status. A response with 202 (Accepted) and without
/// a state is valid, and leaves the state as it was.
///
/// # Cancel safety
///
/// Safe: dropping the wait stops all traffic, and another wait with the same handle loses nothing. The service cannot cancel
/// a generation, so the generation continues there.
#[derive(Debug)]
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait {
    client: Client,
    handle: GenerationHandle,
    options: WaitOptions,
}

impl Wait {
    pub(crate) fn new(client: Client, handle: GenerationHandle, options: WaitOptions) -> Self {
        Self {
            client,
            handle,
            options,
        }
    }

    /// Replaces all options of the client.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = options;
        self
    }

    /// Replaces the [deadline](WaitOptions::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options = self.options.deadline(deadline);
        self
    }

    /// Returns a stream of the updates of this wait, which ends with [`Update::Completed`] or an error. The stream yields each
    /// update as soon as it occurs, and no request is sent while the stream is not polled.
    ///
    /// # Cancel safety
    ///
    /// As [`Wait`].
    pub fn updates(self) -> Updates {
        let updates = async {
            let wait = TracedWait::start(self.client, self.handle, self.options);
            stream::unfold(Some(wait), |wait| async {
                let mut wait = wait?;
                let mut update = wait.step().await;
                wait.machine.add_remaining(&mut update);
                let continues = matches!(update, Ok(Update::Progress(_) | Update::PollFailed(_)));
                Some((update, continues.then_some(wait)))
            })
        };
        Updates::new(updates.flatten_stream())
    }
}

impl IntoFuture for Wait {
    type Output = Result<Generation, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let mut wait = TracedWait::start(self.client, self.handle, self.options);
            loop {
                if let Update::Completed(generation) = wait.step().await? {
                    return Ok(*generation);
                }
            }
        })
    }
}

/// The state machine of a wait with its trace.
struct TracedWait<S> {
    machine: Machine<S>,
    trace: Trace,
}

impl<S: PollSource> TracedWait<S> {
    fn start(source: S, handle: GenerationHandle, options: WaitOptions) -> Self {
        let machine = Machine::start(source, handle, options);
        let trace = Trace::new(&machine.state.handle);
        Self { machine, trace }
    }

    async fn step(&mut self) -> Result<Update, Error> {
        let update = self.trace.within(self.machine.step()).await;
        self.trace.record(&update, &self.machine.state);
        update
    }
}

/// A wait that is dropped ends its span too.
impl<S> Drop for TracedWait<S> {
    fn drop(&mut self) {
        self.trace.dropped(&self.machine.state);
    }
}

/// The state machine of a wait. All instants and durations are in the time of this process.
struct Machine<S> {
    source: S,
    options: WaitOptions,
    /// The stated duration of such a generation, in the time of the service.
    expected: Option<RangeInclusive<Duration>>,
    started: Instant,
    /// The generation's age when the wait started.
    age_at_start: Duration,
    /// The part of the state that an error of this wait carries.
    state: WaitState,
    /// The end of the last poll, or the start of the wait.
    last_poll: Instant,
    /// The `Retry-After` of the last poll.
    retry_after: Option<Duration>,
    silence: Silence,
    /// The age up to which the generation is known not to have ended.
    unfinished: Duration,
    /// The age at which the generation was first observed outside the queue.
    left_queue: Option<Duration>,
    /// Set while the generation is completed without a video.
    missing_video: Option<MissingVideo>,
}

/// The time without a valid response, which the tolerance limits.
struct Silence {
    since: Instant,
    /// Whether the last poll failed.
    failing: bool,
    /// When the failure was reported, until the wait continues.
    reported_at: Option<Instant>,
}

impl<S: PollSource> Machine<S> {
    fn start(source: S, handle: GenerationHandle, options: WaitOptions) -> Self {
        let created = handle.created();
        // A stored handle has lost the model of its request, which may be newer than this crate.
        let by_id = || {
            let model = contract::model(handle.route(), handle.model()?)?;
            model.expected(handle.length())
        };
        let of_request = created.and_then(|created| created.expected.clone());
        let expected = of_request.or_else(by_id);
        let age = handle
            .created_at()
            .and_then(|created| SystemTime::now().duration_since(created).ok());
        let now = Instant::now();
        Self {
            source,
            options,
            expected,
            started: now,
            // Whole seconds: the clocks of two processes do not agree better.
            age_at_start: Duration::from_secs(age.unwrap_or_default().as_secs()),
            last_poll: now,
            retry_after: created.and_then(|created| created.retry_after),
            silence: Silence {
                since: now,
                failing: false,
                reported_at: None,
            },
            unfinished: Duration::ZERO,
            left_queue: None,
            missing_video: None,
            state: WaitState {
                handle,
                last: None,
                elapsed: Duration::ZERO,
                polls: 0,
                answered: 0,
                budget_delay: Duration::ZERO,
            },
        }
    }

    /// Continues until the next update.
    async fn step(&mut self) -> Result<Update, Error> {
        if let Some(update) = self.judge_created()? {
            return Ok(update);
        }
        if let Some(reported_at) = self.silence.reported_at.take() {
            // No poll was sent while the caller handled the failure.
            self.silence.since += reported_at.elapsed();
        }
        loop {
            let (at, reason) = self.next_poll();
            // A timer would round an instant in the past up to the next millisecond.
            if at > Instant::now() {
                sleep_until(at).await;
            }
            let is_last = self.take_token(at, reason).await;
            let update = self.poll(is_last).await?;
            if let Some(update @ Update::Completed(_)) = update {
                return Ok(update);
            }
            let queue_deadline = reason == Reason::QueueDeadline && !self.silence.failing;
            if is_last || (queue_deadline && self.is_queued()) {
                return Err(self.deadline_exceeded());
            }
            if let Some(update) = update {
                return Ok(update);
            }
        }
    }

    /// Judges the response to the create in the first step, since that response may be final.
    fn judge_created(&mut self) -> Result<Option<Update>, Error> {
        if self.state.polls > 0 || self.state.last.is_some() {
            return Ok(None);
        }
        self.source
            .check(&self.state.handle)
            .map_err(|error| error.with_wait(self.state()))?;
        match self.state.handle.answer().cloned() {
            Some(answer) => self.judge(answer),
            None => Ok(None),
        }
    }

    /// Sends one poll and judges its outcome.
    async fn poll(&mut self, is_last: bool) -> Result<Option<Update>, Error> {
        let timeout = match self.deadline() {
            Some(_) if is_last => LAST_POLL_TIMEOUT,
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        let state = &mut self.state;
        state.polls = state.polls.saturating_add(1);
        let sent = Instant::now();
        // Boxed, since the future of a poll is large, and takes no memory while the wait sleeps.
        let poll = self
            .source
            .poll(&state.handle, state.last.as_ref(), timeout);
        let outcome = Box::pin(poll).await;
        self.last_poll = Instant::now();
        let is_answered = outcome
            .as_ref()
            .map_or_else(|failed| failed.answered, |_| true);
        state.answered = state.answered.saturating_add(is_answered.into());
        let (answer, retry_after) = match outcome {
            Ok(answered) => answered,
            Err(failed) => return self.failed_poll(failed, sent, is_last).map(Some),
        };
        self.silence.since = self.last_poll;
        self.retry_after = retry_after;
        let update = self.judge(answer)?;
        self.silence.failing = false;
        match update {
            Some(Update::Completed(_)) => self.learn(),
            _ if self.missing_video.is_some() => {}
            _ => self.unfinished = self.age_at(sent),
        }
        Ok(update)
    }
}

#[cfg(test)]
mod tests;
