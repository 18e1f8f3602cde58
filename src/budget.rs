//! One budget of polls for all waits of a client: a token bucket that the most overdue wait is served from first.

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

/// How many polls the waits of a client and its clones may send together.
///
/// Polls beyond it wait their turn, the most overdue first. The last poll at a deadline never waits; it takes its place
/// from those to come. When the service answers 429, to a poll or a create, all polls pause for as long as it asks
/// (between 1 s and 60 s), and go on at half the rate, which doubles every 30 s until it is the full one again. A poll of a
/// wait with a [`speed`](crate::WaitOptions::speed) above 1 counts by that much less; none counts for more than one.
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
    /// So many polls a minute, and at most 10 at once. A number that is not positive counts as one poll an hour.
    #[must_use]
    pub fn per_minute(polls: f64) -> Self {
        let per_minute = if polls > 0.0 { polls } else { 1.0 / 60.0 };
        Self {
            per_minute,
            burst: 10,
        }
    }

    /// How many polls may be sent at once after a quiet time; 10 by default, at least one.
    #[must_use]
    pub fn burst(self, polls: u32) -> Self {
        Self {
            burst: polls.max(1),
            ..self
        }
    }
}

/// After a 429, all polls pause for at least this long.
const PAUSE_LEAST: Duration = Duration::from_secs(1);

/// And for no longer than this.
const PAUSE_MOST: Duration = Duration::from_secs(60);

/// The rate doubles in this time after a pause.
const OPENS_IN: Duration = Duration::from_secs(30);

/// What a poll counts for at most: a larger share than the bucket can hold would never be served, nor anybody after it.
const MOST: f64 = 1.0;

/// However often the service answers 429, this share of the rate is left.
const SHARE_LEAST: f64 = 1.0 / 32.0;

/// The line is looked at no later than this after it was last looked at.
const LOOK_MOST: Duration = Duration::from_secs(60);

/// A token that is fetched later than this goes back.
const KEEPS: Duration = Duration::from_secs(1);

/// The task that serves the line is given up when it is late by this much: its runtime stands idle.
const LATE: Duration = Duration::from_secs(1);

/// The more waits stand in line, the less often each looks whether it is served: together a thousand times a second at
/// most.
const LOOK_PER_WAIT: Duration = Duration::from_millis(1);

/// The bucket itself. While waits stand in line, one task hands out the tokens, so that nobody is held up by a wait that is
/// first in line and that its owner does not get to poll. The task is lost when its runtime ends, or stands idle while the
/// client is used on another one; so every wait in line looks after it now and then, and begins another task if need be.
///
/// Nothing is woken, dropped or spawned under the lock: any of it may run code that takes the lock.
pub(crate) struct Bucket {
    budget: PollBudget,
    state: Mutex<State>,
}

struct State {
    /// Negative when last polls took tokens of the future.
    tokens: f64,
    filled: Instant,
    /// Nothing is given out before this.
    opens: Instant,
    /// The share of the rate when it opened.
    share: f64,
    /// The next wait that fetches its token too late may go from then on.
    late: Instant,
    /// The waits in line by the time that their poll was due.
    line: BTreeMap<Key, Waiting>,
    arrived: u64,
    /// The task that serves the line, if there is one.
    server: Option<Shift>,
}

struct Shift {
    /// Tells the task to look at the line again; whose it is, too.
    bell: Arc<Notify>,
    /// When the task looks at the line by itself.
    looks: Instant,
}

/// The time that a wait's poll was due, and its number.
type Key = (Instant, u64);

struct Waiting {
    share: f64,
    token: oneshot::Sender<Instant>,
}

impl Bucket {
    pub(crate) fn new(budget: PollBudget) -> Self {
        let now = Instant::now();
        let state = State {
            tokens: budget.burst.into(),
            filled: now,
            opens: now,
            share: 1.0,
            late: now,
            line: BTreeMap::new(),
            arrived: 0,
            server: None,
        };
        Self {
            budget,
            state: Mutex::new(state),
        }
    }

    /// Waits for `share` of a token; `due` is when the poll should have been sent.
    ///
    /// Safe to drop: whoever is next in line moves up.
    pub(crate) async fn take(self: &Arc<Self>, due: Instant, share: f64) {
        let share = share.min(MOST);
        if self.try_take(share) {
            return;
        }
        let number = self.number();
        while !self.join((due, number), share).served().await {}
    }

