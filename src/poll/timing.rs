//! Computes when a wait polls next, and the times that the wait reports.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Machine, PollSource, Times, Update, judge::VIDEO_GRACE};
use crate::{Error, Generation, State, schedule::PollState};

/// The reason for the time of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Schedule,
    /// The queue deadline: the poll shows whether the generation has left the queue.
    QueueDeadline,
    /// The last poll.
    Deadline,
}

impl<S: PollSource> Machine<S> {
    /// The time of the next poll, and the reason for that time.
    pub(super) fn next_poll(&self) -> (Instant, Reason) {
        let retry_after = self.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        let now = Instant::now();
        let at = self
            .last_poll
            .checked_add(self.next_step().max(retry_after));
        let at = at.unwrap_or_else(|| now + NEVER).max(now);
        let deadline = self.deadline().filter(|deadline| at >= *deadline);
        let queue_deadline = self.queue_deadline().filter(|_| self.is_queued());
        match (deadline, queue_deadline) {
            (Some(deadline), queue) if queue.is_none_or(|queue| queue >= deadline) => {
                (deadline.max(now), Reason::Deadline)
            }
            // A poll that failed at the queue deadline is repeated like any other.
            (_, Some(queue)) if at >= queue && self.silence.failing => (at, Reason::QueueDeadline),
            (_, Some(queue)) if at >= queue => (queue.max(now), Reason::QueueDeadline),
            _ => (at, Reason::Schedule),
        }
    }

    /// The time from the last poll to the next one, without `Retry-After` and deadlines.
    fn next_step(&self) -> Duration {
        // Another process may have created the generation long ago.
        if self.state.polls == 0 && self.state.handle.answer().is_none() {
            return Duration::ZERO;
        }
        let mut step = self.options.schedule.next(&self.poll_state());
        if self.missing_video.is_some() {
            step = step.min(VIDEO_GRACE.0 / VIDEO_GRACE.1);
        }
        let mut step = self.options.clock.to_local(step.max(MIN_STEP));
        if self.silence.failing {
            step = step.min(self.patience());
        }
        if self.was_overdue() {
            step = step.min(OVERDUE_STEP + self.started.elapsed() / 4);
        }
        step
    }

    /// Whether the generation was older than expected when the wait started. The clock that stamped the handle may be wrong,
    /// so its age is then not reliable.
    fn was_overdue(&self) -> bool {
        let longest = self.expected.as_ref().map(|range| *range.end());
        let longest = self.options.clock.to_local(longest.unwrap_or_default());
        self.age_at_start >= longest.max(EARLY_START)
    }

    /// How much of a planned pause counts as silence, and the longest pause after a failed poll.
    pub(super) fn patience(&self) -> Duration {
        self.options.tolerance / 4
    }

    /// Takes a token of the poll budget for a poll that was due `at`, and returns whether the poll is the last one, which
    /// never waits for a token.
    pub(super) async fn take_token(&mut self, at: Instant, reason: Reason) -> bool {
        let deadline = self.deadline();
        let Some(budget) = self.source.budget() else {
            return reason == Reason::Deadline;
        };
        let (began, cost) = (Instant::now(), self.options.clock.poll_cost());
        // Few waits are queued, so the future is boxed: otherwise every wait would have room for it.
        let is_taken = match deadline {
            _ if reason == Reason::Deadline => false,
            _ if budget.try_take(cost) => true,
            Some(deadline) => {
                let token = timeout_at(deadline, budget.take(at, cost));
                Box::pin(token).await.is_ok()
            }
            None => {
                Box::pin(budget.take(at, cost)).await;
                true
            }
        };
        if !is_taken {
            budget.take_now(cost);
        }
        self.state.budget_delay += began.elapsed();
        if self.silence.failing {
            // No poll could be sent while this one was queued.
            self.silence.since += began.elapsed();
        }
        !is_taken
    }

