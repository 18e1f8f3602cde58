//! The poll budget of a client: a token bucket that serves the most overdue wait first.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until, timeout_at},
};

/// The rate at which the waits of a client and its clones may poll together.
///
/// Polls beyond the rate are queued, and the most overdue one is sent first. The last poll at a deadline is never queued; it
/// delays the polls after it. After a 429 to a poll or a create, all polls pause for its `Retry-After` (between 1 s and 60 s)
/// and continue at half the rate, which doubles every 30 s up to the full rate. The cost of a poll is one token divided by
/// the [`speed`](crate::WaitOptions::speed) of its wait, and at most one token.
///
/// # Default
///
/// 120 polls a minute, at most 10 at once.
///
/// ```
/// use aimlapi_video::{Client, PollBudget};
///
/// let client = Client::builder()
///     .api_key("key")
///     .poll_budget(PollBudget::per_minute(30.0).burst(3))
///     .build()?;
/// # let _ = client;
/// # Ok::<(), aimlapi_video::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PollBudget {
    per_minute: f64,
    burst: u32,
}

impl Default for PollBudget {
    fn default() -> Self {
        Self::per_minute(120.0)
    }
}

impl PollBudget {
    /// A budget of `polls` a minute, and at most 10 at once. A number that is not positive counts as one poll an hour.
    #[must_use]
    pub fn per_minute(polls: f64) -> Self {
        let per_minute = if polls > 0.0 { polls } else { 1.0 / 60.0 };
        Self {
            per_minute,
            burst: 10,
        }
    }

    /// Sets how many polls may be sent at once after a time without polls; 10 by default, at least one.
    #[must_use]
    pub fn burst(self, polls: u32) -> Self {
        Self {
            burst: polls.max(1),
            ..self
        }
    }
}

/// The limits of the pause of all polls after a 429.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The time in which the rate doubles after a pause.
const DOUBLING_TIME: Duration = Duration::from_secs(30);

/// The highest cost of a poll, in tokens. The bucket could never hold a higher one, and the queue would stop.
const MAX_COST: f64 = 1.0;

/// The lowest share of the rate, however often the service responds 429.
const MIN_RATE_SHARE: f64 = 1.0 / 32.0;

/// The longest time between two checks of the queue.
const MAX_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// A token that is not fetched within this time is returned.
const TOKEN_LIFETIME: Duration = Duration::from_secs(1);

/// A refill task that is late by this much is replaced: its runtime is idle.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// Added to the interval of a wait's checks for each queued wait: all of them together check at most a thousand times a
/// second.
const CHECK_INTERVAL_PER_WAIT: Duration = Duration::from_millis(1);

/// The token bucket and its queue.
///
/// While waits are queued, one task hands out the tokens: a wait that is first in the queue, but is not polled by its owner,
/// does not delay the others. The task is lost when its runtime ends, and does not run while its runtime is idle and the
/// client is used on another one. Every queued wait therefore checks the task now and then, and spawns another one if
/// necessary.
///
/// Nothing is woken, dropped or spawned while the lock is held, because any of these may run code that takes the lock.
pub(crate) struct Bucket {
    budget: PollBudget,
    state: Mutex<State>,
}

struct State {
    /// Negative when last polls took tokens in advance.
    tokens: f64,
    refilled_at: Instant,
    /// No token is handed out before this time.
    opens: Instant,
    /// The share of the rate at that time.
    rate_share: f64,
    /// When the next wait that fetches its token too late may keep it.
    next_late: Instant,
    /// The queued waits, ordered by the time at which their poll was due.
    queue: BTreeMap<Key, QueuedPoll>,
    /// How many waits have been queued so far.
    arrived: u64,
    task: Option<RefillTask>,
}

/// The task that hands out tokens while waits are queued.
struct RefillTask {
    /// Makes the task check the queue again. Its address identifies the task.
    notify: Arc<Notify>,
    /// When the task checks the queue without a notification.
    next_check: Instant,
}

/// The time at which a poll was due, and the number of its wait.
type Key = (Instant, u64);

struct QueuedPoll {
    cost: f64,
    token: oneshot::Sender<Instant>,
}

impl Bucket {
    pub(crate) fn new(budget: PollBudget) -> Self {
        let now = Instant::now();
        let state = State {
            tokens: budget.burst.into(),
            refilled_at: now,
            opens: now,
            rate_share: 1.0,
            next_late: now,
            queue: BTreeMap::new(),
            arrived: 0,
            task: None,
        };
        Self {
            budget,
            state: Mutex::new(state),
        }
    }