    /// Takes `share` of a token if it is there and nobody waits for one.
    pub(crate) fn try_take(&self, share: f64) -> bool {
        let share = share.min(MOST);
        let mut state = self.lock();
        self.fill(&mut state);
        let is_there =
            state.line.is_empty() && state.tokens >= share && Instant::now() >= state.opens;
        if is_there {
            state.tokens -= share;
        }
        is_there
    }

    /// Takes what may not be there yet: those who come later wait for it.
    pub(crate) fn take_now(&self, share: f64) {
        let mut state = self.lock();
        self.fill(&mut state);
        state.tokens -= share.min(MOST);
    }

    /// Returns when no pause is on.
    pub(crate) async fn opened(&self) {
        loop {
            let opens = self.opens();
            if Instant::now() >= opens {
                return;
            }
            sleep_until(opens).await;
        }
    }

    /// When the last pause ends, or ended.
    pub(crate) fn opens(&self) -> Instant {
        self.lock().opens
    }

    /// The service answered 429.
    pub(crate) fn slow(&self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let pause = retry_after
            .unwrap_or_default()
            .clamp(PAUSE_LEAST, PAUSE_MOST);
        let mut state = self.lock();
        self.fill(&mut state);
        // The polls that were on their way together are told so together.
        if now >= state.opens {
            state.share = (state.share_at(now).0 / 2.0).max(SHARE_LEAST);
        }
        state.opens = state.opens.max(now + pause);
        state.tokens = state.tokens.min(0.0);
    }

    fn number(&self) -> u64 {
        let mut state = self.lock();
        state.arrived += 1;
        state.arrived
    }