    fn poll_state(&self) -> PollState<'_> {
        let clock = self.options.clock;
        let handle = &self.state.handle;
        let (model, length) = (handle.model(), handle.length());
        PollState {
            id: handle.id(),
            model,
            length,
            age: clock.to_service(self.age()),
            last_poll: clock.to_service(self.age_at(self.last_poll)),
            unfinished: clock.to_service(self.unfinished),
            polls: self.state.polls,
            last: self.state.last.as_ref().map(Generation::state),
            expected: self.expected.clone(),
            learned: model.and_then(|model| self.source.learned(model, length)),
        }
    }

    /// Records the duration of a completed generation, if this wait observed it from the start and knows the request.
    pub(super) fn learn(&self) {
        let started_early = self.age_at_start < EARLY_START || self.unfinished > Duration::ZERO;
        let handle = &self.state.handle;
        let (Some(model), Some(_)) = (handle.model(), handle.created()) else {
            return;
        };
        if started_early {
            let clock = self.options.clock;
            let ended = clock.to_service(self.unfinished)..=clock.to_service(self.age());
            self.source.learn(model, handle.length(), ended);
        }
    }

    /// The times of an update, except the remaining one.
    pub(super) fn times(&self) -> Times {
        let age = self.age();
        let local = |time: &Duration| self.options.clock.to_local(*time);
        let expected = self.expected.as_ref();
        Times {
            elapsed: self.started.elapsed(),
            age,
            queued: self.left_queue.unwrap_or(age),
            generating: self.left_queue.map(|left| age.saturating_sub(left)),
            remaining: None,
            expected: expected.map(|range| local(range.start())..=local(range.end())),
        }
    }

    /// Adds the remaining time to an update. An awaited wait drops its updates and saves the computation.
    pub(super) fn add_remaining(&self, update: &mut Result<Update, Error>) {
        match update {
            Ok(Update::Progress(progress)) => progress.times.remaining = self.remaining(),
            Ok(Update::PollFailed(failed)) => failed.times.remaining = self.remaining(),
            Ok(Update::Completed(_)) | Err(_) => {}
        }
    }

    fn remaining(&self) -> Option<Duration> {
        let clock = self.options.clock;
        let known = self.options.schedule.remaining(&self.poll_state());
        let remaining = known.or_else(|| {
            let expected = self.expected.as_ref()?;
            let middle = expected.start().saturating_add(*expected.end()) / 2;
            Some(middle.saturating_sub(clock.to_service(self.age())))
        })?;
        Some(clock.to_local(remaining))
    }

    /// Whether the generation has not been observed outside the queue.
    pub(super) fn is_queued(&self) -> bool {
        let state = self.state.last.as_ref().map(Generation::state);
        matches!(state, None | Some(State::Queued))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let deadline = self.options.clock.to_local(self.options.deadline?);
        self.started.checked_add(deadline)
    }

    fn queue_deadline(&self) -> Option<Instant> {
        let deadline = self.options.clock.to_local(self.options.queue_deadline?);
        self.started
            .checked_add(deadline.saturating_sub(self.age_at_start))
    }

    /// The time since the create, or since the start of the wait if the time of the create is not known.
    pub(super) fn age(&self) -> Duration {
        self.age_at(Instant::now())
    }

    pub(super) fn age_at(&self, instant: Instant) -> Duration {
        self.age_at_start + instant.saturating_duration_since(self.started)
    }
}

/// How long after the deadline the last poll may end.
pub(super) const LAST_POLL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest `Retry-After` that is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The shortest step of any schedule, in the time of the service.
const MIN_STEP: Duration = Duration::from_millis(100);

/// The longest first step of a wait for a generation that should have ended before.
const OVERDUE_STEP: Duration = Duration::from_secs(15);

/// A time that is longer than any wait: 30 years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// A wait that starts later after the create cannot know when the generation ended before the first poll.
const EARLY_START: Duration = Duration::from_secs(10);
