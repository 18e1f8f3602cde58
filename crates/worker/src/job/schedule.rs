//! The state of a poll schedule between two polls, so that any process can continue it.

use std::time::Duration;

use aimlapi_video::{
    GenerationHandle, State, contract,
    schedule::{Learned, PollState, Schedule},
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Timestamp, fact::FAILED_WITHOUT_VIDEO};

/// What a schedule needs to know of the polls so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ScheduleState {
    /// The time of the create, or else the time at which the job received the handle.
    pub began: Timestamp,
    /// The end of the last poll; [`began`](Self::began) before.
    pub last_poll: Timestamp,
    /// The time up to which the generation is known not to have ended.
    pub unfinished: Timestamp,
    /// The number of polls.
    pub polls: u32,
    /// The last state that the service reported.
    #[serde(
        deserialize_with = "read_state",
        skip_serializing_if = "Option::is_none"
    )]
    pub last: Option<State>,
    /// Whether the last poll failed.
    pub failing: bool,
    /// The number of polls that found the generation completed without a video.
    pub without_video: u32,
    /// The number of polls since the last response with a state that the service answered with 404 or 410, later than 30 s after
    /// the create.
    pub not_found: u32,
    /// The time of the next poll. 1970 means at once.
    pub next_poll: Timestamp,
}

/// How to compute the time of the next poll.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Plan<'a> {
    /// The schedule.
    pub schedule: &'a dyn Schedule,
    /// How many times faster than the clock the service's time runs: 1, or the speed of a simulator.
    pub speed: f64,
    /// The clip's length in seconds: [`GenerationRequest::length`](aimlapi_video::GenerationRequest::length).
    pub length: Option<u64>,
    /// The model of the request, for a handle that states none.
    pub model: Option<&'a str>,
    /// The observed durations of such generations: [`Durations::learned`](aimlapi_video::schedule::Durations::learned).
    pub learned: Option<Learned>,
}

impl<'a> Plan<'a> {
    /// A plan in real time, without facts about the request.
    pub fn new(schedule: &'a dyn Schedule) -> Self {
        Self {
            schedule,
            speed: 1.0,
            length: None,
            model: None,
            learned: None,
        }
    }
}

impl ScheduleState {
    /// The state before the first poll of a generation whose handle arrived `now`.
    pub fn new(handle: &GenerationHandle, now: Timestamp) -> Self {
        let began = handle.created_at().map_or(now, Timestamp::from);
        Self {
            began,
            last_poll: began,
            unfinished: began,
            ..Self::default()
        }
    }

    /// Sets the time of the next poll by the plan's schedule, as a [`Wait`](aimlapi_video::Wait) does. A longer `retry_after`
    /// replaces the step.
    pub fn plan(
        &mut self,
        handle: &GenerationHandle,
        plan: &Plan<'_>,
        retry_after: Option<Duration>,
    ) {
        let to_service = |time: Duration| scaled(time, plan.speed);
        let to_local = |time: Duration| scaled(time, 1.0 / plan.speed);
        let name = handle.model().or(plan.model);
        let model = name.and_then(|name| contract::model(handle.route(), name));
        let mut state = PollState::new(handle.id());
        state.model = name;
        state.length = plan.length;
        state.last_poll = to_service(self.last_poll.since(self.began));
        state.age = state.last_poll;
        state.unfinished = to_service(self.unfinished.since(self.began));
        state.polls = self.polls;
        state.last = self.last;
        state.expected = model.and_then(|model| model.expected(plan.length));
        state.learned = plan.learned;
        let mut step = plan.schedule.next(&state).max(MIN_STEP);
        if self.without_video > FAILED_WITHOUT_VIDEO {
            step = step.min(MISSING_STEP);
        } else if self.without_video > 0 {
            step = step.min(WITHOUT_VIDEO_STEP);
        }
        if self.not_found > 0 {
            step = MISSING_STEP;
        }
        step = to_local(step);
        if self.failing {
            step = step.min(FAILING_STEP);
        }
        self.next_poll = self.last_poll + step.max(retry_after.unwrap_or_default());
    }
}

fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// Reads a state that a newer version may have written.
fn read_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<State>, D::Error> {
    let state = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(state.map(|state| serde_json::from_value(state).unwrap_or(State::Unknown)))
}

/// The shortest step, in the time of the service.
const MIN_STEP: Duration = Duration::from_millis(100);

/// The longest step while a generation is completed without a video, at first, in the time of the service.
const WITHOUT_VIDEO_STEP: Duration = Duration::from_secs(3);

/// The longest step later, and the step while the generation is not found.
const MISSING_STEP: Duration = Duration::from_secs(30);

/// The longest step after a failed poll.
const FAILING_STEP: Duration = Duration::from_secs(30);
