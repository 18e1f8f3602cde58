//! The generation-wait loop: one private step, and a future and a stream over it.

use std::{
    future::IntoFuture,
    ops::RangeInclusive,
    pin::Pin,
    time::{Duration, SystemTime},
};

use futures_util::stream;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    Client, Error, Generation, GenerationHandle, State, contract,
    schedule::{Decision, PollState},
};

mod ask;
#[cfg(bench_internals)]
pub(crate) mod bench;
mod judge;
mod options;
mod trace;
mod update;

use ask::Ask;
use judge::VIDEO_GRACE;
pub use options::WaitOptions;
use trace::Trace;
pub use update::{Hiccup, Progress, Times, Update, Updates};

/// A wait for the end of a generation. Nothing is sent until it is awaited or its [`updates`](Self::updates) are taken.
///
/// Awaiting gives the completed [`Generation`].
///
/// ```no_run
/// use std::time::Duration;
/// use aimlapi_video::{Client, GenerationHandle};
///
/// # async fn run(client: Client, stored: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let handle: GenerationHandle = serde_json::from_str(stored)?;
/// match client.wait(handle).deadline(Duration::from_secs(600)).await {
///     Ok(generation) => println!("{} videos", generation.videos().len()),
///     Err(error) if error.is_resumable() => println!("{error}; to be waited for again"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Each carries the [handle](Error::handle), the [last answer](Error::last_answer), the time and the number of polls:
///
/// - [`GenerationFailed`](crate::ErrorKind::GenerationFailed): the service says that it failed, or that it is completed, with
///   an error in place of a video even after three more polls or 10 s.
/// - [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded): it may still finish, and be billed. [`Error::budget_delay`] tells
///   how long its polls stood in line for the client's [budget](crate::PollBudget).
/// - [`PollingLost`](crate::ErrorKind::PollingLost): no good answer for longer than the tolerance, or the service refuses to tell
///   (401, 403, 404 later than 30 s after the create, other 4xx, a redirect); [`Error::service`] has its words.
/// - [`MissingVideo`](crate::ErrorKind::MissingVideo): completed, but without a video or an error even after three more polls
///   or 10 s.
/// - [`Configuration`](crate::ErrorKind::Configuration): the handle belongs to another service; nothing was sent.
/// - [`MissingRootCertificates`](crate::ErrorKind::MissingRootCertificates): the service cannot be verified; nothing was sent.
///
/// A failing poll is not an error as long as the tolerance lasts, nor is a status that this crate does not know. A poll that is
/// answered with 202 (Accepted) and without a state is a good answer: the state is what it was.
///
/// # Cancel safety
///
/// Safe: dropping it stops all traffic, and waiting again with the same handle loses nothing. The service has no way to
/// cancel a generation, so it goes on there.
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

    /// Waits with other options than the client's, all of them.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = options;
        self
    }

    /// Waits with another [deadline](WaitOptions::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options = self.options.deadline(deadline);
        self
    }

    /// What happens on the way, ending with [`Update::Completed`] or an error. The stream paces itself: each item comes
    /// when it happens, and nothing is sent while nobody asks for the next one.
    ///
    /// # Cancel safety
    ///
    /// As [`Wait`].
    pub fn updates(self) -> Updates {
        let machine = Traced::new(self.client, self.handle, self.options);
        Updates::new(stream::unfold(Some(machine), |machine| async {
            let mut machine = machine?;
            let update = machine.step().await;
            let goes_on = matches!(update, Ok(Update::Progress(_) | Update::Hiccup(_)));
            Some((update, goes_on.then_some(machine)))
        }))
    }
}

impl IntoFuture for Wait {
    type Output = Result<Generation, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let mut machine = Traced::new(self.client, self.handle, self.options);
            loop {
                if let Update::Completed(generation) = machine.step().await? {
                    return Ok(*generation);
                }
            }
        })
    }
}

/// The last poll may run this far past the deadline.
const LAST_POLL: Duration = Duration::from_secs(10);

/// A server may ask to be left alone no longer than this.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(60);

/// No schedule asks more often than this, in the generation's own time.
const FLOOR: Duration = Duration::from_millis(100);