    /// Gets in line.
    fn join(self: &Arc<Self>, key: Key, share: f64) -> Place<'_> {
        let (token, handed) = oneshot::channel();
        let mut state = self.lock();
        state.line.insert(key, Waiting { share, token });
        let bell = state.bell_if(state.is_first(key));
        drop(state);
        ring(bell);
        Place {
            bucket: self,
            key,
            share,
            handed,
            is_used: false,
        }
    }

    /// Sees to it that the line is served; returns when to look after it again.
    fn look_after(self: &Arc<Self>) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        let looks = match &state.server {
            Some(shift) if now <= shift.looks + LATE => Some(shift.looks),
            _ => None,
        };
        let waits = u32::try_from(state.line.len()).unwrap_or(u32::MAX);
        let next = looks.unwrap_or(now).max(now) + LATE + LOOK_PER_WAIT.saturating_mul(waits);
        if looks.is_none() {
            let bell = Arc::new(Notify::new());
            let shift = Shift {
                bell: Arc::clone(&bell),
                looks: now,
            };
            let before = state.server.replace(shift);
            drop(state);
            drop(before);
            let server = Server {
                bucket: Arc::clone(self),
                bell,
            };
            // A runtime that ends drops it here and now.
            tokio::spawn(server.serve());
        }
        next
    }

    /// Hands out the tokens that are there, and tells when the next one is; `None` when nobody waits, or another task serves
    /// the line now.
    fn hand_out(&self, bell: &Arc<Notify>) -> Option<Instant> {
        let now = Instant::now();
        let mut handed = Vec::new();
        let next = {
            let mut guard = self.lock();
            let state = &mut *guard;
            if !state.is_served_by(bell) {
                return None;
            }
            self.fill(state);
            loop {
                let Some(first) = state.line.first_entry() else {
                    state.server = None;
                    break None;
                };
                let share = first.get().share;
                if now < state.opens || state.tokens < share {
                    let looks = self.time_of(state, share);
                    if let Some(shift) = &mut state.server {
                        shift.looks = looks;
                    }
                    break Some(looks);
                }
                handed.push(first.remove().token);
                state.tokens -= share;
            }
        };
        for token in handed {
            // Whoever left in the meantime has given it back.
            _ = token.send(now);
        }
        next
    }

    /// Whether a token that was handed out then is still good.
    ///
    /// Those that nobody fetched for a time would come out as a burst. Of the waits that come too late, one may go whenever
    /// a token would be there: else whoever always comes late would never have one.
    fn is_good(&self, handed: Instant, share: f64) -> bool {
        let now = Instant::now();
        if now <= handed + KEEPS {
            return true;
        }
        let mut state = self.lock();
        if now < state.late.max(state.opens) {
            return false;
        }
        let (rate, _) = state.share_at(now);
        state.late = now + at_most(share / self.rate(rate), LOOK_MOST);
        true
    }

    fn fill(&self, state: &mut State) {
        let now = Instant::now();
        let mut from = state.filled.max(state.opens);
        state.filled = now;
        while from < now {
            let (share, until) = state.share_at(from);
            let until = until.map_or(now, |until| until.min(now));
            state.tokens += self.rate(share) * (until - from).as_secs_f64();
            from = until;
        }
        state.tokens = state.tokens.min(self.budget.burst.into());
    }

    /// When so many tokens will be there, if nobody takes any; no later than it is worth looking again.
    fn time_of(&self, state: &State, tokens: f64) -> Instant {
        let mut from = state.filled.max(state.opens);
        let mut missing = (tokens - state.tokens).max(0.0);
        loop {
            let (share, until) = state.share_at(from);
            let rate = self.rate(share);
            let wait = at_most((missing / rate).max(0.001), LOOK_MOST);
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
    fn rate(&self, share: f64) -> f64 {
        self.budget.per_minute / 60.0 * share
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_first(&self, key: Key) -> bool {
        self.line
            .first_key_value()
            .is_some_and(|(first, _)| *first == key)
    }

    fn is_served_by(&self, bell: &Arc<Notify>) -> bool {
        self.server
            .as_ref()
            .is_some_and(|shift| Arc::ptr_eq(&shift.bell, bell))
    }

    /// The bell of the task that serves the line, to be rung if there is news for it.
    fn bell_if(&self, is_news: bool) -> Option<Arc<Notify>> {
        let shift = self.server.as_ref().filter(|_| is_news)?;
        Some(Arc::clone(&shift.bell))
    }

    /// The share of the rate at a time after the pause, and until when; `None` when it is the full one.
    fn share_at(&self, at: Instant) -> (f64, Option<Instant>) {
        let open = at.saturating_duration_since(self.opens);
        let (mut share, mut until) = (self.share, OPENS_IN);
        while share < 1.0 && until <= open {
            share *= 2.0;
            until += OPENS_IN;
        }
        if share < 1.0 {
            (share, Some(self.opens + until))
        } else {
            (1.0, None)
        }
    }
}

/// The task that serves the line.
struct Server {
    bucket: Arc<Bucket>,
    bell: Arc<Notify>,
}

impl Server {
    async fn serve(self) {
        while let Some(next) = self.bucket.hand_out(&self.bell) {
            // Whichever it was, it is time to look.
            _ = timeout_at(next, self.bell.notified()).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut state = self.bucket.lock();
        if state.is_served_by(&self.bell) {
            state.server = None;
        }
    }
}

/// A place in the line, left when it is dropped.
struct Place<'a> {
    bucket: &'a Arc<Bucket>,
    key: Key,
    share: f64,
    /// Tells when the token was handed out.
    handed: oneshot::Receiver<Instant>,
    is_used: bool,
}

impl Place<'_> {
    /// Waits for the token; `false` when it was fetched too late, and went back.
    async fn served(mut self) -> bool {
        loop {
            let look = self.bucket.look_after();
            // The sender is either in the line or has sent, so there is no error.
            if let Ok(handed) = timeout_at(look, &mut self.handed).await {
                self.is_used = handed.is_ok_and(|at| self.bucket.is_good(at, self.share));
                return self.is_used;
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut state = self.bucket.lock();
        let was_first = state.is_first(self.key);
        let left = state.line.remove(&self.key);
        if left.is_none() {
            // It was handed a token, seen or not.
            let burst = self.bucket.budget.burst.into();
            state.tokens = (state.tokens + self.share).min(burst);
        }
        let bell = state.bell_if(was_first || left.is_none());
        drop(state);
        ring(bell);
    }
}

fn at_most(seconds: f64, most: Duration) -> Duration {
    Duration::try_from_secs_f64(seconds).map_or(most, |time| time.min(most))
}

fn ring(bell: Option<Arc<Notify>>) {
    if let Some(bell) = bell {
        bell.notify_one();
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.budget.fmt(f)
    }
}

#[cfg(test)]
mod tests;