    /// Waits for `cost` tokens; `due` is when the poll should have been sent.
    ///
    /// Cancel safe: the next wait in the queue moves up.
    pub(crate) async fn take(self: &Arc<Self>, due: Instant, cost: f64) {
        let cost = cost.min(MAX_COST);
        if self.try_take(cost) {
            return;
        }
        let number = self.next_number();
        while !self.enqueue((due, number), cost).served().await {}
    }

    /// Takes `cost` tokens if they are available and the queue is empty.
    pub(crate) fn try_take(&self, cost: f64) -> bool {
        let cost = cost.min(MAX_COST);
        let mut state = self.lock();
        self.refill(&mut state);
        let is_available =
            state.queue.is_empty() && state.tokens >= cost && Instant::now() >= state.opens;
        if is_available {
            state.tokens -= cost;
        }
        is_available
    }

    /// Takes tokens that may not be available yet; later polls wait for them.
    pub(crate) fn take_now(&self, cost: f64) {
        let mut state = self.lock();
        self.refill(&mut state);
        state.tokens -= cost.min(MAX_COST);
    }

    /// Waits until no pause is active.
    pub(crate) async fn opened(&self) {
        loop {
            let opens = self.opens();
            if Instant::now() >= opens {
                return;
            }
            sleep_until(opens).await;
        }
    }

    /// When the last pause ends or ended.
    pub(crate) fn opens(&self) -> Instant {
        self.lock().opens
    }

    /// Pauses and slows down after a 429.
    pub(crate) fn slow(&self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let pause = retry_after.unwrap_or_default().clamp(MIN_PAUSE, MAX_PAUSE);
        let mut state = self.lock();
        self.refill(&mut state);
        // Several polls that were in flight together count as one.
        if now >= state.opens {
            state.rate_share = (state.rate_share_at(now).0 / 2.0).max(MIN_RATE_SHARE);
        }
        state.opens = state.opens.max(now + pause);
        state.tokens = state.tokens.min(0.0);
    }

    fn next_number(&self) -> u64 {
        let mut state = self.lock();
        state.arrived += 1;
        state.arrived
    }

    fn enqueue(self: &Arc<Self>, key: Key, cost: f64) -> QueuedWait<'_> {
        let (token, received) = oneshot::channel();
        let mut state = self.lock();
        state.queue.insert(key, QueuedPoll { cost, token });
        let task = state.task_if(state.is_first(key));
        drop(state);
        notify(task);
        QueuedWait {
            bucket: self,
            key,
            cost,
            received,
            is_used: false,
        }
    }

    /// Spawns a refill task if there is none or it is late; returns when to check again.
    fn check_task(self: &Arc<Self>) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        let next_check = match &state.task {
            Some(task) if now <= task.next_check + MAX_LATENESS => Some(task.next_check),
            _ => None,
        };
        let waits = u32::try_from(state.queue.len()).unwrap_or(u32::MAX);
        let interval = MAX_LATENESS + CHECK_INTERVAL_PER_WAIT.saturating_mul(waits);
        let next = next_check.unwrap_or(now).max(now) + interval;
        if next_check.is_none() {
            let notify = Arc::new(Notify::new());
            let task = RefillTask {
                notify: Arc::clone(&notify),
                next_check: now,
            };
            let previous = state.task.replace(task);
            drop(state);
            drop(previous);
            let refill = Refill {
                bucket: Arc::clone(self),
                notify,
            };
            // A runtime that is shutting down drops the task at once.
            tokio::spawn(refill.run());
        }
        next
    }

    /// Hands out the available tokens, and returns when the next one is available; `None` when the queue is empty, or another
    /// task has taken over.
    fn hand_out(&self, notify: &Arc<Notify>) -> Option<Instant> {
        let now = Instant::now();
        let mut served = Vec::new();
        let next = {
            let mut guard = self.lock();
            let state = &mut *guard;
            if !state.is_served_by(notify) {
                return None;
            }
            self.refill(state);
            loop {
                let Some(first) = state.queue.first_entry() else {
                    state.task = None;
                    break None;
                };
                let cost = first.get().cost;
                if now < state.opens || state.tokens < cost {
                    let next_check = self.time_of(state, cost);
                    if let Some(task) = &mut state.task {
                        task.next_check = next_check;
                    }
                    break Some(next_check);
                }
                served.push(first.remove().token);
                state.tokens -= cost;
            }
        };
        for token in served {
            // A wait that was dropped in the meantime has returned the token.
            _ = token.send(now);
        }
        next
    }

    /// Whether a token that was handed out at `handed` may still be used.
    ///
    /// Tokens that many waits fetch late would become a burst. Of the late waits, one may continue whenever a token would be
    /// available: otherwise a wait that is always late would never get one.
    fn is_valid(&self, handed: Instant, cost: f64) -> bool {
        let now = Instant::now();
        if now <= handed + TOKEN_LIFETIME {
            return true;
        }
        let mut state = self.lock();
        if now < state.next_late.max(state.opens) {
            return false;
        }
        let (rate_share, _) = state.rate_share_at(now);
        state.next_late = now + at_most(cost / self.rate(rate_share), MAX_CHECK_INTERVAL);
        true
    }

    fn refill(&self, state: &mut State) {
        let now = Instant::now();
        let mut from = state.refilled_at.max(state.opens);
        state.refilled_at = now;
        while from < now {
            let (rate_share, until) = state.rate_share_at(from);
            let until = until.map_or(now, |until| until.min(now));
            state.tokens += self.rate(rate_share) * (until - from).as_secs_f64();
            from = until;
        }
        state.tokens = state.tokens.min(self.budget.burst.into());
    }

    /// When the bucket will hold `tokens` tokens if no token is taken, or an earlier time to check again.
    fn time_of(&self, state: &State, tokens: f64) -> Instant {
        let mut from = state.refilled_at.max(state.opens);
        let mut missing = (tokens - state.tokens).max(0.0);
        loop {
            let (rate_share, until) = state.rate_share_at(from);
            let rate = self.rate(rate_share);
            let wait = at_most((missing / rate).max(0.001), MAX_CHECK_INTERVAL);
            match until {
                Some(until) if from + wait > until => {
                    missing -= rate * (until - from).as_secs_f64();
                    from = until;
                }
                _ => return from + wait,
            }
        }
    }

    /// Tokens a second.
    fn rate(&self, rate_share: f64) -> f64 {
        self.budget.per_minute / 60.0 * rate_share
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_first(&self, key: Key) -> bool {
        self.queue
            .first_key_value()
            .is_some_and(|(first, _)| *first == key)
    }

    fn is_served_by(&self, notify: &Arc<Notify>) -> bool {
        self.task
            .as_ref()
            .is_some_and(|task| Arc::ptr_eq(&task.notify, notify))
    }

    /// The refill task to notify, if the queue changed in a way that it must know.
    fn task_if(&self, is_changed: bool) -> Option<Arc<Notify>> {
        let task = self.task.as_ref().filter(|_| is_changed)?;
        Some(Arc::clone(&task.notify))
    }

    /// The share of the rate at a time after the pause, and when it ends; `None` for the full rate.
    fn rate_share_at(&self, at: Instant) -> (f64, Option<Instant>) {
        let open = at.saturating_duration_since(self.opens);
        let (mut share, mut until) = (self.rate_share, DOUBLING_TIME);
        while share < 1.0 && until <= open {
            share *= 2.0;
            until += DOUBLING_TIME;
        }
        if share < 1.0 {
            (share, Some(self.opens + until))
        } else {
            (1.0, None)
        }
    }
}