/// The first step, at most, of a wait for a generation that should have ended before.
const LATE: Duration = Duration::from_secs(15);

/// A time that no wait lives to see.
const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// A wait that begins later after the create cannot tell when the generation ended before its first poll.
const BEGAN_EARLY: Duration = Duration::from_secs(10);

/// Why a poll is sent when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Schedule,
    /// To see whether the generation has left the queue in time.
    QueueDeadline,
    /// For the last time.
    Deadline,
}

/// The one state machine behind every way of waiting, and what is told of it.
struct Traced<A> {
    machine: Machine<A>,
    trace: Trace,
}

/// A wait that nobody goes on with has an end, too.
impl<A> Drop for Traced<A> {
    fn drop(&mut self) {
        let Machine { polls, last, .. } = &self.machine;
        self.trace.dropped(*polls, last.as_ref());
    }
}

impl<A: Ask> Traced<A> {
    fn new(service: A, handle: GenerationHandle, options: WaitOptions) -> Self {
        Self {
            machine: Machine::new(service, handle, options),
            trace: Trace::default(),
        }
    }

    /// Goes on until something happened.
    async fn step(&mut self) -> Result<Update, Error> {
        self.trace.begin(&self.machine.handle);
        let update = self.trace.within(self.machine.step()).await;
        self.trace
            .told(&update, self.machine.polls, self.machine.last.as_ref());
        update
    }
}

struct Machine<A> {
    service: A,
    handle: GenerationHandle,
    options: WaitOptions,
    expected: Option<RangeInclusive<Duration>>,
    /// The clock of this wait; set by the first step.
    started: Option<Instant>,
    /// The generation's age when the wait began.
    age: Duration,
    /// When the last poll ended, or the wait began.
    last_poll: Instant,
    /// Since when no good answer has come: what the tolerance is measured against.
    silent_since: Instant,
    /// Whether the last poll failed.
    failing: bool,
    /// When that was told, until the wait goes on.
    told: Option<Instant>,
    /// The generation's age when a poll was sent that found it unfinished.
    unfinished: Duration,
    polls: u32,
    answered: u32,
    last: Option<Generation>,
    retry_after: Option<Duration>,
    /// The generation's age when it was first seen to be out of the queue.
    left_queue: Option<Duration>,
    /// How long polls stood in line for the client's budget.
    budget_delay: Duration,
    /// Since when, and over how many polls, it has been completed without a video.
    missing: Option<(Instant, u32)>,
}

impl<A: Ask> Machine<A> {
    fn new(service: A, handle: GenerationHandle, options: WaitOptions) -> Self {
        let expected = handle
            .model()
            .and_then(|model| contract::model(handle.route(), model))
            .and_then(|model| model.expected(handle.created().and_then(|created| created.length)));
        let now = Instant::now();
        Self {
            service,
            handle,
            options,
            expected,
            started: None,
            age: Duration::ZERO,
            last_poll: now,
            silent_since: now,
            failing: false,
            told: None,
            unfinished: Duration::ZERO,
            polls: 0,
            answered: 0,
            last: None,
            retry_after: None,
            left_queue: None,
            budget_delay: Duration::ZERO,
            missing: None,
        }
    }

