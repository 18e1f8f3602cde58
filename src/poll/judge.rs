//! What a poll's outcome means for the wait.

use std::time::Duration;

use tokio::time::Instant;

use super::{Ask, Hiccup, Machine, Progress, Update};
use crate::{Error, ErrorKind, Generation, State, client::PollError, error::WaitState};

impl<A: Ask> Machine<A> {
    /// What a good answer means for the wait; nothing, where nothing changed.
    pub(super) fn judge(&mut self, answer: Generation) -> Result<Option<Update>, Error> {
        let state = answer.state();
        let changed = self.last.as_ref().map(|last| (last.state(), last.status()))
            != Some((state, answer.status()));
        self.last = Some(answer);
        if state != State::Queued {
            self.left_queue.get_or_insert(self.age());
        }
        match (state, &self.last) {
            (State::Completed, Some(answer)) if !answer.videos().is_empty() => {
                return Ok(Some(Update::Completed(Box::new(answer.clone()))));
            }
            (State::Failed, Some(answer)) => {
                let status = answer.status().unwrap_or("error");
                return Err(self.ended(
                    ErrorKind::GenerationFailed,
                    format!("the generation failed ({status}): {}", reason(answer)),
                ));
            }
            (State::Completed, _) => self.grace()?,
            _ => self.missing = None,
        }
        Ok(changed.then(|| {
            Update::Progress(Progress {
                state,
                status: self
                    .last
                    .as_ref()
                    .and_then(Generation::status)
                    .map(str::to_owned),
                times: self.times(),
            })
        }))
    }

    /// Completed without a video: it may follow, but not for long.
    fn grace(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let (since, polls) = self.missing.unwrap_or((now, 0));
        if polls >= VIDEO_GRACE.1 || now - since >= VIDEO_GRACE.0 {
            return Err(self.missing_video(true));
        }
        self.missing = Some((since, polls + 1));
        Ok(())
    }

    /// Completed, and no video followed. What the service states an error for is not worth another wait, once the video had
    /// its time.
    fn missing_video(&self, had_time: bool) -> Error {
        let last = self.last.as_ref();
        match last.filter(|last| had_time && last.failure().is_some()) {
            Some(last) => {
                let status = last.status().unwrap_or("completed");
                let what = format!(
                    "the generation failed ({status}, without a video): {}",
                    reason(last)
                );
                self.ended(ErrorKind::GenerationFailed, what)
            }
            None => {
                let excerpt = last.map(|last| last.excerpt(EXCERPT));
                let what = format!(
                    "the generation is completed, but the service names no video; its answer began: {}",
                    excerpt.unwrap_or_default()
                );
                self.ended(ErrorKind::MissingVideo, what)
            }
        }
    }

    /// A poll that brought no state ends the wait only if no later poll can fare better.
    pub(super) fn failed_poll(
        &mut self,
        failed: PollError,
        sent: Instant,
        last: bool,
    ) -> Result<Update, Error> {
        let PollError {
            error,
            transient,
            retry_after,
            ..
        } = failed;
        // That nobody asked is no sign that nobody would have answered.
        if !self.failing
            && let Some(asked) = sent.checked_sub(self.patience())
        {
            self.silent_since = self.silent_since.max(asked);
        }
        self.failing = true;
        let since = self.last_poll - self.silent_since;
        self.retry_after = retry_after;
        let is_404 = error.service().is_some_and(|service| service.status == 404);
        let is_new = self.handle.created_at().is_some() && self.age() < NOT_YET_KNOWN;
        let passing = transient || (is_404 && is_new);
        let (kind, message) = if !passing {
            (
                ErrorKind::PollingLost,
                "the service refused to tell the generation's state".into(),
            )
        } else if last {
            (ErrorKind::DeadlineExceeded, self.deadline_message())
        } else if since >= self.options.tolerance {
            let since = humantime::format_duration(seconds(since));
            (
                ErrorKind::PollingLost,
                format!("no good answer for {since}"),
            )
        } else {
            let times = self.times();
            self.told = Some(Instant::now());
            return Ok(Update::Hiccup(Hiccup {
                error,
                since,
                times,
            }));
        };
        Err(error.retold(kind, message, self.state()))
    }

    pub(super) fn deadline_exceeded(&self) -> Error {
        match self.missing {
            Some(_) => self.missing_video(false),
            None => self.ended(ErrorKind::DeadlineExceeded, self.deadline_message()),
        }
    }

    fn deadline_message(&self) -> String {
        let state = match &self.last {
            Some(last) if last.state() == State::Unknown => match last.status() {
                Some(status) => format!("unknown state `{status}`"),
                None => format!("no state in the answer {}", last.excerpt(EXCERPT)),
            },
            Some(last) => format!("still {}", last.state()),
            None => "state never seen".into(),
        };
        let held_up = match seconds(self.budget_delay) {
            Duration::ZERO => String::new(),
            delay => format!(
                "; its polls stood in line for {} for the client's poll budget",
                humantime::format_duration(delay)
            ),
        };
        format!(
            "gave up after {} ({state}){held_up}; the generation may still finish, and be billed",
            humantime::format_duration(seconds(self.elapsed()))
        )
    }

    fn ended(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, message).with_wait(self.state())
    }

    pub(super) fn state(&self) -> WaitState {
        WaitState {
            handle: self.handle.clone(),
            last: self.last.clone(),
            elapsed: self.elapsed(),
            polls: self.polls,
            answered: self.answered,
            budget_delay: self.budget_delay,
        }
    }
}

/// A new generation may not be known everywhere for this long.
const NOT_YET_KNOWN: Duration = Duration::from_secs(30);

/// A completed generation gets this long, and this many more polls, until its video must be there.
pub(super) const VIDEO_GRACE: (Duration, u32) = (Duration::from_secs(10), 3);

/// How many characters of an answer an error shows.
const EXCERPT: usize = 400;

/// The reason that an answer states, else the beginning of the answer.
fn reason(answer: &Generation) -> String {
    let began = || format!("the answer began: {}", answer.excerpt(EXCERPT));
    match answer.failure() {
        Some(failure) if failure.message.is_empty() => format!("{failure}; {}", began()),
        Some(failure) => failure.to_string(),
        None => format!("no reason stated; {}", began()),
    }
}

/// Whole seconds, for people; less than one as it is.
fn seconds(duration: Duration) -> Duration {
    if duration.as_secs() == 0 {
        Duration::from_millis(duration.as_millis() as u64)
    } else {
        Duration::from_secs(duration.as_secs())
    }
}
