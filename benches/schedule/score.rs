//! Measures the requests and lags of a schedule over many waits.

use std::{ops::RangeInclusive, time::Duration};

use aimlapi_video::schedule::{Learned, PollState, Schedule};

use super::Random;

/// Requests and lags of many waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Score {
    polls: f64,
    duration: f64,
    lags: Vec<f64>,
}

impl Score {
    pub(super) fn polls(&self) -> f64 {
        self.polls / self.lags.len() as f64
    }

    pub(super) fn lag(&self) -> f64 {
        self.lags.iter().sum::<f64>() / self.lags.len() as f64
    }

    pub(super) fn p95(&self) -> f64 {
        let mut lags = self.lags.clone();
        lags.sort_by(f64::total_cmp);
        lags[lags.len() * 95 / 100]
    }

    pub(super) fn merit(&self) -> f64 {
        self.polls() * self.lag() * self.lags.len() as f64 / self.duration
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.polls += other.polls;
        self.duration += other.duration;
        self.lags.extend(&other.lags);
    }
}

/// The polls of one wait, computed on demand: they do not depend on when the generation ends.
pub(super) struct Wait<'a> {
    schedule: &'a dyn Schedule,
    id: String,
    hint: Option<f64>,
    learned: Option<Learned>,
    pub(super) polls: Vec<Duration>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(
        schedule: &'a dyn Schedule,
        id: String,
        hint: Option<f64>,
        learned: Option<Learned>,
    ) -> Self {
        Self {
            schedule,
            id,
            hint,
            learned,
            polls: Vec::new(),
        }
    }

    /// The number of polls until an end at `took` is observed, and the times of the last two polls, between which the end is.
    pub(super) fn ended(&mut self, took: f64) -> (usize, RangeInclusive<Duration>) {
        let took = Duration::from_secs_f64(took);
        while self.polls.last().is_none_or(|&last| last < took) {
            let last = self.polls.last().copied().unwrap_or_default();
            let mut state = PollState::new(&self.id);
            state.age = last;
            state.last_poll = last;
            state.unfinished = last;
            state.polls = self.polls.len() as u32;
            state.expected = self
                .hint
                .map(Duration::from_secs_f64)
                .map(|hint| hint..=hint);
            state.learned = self.learned;
            let step = self.schedule.next(&state);
            self.polls.push(last + step);
        }
        let at = self.polls.partition_point(|&poll| poll < took);
        let before = at
            .checked_sub(1)
            .map_or(Duration::ZERO, |before| self.polls[before]);
        (at + 1, before..=self.polls[at])
    }

    pub(super) fn score(&mut self, took: impl IntoIterator<Item = f64>, score: &mut Score) {
        for took in took {
            let (polls, between) = self.ended(took);
            score.polls += polls as f64;
            score.duration += took;
            score
                .lags
                .push((between.end().as_secs_f64() - took).max(0.0));
        }
    }
}

/// Scores waits of a schedule without observed durations.
pub(super) fn score(
    schedule: &dyn Schedule,
    typical: f64,
    hint: Option<f64>,
    spread: f64,
    seed: u64,
    samples: usize,
) -> Score {
    let mut random = Random(seed);
    let mut score = Score::default();
    let ids = (samples / 2000).max(2);
    for id in 0..ids {
        let id = format!("{seed}/{id}");
        let took = (0..samples / ids)
            .map(|_| random.lognormal(typical, spread))
            .collect::<Vec<_>>();
        Wait::new(schedule, id, hint.map(|factor| factor * typical), None).score(took, &mut score);
    }
    score
}