    /// Goes on until something happened.
    async fn step(&mut self) -> Result<Update, Error> {
        if self.started.is_none()
            && let Some(update) = self.start()?
        {
            return Ok(update);
        }
        if let Some(told) = self.told.take() {
            // Nobody asked while whoever was told of the failure was busy with it.
            self.silent_since += told.elapsed();
        }
        loop {
            let (at, reason) = self.next_poll();
            // A timer would round what is due already up to the next millisecond.
            if at > Instant::now() {
                sleep_until(at).await;
            }
            let last = self.take_token(at, reason).await;
            let timeout = match self.deadline() {
                Some(_) if last => LAST_POLL,
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            self.polls = self.polls.saturating_add(1);
            let (sent_at, sent) = (Instant::now(), self.age());
            // A call is large, and there is none while the wait sleeps.
            let poll = self.service.poll(&self.handle, self.last.as_ref(), timeout);
            let outcome = Box::pin(poll).await;
            self.last_poll = Instant::now();
            if outcome
                .as_ref()
                .map_or_else(|failed| failed.answered, |_| true)
            {
                self.answered = self.answered.saturating_add(1);
            }
            let update = match outcome {
                Ok((answer, retry_after)) => {
                    (self.silent_since, self.failing) = (self.last_poll, false);
                    self.retry_after = retry_after;
                    let update = self.judge(answer)?;
                    match update {
                        Some(Update::Completed(_)) => self.learn(),
                        _ if self.missing.is_some() => {}
                        _ => self.unfinished = sent,
                    }
                    update
                }
                Err(failed) => Some(self.failed_poll(failed, sent_at, last)?),
            };
            if let Some(update @ Update::Completed(_)) = update {
                return Ok(update);
            }
            let in_queue = reason == Reason::QueueDeadline && !self.failing && self.is_queued();
            if last || in_queue {
                return Err(self.deadline_exceeded());
            }
            if let Some(update) = update {
                return Ok(update);
            }
        }
    }

    /// Begins the wait; the create's own answer may already be final.
    fn start(&mut self) -> Result<Option<Update>, Error> {
        let now = Instant::now();
        (self.started, self.last_poll, self.silent_since) = (Some(now), now, now);
        // Whole seconds: clocks of two processes agree no better.
        let created = self.handle.created_at();
        let age = created.and_then(|created| SystemTime::now().duration_since(created).ok());
        self.age = Duration::from_secs(age.unwrap_or_default().as_secs());
        self.retry_after = self
            .handle
            .created()
            .and_then(|created| created.retry_after);
        self.service
            .check(&self.handle)
            .map_err(|error| error.with_wait(self.state()))?;
        match self.handle.answer().cloned() {
            Some(answer) => self.judge(answer),
            None => Ok(None),
        }
    }

    /// Takes a token of the client's budget for a poll that was due `at`; whether it is the last poll, for which the budget
    /// never waits.
    async fn take_token(&mut self, at: Instant, reason: Reason) -> bool {
        let deadline = self.deadline();
        let Some(budget) = self.service.budget() else {
            return reason == Reason::Deadline;
        };
        let (began, share) = (Instant::now(), 1.0 / self.options.speed);
        // Few waits stand in line, and all of them would have to have room for it.
        let taken = match deadline {
            _ if reason == Reason::Deadline => false,
            _ if budget.try_take(share) => true,
            Some(deadline) => {
                let token = timeout_at(deadline, budget.take(at, share));
                Box::pin(token).await.is_ok()
            }
            None => {
                Box::pin(budget.take(at, share)).await;
                true
            }
        };
        if !taken {
            budget.take_now(share);
        }
        self.budget_delay += began.elapsed();
        if self.failing {
            // Nobody asked meanwhile.
            self.silent_since += began.elapsed();
        }
        !taken
    }

    fn poll_state(&self) -> PollState<'_> {
        let own = |time| stretched(time, self.options.speed);
        let (model, length) = (self.handle.model(), self.length());
        PollState {
            id: self.handle.id(),
            model,
            length,
            age: own(self.age()),
            last_poll: own(self.age_at(self.last_poll)),
            unfinished: own(self.unfinished),
            polls: self.polls,
            last: self.last.as_ref().map(Generation::state),
            expected: self.expected.clone(),
            learned: model.and_then(|model| self.service.learned(model, length)),
        }
    }

    /// When it ended is only known if it was waited for from the start, by the process that knows what was asked for.
    fn learn(&self) {
        let began_early = self.age < BEGAN_EARLY || self.unfinished > Duration::ZERO;
        let (Some(model), Some(_)) = (self.handle.model(), self.handle.created()) else {
            return;
        };
        if began_early && self.polls > 0 {
            let own = |time| stretched(time, self.options.speed);
            let ended = own(self.unfinished)..=own(self.age());
            self.service.learn(model, self.length(), ended);
        }
    }

