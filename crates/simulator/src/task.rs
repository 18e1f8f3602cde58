//! One generation: its phase at a given time, its request counters, and the scenario rule that applies to it.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    clips::Clip,
    key::KeyHash,
    scenario::{End, ReportedId, Rule, Stall, Step, VideoOutcome},
    shapes::Shape,
    tasks::RecordedTask,
    timeline::{NEVER, QUEUED_SHARE, Timeline},
};
use aimlapi_video::contract::{Model, Route};

/// The phase of a generation in the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// The generation waits for its start.
    Queued,
    /// The generation runs.
    Generating,
    /// The generation ended without an error.
    Completed,
    /// The generation ended with an error.
    Failed,
    /// The generation ended with a status that a scenario defines.
    Unknown,
}

/// One generation.
#[derive(Debug)]
pub(super) struct Task {
    /// The number of the create's request.
    pub(super) request: u64,
    pub(super) prompt: Option<Box<str>>,
    pub(super) route: Route,
    pub(super) model: Arc<Model>,
    /// The time of the create, in real Unix time.
    pub(super) created_unix: Duration,
    /// The time of the create, in the service's time since the start.
    pub(super) created: Duration,
    pub(super) timeline: Timeline,
    pub(super) clip: Clip,
    /// The cost in credits if the generation completes.
    pub(super) cost: f64,
    pub(super) shape: Shape,
    pub(super) rule: Option<Arc<Rule>>,
    pub(super) polls: u32,
    /// The number of polls since the generation ended.
    pub(super) polls_at_end: u32,
    pub(super) downloads: u32,
}

impl Task {
    /// Counts a poll and returns the scenario's step for it, if any.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Step> {
        let number = self.polls;
        self.polls = self.polls.saturating_add(1);
        if now >= self.timeline.ends {
            self.polls_at_end = self.polls_at_end.saturating_add(1);
        }
        step_for(&self.rule.as_ref()?.polls, number)
    }

    /// Counts a download and returns the scenario's step for it, if any.
    pub(super) fn download(&mut self) -> Option<Step> {
        let number = self.downloads;
        self.downloads = self.downloads.saturating_add(1);
        step_for(&self.rule.as_ref()?.downloads, number)
    }

    /// Returns the `status` that a poll reports at `now`, and its phase.
    pub(super) fn status(&self, now: Duration) -> (&str, Phase) {
        let phase = self.phase(now);
        match self.end() {
            End::Status(status) if now >= self.timeline.ends => (status, Phase::Unknown),
            _ => (self.shape.status(phase), phase),
        }
    }

    fn phase(&self, now: Duration) -> Phase {
        let Timeline { starts, ends } = self.timeline;
        if now < starts {
            return Phase::Queued;
        }
        if now >= ends {
            return match self.end() {
                End::Fail(_) => Phase::Failed,
                _ => Phase::Completed,
            };
        }
        let goes_back = self.rule.as_ref().is_some_and(|rule| rule.back_to_queued);
        if goes_back && ends != NEVER {
            let total = (ends - starts).as_secs_f64();
            let share = (now - starts).as_secs_f64() / total;
            if (0.5..0.5 + QUEUED_SHARE).contains(&share) {
                return Phase::Queued;
            }
        }
        Phase::Generating
    }

    /// Whether the generation will complete, so that its cost is charged.
    pub(super) fn is_charged(&self) -> bool {
        matches!(self.end(), End::Completed)
    }

    fn end(&self) -> &End {
        self.rule.as_ref().map_or(&End::Completed, |rule| &rule.end)
    }

    /// Returns the error of a generation in the phase `Failed`.
    pub(super) fn error(&self, phase: Phase) -> Option<&Value> {
        match self.end() {
            End::Fail(error) if phase == Phase::Failed => Some(error),
            _ => None,
        }
    }

    /// Returns the video URLs of a generation that has ended; an inner `None` is a video without a URL.
    pub(super) fn videos(
        &self,
        now: Duration,
        count: usize,
        url: impl Fn(usize) -> String,
    ) -> Option<Vec<Option<String>>> {
        if now < self.timeline.ends {
            return None;
        }
        let default = match self.end() {
            End::Completed => VideoOutcome::Given,
            _ => VideoOutcome::Missing,
        };
        let outcome = self.rule.as_ref().and_then(|rule| rule.video);
        match outcome.unwrap_or(default) {
            VideoOutcome::Missing => None,
            VideoOutcome::AfterPolls(polls) if self.polls_at_end <= polls => None,
            VideoOutcome::WithoutUrl => Some(vec![None; count]),
            VideoOutcome::Given | VideoOutcome::AfterPolls(_) => {
                Some((1..=count).map(|number| Some(url(number))).collect())
            }
        }
    }

    /// Returns the id that the response to a poll for `id` contains.
    pub(super) fn reported_id<'a>(&self, id: &'a str) -> Cow<'a, str> {
        match self.rule.as_ref().and_then(|rule| rule.id) {
            Some(ReportedId::Wrong) => self.shape.id(&self.model.id, uuid::Uuid::nil()).into(),
            _ => id.into(),
        }
    }

    /// Describes the generation for `/_simulator/tasks`, without its requests.
    pub(super) fn to_recorded(
        &self,
        id: &str,
        key: Option<KeyHash>,
        now: Duration,
    ) -> RecordedTask {
        let (status, phase) = self.status(now);
        let ends = self.timeline.ends;
        RecordedTask {
            id: id.to_owned(),
            model: self.model.id.to_owned(),
            route: self.route,
            created: SystemTime::UNIX_EPOCH + self.created_unix,
            status: status.to_owned(),
            state: phase,
            left: (ends != NEVER).then(|| ends.saturating_sub(now)),
            polls: self.polls,
            downloads: self.downloads,
            credits: self.cost,
            prompt: self.prompt.as_deref().map(str::to_owned),
            key: key.map(|key| key.to_string()).unwrap_or_default(),
            requests: Vec::new(),
            times: [self.created, self.timeline.starts, ends],
        }
    }
}

impl Rule {
    /// Returns the phase in which the generation stalls, if it does.
    pub(super) fn stall(&self) -> Option<Phase> {
        match self.end {
            End::Stall(Stall::Queued) => Some(Phase::Queued),
            End::Stall(Stall::Generating) => Some(Phase::Generating),
            _ => None,
        }
    }
}

/// Returns the file name of a generation's video; `number` counts from 1.
pub(super) fn file_name(number: usize) -> String {
    format!("{number}.mp4")
}

/// Returns the step for request `number`, counted from 0; `None` after the last step.
fn step_for(steps: &[Step], number: u32) -> Option<Step> {
    let mut until = 0_u32;
    let step = steps.iter().find(|step| {
        until = until.saturating_add(step.times.unwrap_or(1));
        number < until
    });
    step.cloned()
}
