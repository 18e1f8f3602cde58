//! One generation, and what it is at a time.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use super::{
    clips::Clip,
    course::{Course, NEVER, QUEUED},
    scenario::{End, IdGiven, Rule, Stall, Step, VideoGiven},
    shapes::Shape,
    tasks::SeenTask,
};
use aimlapi_video::{Model, Route, State};

#[derive(Debug)]
pub(super) struct Task {
    /// How many were made before it.
    pub(super) number: u64,
    pub(super) route: Route,
    pub(super) model: &'static Model,
    /// When it was created, in Unix time.
    pub(super) at: Duration,
    /// The same, in the service's time since the start.
    pub(super) created: Duration,
    pub(super) course: Course,
    pub(super) clip: &'static Clip,
    /// In credits.
    pub(super) cost: f64,
    pub(super) shape: Shape,
    pub(super) rule: Option<Arc<Rule>>,
    pub(super) polls: u32,
    /// How many polls found it ended.
    pub(super) polls_at_end: u32,
    pub(super) downloads: u32,
}

impl Task {
    /// Counts a poll, and tells how the scenario has it answered.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Step> {
        let number = self.polls;
        self.polls = self.polls.saturating_add(1);
        if now >= self.course.ends {
            self.polls_at_end = self.polls_at_end.saturating_add(1);
        }
        nth(&self.rule.as_ref()?.polls, number)
    }

    /// Counts a download, and tells how the scenario has it answered.
    pub(super) fn download(&mut self) -> Option<Step> {
        let number = self.downloads;
        self.downloads = self.downloads.saturating_add(1);
        nth(&self.rule.as_ref()?.downloads, number)
    }

    /// The word for where it stands, and what that is.
    pub(super) fn status(&self, now: Duration) -> (&str, State) {
        let state = self.state(now);
        match self.end() {
            End::Status(word) if now >= self.course.ends => (word, State::Unknown),
            _ => (self.shape.word(state), state),
        }
    }

    fn state(&self, now: Duration) -> State {
        let Course { starts, ends, .. } = self.course;
        if now < starts {
            return State::Queued;
        }
        if now >= ends {
            return match self.end() {
                End::Fail(_) => State::Failed,
                _ => State::Completed,
            };
        }
        let goes_back = self.rule.as_ref().is_some_and(|rule| rule.back_to_queued);
        if goes_back && ends != NEVER {
            let made = (ends - starts).as_secs_f64();
            let share = (now - starts).as_secs_f64() / made;
            if (0.5..0.5 + QUEUED).contains(&share) {
                return State::Queued;
            }
        }
        State::Generating
    }

    /// Whether it ends in a way that costs something.
    pub(super) fn is_paid(&self) -> bool {
        matches!(self.end(), End::Completed)
    }

    fn end(&self) -> &End {
        self.rule.as_ref().map_or(&End::Completed, |rule| &rule.end)
    }

    /// The error of one that has failed.
    pub(super) fn error(&self, state: State) -> Option<&Value> {
        match self.end() {
            End::Fail(error) if state == State::Failed => Some(error),
            _ => None,
        }
    }

    /// The links of one that has ended, `None` for a video without a link.
    pub(super) fn videos(
        &self,
        now: Duration,
        count: usize,
        link: impl Fn(usize) -> String,
    ) -> Option<Vec<Option<String>>> {
        if now < self.course.ends {
            return None;
        }
        let usual = match self.end() {
            End::Completed => VideoGiven::Given,
            _ => VideoGiven::Missing,
        };
        let given = self.rule.as_ref().and_then(|rule| rule.video);
        match given.unwrap_or(usual) {
            VideoGiven::Missing => None,
            VideoGiven::AfterPolls(polls) if self.polls_at_end <= polls => None,
            VideoGiven::WithoutUrl => Some(vec![None; count]),
            VideoGiven::Given | VideoGiven::AfterPolls(_) => {
                Some((1..=count).map(|number| Some(link(number))).collect())
            }
        }
    }

    /// The id that a poll for `id` is answered with.
    pub(super) fn told_id<'a>(&self, id: &'a str) -> Cow<'a, str> {
        match self.rule.as_ref().and_then(|rule| rule.id) {
            Some(IdGiven::Wrong) => self.shape.id(&self.model.id).into(),
            _ => id.into(),
        }
    }

    pub(super) fn seen(&self, id: &str, now: Duration) -> SeenTask {
        let (status, state) = self.status(now);
        let ends = self.course.ends;
        SeenTask {
            id: id.to_owned(),
            model: self.model.id.to_owned(),
            route: self.route,
            created: SystemTime::UNIX_EPOCH + self.at,
            status: status.to_owned(),
            state,
            left: (ends != NEVER).then(|| ends.saturating_sub(now)),
            polls: self.polls,
            downloads: self.downloads,
            credits: self.cost,
        }
    }
}

impl Rule {
    /// The state that it stays in for ever.
    pub(super) fn stall(&self) -> Option<State> {
        match self.end {
            End::Stall(Stall::Queued) => Some(State::Queued),
            End::Stall(Stall::Generating) => Some(State::Generating),
            _ => None,
        }
    }
}

/// The file of a generation's video; `number` counts from 1.
pub(super) fn file_name(number: usize) -> String {
    format!("{number}.mp4")
}

/// The step for request `number`, counted from 0; none, after the last.
fn nth(steps: &[Step], number: u32) -> Option<Step> {
    let mut until = 0_u32;
    let step = steps.iter().find(|step| {
        until = until.saturating_add(step.times.unwrap_or(1));
        number < until
    });
    step.cloned()
}