    /// When to poll, and why then.
    fn next_poll(&self) -> (Instant, Reason) {
        let step = self
            .next_step()
            .max(self.retry_after.unwrap_or_default().min(RETRY_AFTER_MOST));
        let now = Instant::now();
        let at = self.last_poll.checked_add(step);
        let at = at.unwrap_or_else(|| now + NEVER).max(now);
        let queue_deadline = self.queue_deadline().filter(|_| self.is_queued());
        match (self.deadline(), queue_deadline) {
            (Some(deadline), _)
                if at >= deadline && queue_deadline.is_none_or(|queue| queue >= deadline) =>
            {
                (deadline.max(now), Reason::Deadline)
            }
            // A poll that failed then has told nothing, and is made up for like any other.
            (_, Some(deadline)) if at >= deadline && self.failing => {
                (at.max(deadline), Reason::QueueDeadline)
            }
            (_, Some(deadline)) if at >= deadline => (deadline.max(now), Reason::QueueDeadline),
            _ => (at, Reason::Schedule),
        }
    }

    /// The time from the last poll to the next one, as far as the schedule has a say.
    fn next_step(&self) -> Duration {
        // An id that nobody created here is asked for at once: the generation may be long finished.
        if self.polls == 0 && self.handle.answer().is_none() {
            return Duration::ZERO;
        }
        let Decision::After(mut step) = self.options.schedule.next(&self.poll_state());
        if self.missing.is_some() {
            step = step.min(VIDEO_GRACE.0 / VIDEO_GRACE.1);
        }
        let mut step = self.scaled(step.max(FLOOR));
        if self.failing {
            step = step.min(self.patience());
        }
        if self.is_overdue() {
            step = step.min(LATE + self.elapsed() / 4);
        }
        step
    }

    /// Whether it is said to have been older than it should get when the wait began: its clock may be wrong, so that its age
    /// tells little.
    fn is_overdue(&self) -> bool {
        let usual = self.expected.as_ref().map(|range| *range.end());
        self.age >= self.scaled(usual.unwrap_or_default()).max(BEGAN_EARLY)
    }

    /// How much of a planned pause counts as silence, and how soon a failed poll is made up for.
    fn patience(&self) -> Duration {
        self.options.tolerance / 4
    }

    /// Whether nothing better than the queue was seen of it.
    fn is_queued(&self) -> bool {
        let state = self.last.as_ref().map(Generation::state);
        matches!(state, None | Some(State::Queued))
    }

    fn queue_deadline(&self) -> Option<Instant> {
        let left = self
            .scaled(self.options.queue_deadline?)
            .saturating_sub(self.age);
        self.started?.checked_add(left)
    }

    fn times(&self) -> Times {
        let age = self.age();
        let expected = self.expected.as_ref();
        let known = self.options.schedule.remaining(&self.poll_state());
        let remaining = known.or_else(|| {
            let middle = expected.map(|range| (*range.start() + *range.end()) / 2)?;
            Some(middle.saturating_sub(stretched(age, self.options.speed)))
        });
        let expected =
            expected.map(|range| self.scaled(*range.start())..=self.scaled(*range.end()));
        Times {
            elapsed: self.elapsed(),
            age,
            queued: self.left_queue.unwrap_or(age),
            generating: self.left_queue.map(|left| age.saturating_sub(left)),
            remaining: remaining.map(|time| self.scaled(time)),
            expected,
        }
    }

    fn elapsed(&self) -> Duration {
        self.started
            .map(|started| started.elapsed())
            .unwrap_or_default()
    }

    fn deadline(&self) -> Option<Instant> {
        self.started?
            .checked_add(self.scaled(self.options.deadline?))
    }

    /// The time since the create, or since the wait began where that is not known.
    fn age(&self) -> Duration {
        self.age + self.elapsed()
    }

    fn age_at(&self, instant: Instant) -> Duration {
        let started = self.started.unwrap_or(instant);
        self.age + instant.saturating_duration_since(started)
    }

    fn length(&self) -> Option<u64> {
        self.handle.created()?.length
    }

    fn scaled(&self, duration: Duration) -> Duration {
        stretched(duration, 1.0 / self.options.speed)
    }
}

/// A duration times a factor, at most the longest there is.
fn stretched(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
