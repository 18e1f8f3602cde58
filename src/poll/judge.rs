//! Judges the outcome of a poll: the wait continues, reports an update, or ends.

use std::time::Duration;

use tokio::time::Instant;

use super::{Machine, PollFailed, PollSource, Progress, Update};
use crate::{Error, ErrorKind, Generation, State, client::PollError, contract, error::WaitState};

/// Since when, and over how many polls, a generation has been completed without a video.
#[derive(Clone, Copy)]
pub(super) struct MissingVideo {
    since: Instant,
    polls: u32,
}

impl<S: PollSource> Machine<S> {
    /// Judges a valid response. Returns `None` if neither the state nor the status changed, and the poll before did not fail.
    pub(super) fn judge(&mut self, answer: Generation) -> Result<Option<Update>, Error> {
        let state = answer.state();
        let status = answer.status().map(str::to_owned);
        if self.state.handle.model().is_none() && self.expected.is_none() {
            // A bare id has no model, and the response may name it.
            let route = self.state.handle.route();
            let model = answer.model().and_then(|id| contract::model(route, id));
            self.expected = model.and_then(|model| model.expected(None));
        }
        let last = self.state.last.as_ref();
        let is_changed =
            last.is_none_or(|last| (last.state(), last.status()) != (state, status.as_deref()));
        let answer = self.state.last.insert(answer).clone();
        if state != State::Queued {
            self.left_queue.get_or_insert(self.age());
        }
        match state {
            State::Completed if !answer.videos().is_empty() => {
                return Ok(Some(Update::Completed(Box::new(answer))));
            }
            State::Completed => self.allow_missing_video()?,
            State::Failed => {
                let status = status.as_deref().unwrap_or("error");
                let message = format!("the generation failed ({status}): {}", reason(&answer));
                return Err(self.ended(ErrorKind::GenerationFailed, message));
            }
            _ => self.missing_video = None,
        }
        let times = self.times();
        let is_news = is_changed || self.silence.failing;
        Ok(is_news.then_some(Update::Progress(Progress {
            state,
            status,
            times,
        })))
    }

    /// Allows a few more polls for the video of a completed generation.
    fn allow_missing_video(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let missing = self.missing_video.get_or_insert(MissingVideo {
            since: now,
            polls: 0,
        });
        if missing.polls >= VIDEO_GRACE.1 || now - missing.since >= VIDEO_GRACE.0 {
            return Err(self.missing_video_error(true));
        }
        missing.polls += 1;
        Ok(())
    }

    /// The error of a generation that is completed without a video. A failure that the service states is final only after
    /// the time allowed for the video: until then, another wait may still receive it.
    fn missing_video_error(&self, is_time_over: bool) -> Error {
        let last = self.state.last.as_ref();
        match last.filter(|last| is_time_over && last.failure().is_some()) {
            Some(last) => {
                let status = last.status().unwrap_or("completed");
                let message = format!(
                    "the generation failed ({status}, without a video): {}",
                    reason(last)
                );
                self.ended(ErrorKind::GenerationFailed, message)
            }
            None => {
                let excerpt = last.map(|last| last.excerpt(EXCERPT)).unwrap_or_default();
                let message = format!(
                    "the generation is completed, but the response has no video; it began: {excerpt}"
                );
                self.ended(ErrorKind::MissingVideo, message)
            }
        }
    }

    /// Ends the wait after a failed poll, if no later poll can succeed or the tolerance is used up.
    pub(super) fn failed_poll(
        &mut self,
        failed: PollError,
        sent: Instant,
        is_last: bool,
    ) -> Result<Update, Error> {
        let PollError {
            error,
            transient,
            retry_after,
            ..
        } = failed;
        // A pause without polls is not a sign that the service was silent.
        if !self.silence.failing
            && let Some(begin) = sent.checked_sub(self.patience())
        {
            self.silence.since = self.silence.since.max(begin);
        }
        self.silence.failing = true;
        self.retry_after = retry_after;
        let since = self.last_poll - self.silence.since;
        let is_404 = error.service().is_some_and(|service| service.status == 404);
        let is_new = self.state.handle.created_at().is_some() && self.age() < NOT_YET_KNOWN;
        let is_transient = transient || (is_404 && is_new);
        let (kind, message) = if !is_transient {
            let message = "the service refused the poll of the generation's state".into();
            (ErrorKind::PollingLost, message)
        } else if is_last {
            (ErrorKind::DeadlineExceeded, self.deadline_message())
        } else if since >= self.options.tolerance {
            let since = humantime::format_duration(seconds(since));
            let message = format!("no valid response for {since}");
            (ErrorKind::PollingLost, message)
        } else {
            let times = self.times();
            self.silence.reported_at = Some(Instant::now());
            return Ok(Update::PollFailed(PollFailed {
                error,
                since,
                times,
            }));
        };
        Err(error.wrap(kind, message, self.state()))
    }

    pub(super) fn deadline_exceeded(&self) -> Error {
        match self.missing_video {
            Some(_) => self.missing_video_error(false),
            None => self.ended(ErrorKind::DeadlineExceeded, self.deadline_message()),
        }
    }

    fn deadline_message(&self) -> String {
        let state = match &self.state.last {
            Some(last) if last.state() == State::Unknown => match last.status() {
                Some(status) => format!("unknown state `{status}`"),
                None => format!("no state in the response {}", last.excerpt(EXCERPT)),
            },
            Some(last) => format!("still {}", last.state()),
            None => "no state received".into(),
        };
        let delayed = match seconds(self.state.budget_delay) {
            Duration::ZERO => String::new(),
            delay => format!(
                "; its polls were queued for {} for the client's poll budget",
                humantime::format_duration(delay)
            ),
        };
        format!(
            "gave up after {} ({state}){delayed}; the generation may still finish, and be billed",
            humantime::format_duration(seconds(self.started.elapsed()))
        )
    }

    fn ended(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, message).with_wait(self.state())
    }

    pub(super) fn state(&self) -> WaitState {
        WaitState {
            elapsed: self.started.elapsed(),
            ..self.state.clone()
        }
    }
}

/// How long after the create a 404 does not mean that the generation does not exist.
const NOT_YET_KNOWN: Duration = Duration::from_secs(30);

/// How long, and for how many more polls, a completed generation may have no video.
pub(super) const VIDEO_GRACE: (Duration, u32) = (Duration::from_secs(10), 3);

/// The number of characters of a response that an error shows.
const EXCERPT: usize = 400;

/// The reason that a response states, else the beginning of the response.
fn reason(answer: &Generation) -> String {
    let began = || format!("the response began: {}", answer.excerpt(EXCERPT));
    match answer.failure() {
        Some(failure) if failure.message.is_empty() => format!("{failure}; {}", began()),
        Some(failure) => failure.to_string(),
        None => format!("no reason stated; {}", began()),
    }
}

/// Rounds down to whole seconds, or to milliseconds below one second.
fn seconds(duration: Duration) -> Duration {
    if duration.as_secs() == 0 {
        Duration::from_millis(duration.as_millis() as u64)
    } else {
        Duration::from_secs(duration.as_secs())
    }
}