/// The body of a [`RefillTask`].
struct Refill {
    bucket: Arc<Bucket>,
    notify: Arc<Notify>,
}

impl Refill {
    async fn run(self) {
        while let Some(next) = self.bucket.hand_out(&self.notify) {
            // The queue is checked after a notification and after the time alike.
            _ = timeout_at(next, self.notify.notified()).await;
        }
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        let mut state = self.bucket.lock();
        if state.is_served_by(&self.notify) {
            state.task = None;
        }
    }
}

/// A wait in the queue, which it leaves when it is dropped.
struct QueuedWait<'a> {
    bucket: &'a Arc<Bucket>,
    key: Key,
    cost: f64,
    /// Receives the time at which the token was handed out.
    received: oneshot::Receiver<Instant>,
    is_used: bool,
}

impl QueuedWait<'_> {
    /// Waits for the token; returns `false` when it was fetched too late, and is returned.
    async fn served(mut self) -> bool {
        loop {
            let next_check = self.bucket.check_task();
            // The sender is either in the queue or has sent, so there is no error.
            if let Ok(handed) = timeout_at(next_check, &mut self.received).await {
                self.is_used = handed.is_ok_and(|at| self.bucket.is_valid(at, self.cost));
                return self.is_used;
            }
        }
    }
}

impl Drop for QueuedWait<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut state = self.bucket.lock();
        let was_first = state.is_first(self.key);
        let removed = state.queue.remove(&self.key);
        if removed.is_none() {
            // A token was handed out and not used.
            let burst = self.bucket.budget.burst.into();
            state.tokens = (state.tokens + self.cost).min(burst);
        }
        let task = state.task_if(was_first || removed.is_none());
        drop(state);
        notify(task);
    }
}

fn at_most(seconds: f64, max: Duration) -> Duration {
    Duration::try_from_secs_f64(seconds).map_or(max, |time| time.min(max))
}

fn notify(task: Option<Arc<Notify>>) {
    if let Some(task) = task {
        task.notify_one();
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.budget.fmt(f)
    }
}

#[cfg(test)]
mod tests;
