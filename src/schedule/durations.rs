//! The durations of generations that this program observed, as plain data.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

/// The observed durations of generations, by model and requested length, which [`Planned`](super::Planned) learns from. They
/// contain no id of a generation.
///
/// Durations are plain data, which a program can store between runs, or [merge](Self::merge) from several processes.
///
/// # Limits
///
/// - at most 200 observations count per model and length: each further one reduces the weight of the older ones, so that
///   changed durations are learned
/// - at most 1024 pairs of a model and a length; beyond that, the pair without an observation for the longest time is removed
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::schedule::Durations;
///
/// let mut durations = Durations::default();
/// // Unfinished when polled at 88 s, completed when polled at 92 s.
/// let ended = Duration::from_secs(88)..=Duration::from_secs(92);
/// durations.observe("kling-video/v1", Some(5), ended);
/// let learned = durations.learned("kling-video/v1", Some(5));
/// assert_eq!(learned.map(|learned| learned.typical().as_secs()), Some(89));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    models: BTreeMap<String, Vec<Entry>>,
    /// The number of observations, which orders the entries by age.
    turn: u64,
}

/// The observed durations of one model at one length.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Learned {
    /// How many observations count, at most 200. Zero if only other lengths of the model were observed.
    pub count: f64,
    /// The mean of ln seconds.
    pub mean: f64,
    /// The sum of the squared differences from it.
    pub squares: f64,
    /// The mean of ln seconds over the model's other lengths.
    pub near: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    length: Option<u64>,
    count: f64,
    mean: f64,
    squares: f64,
    turn: u64,
}

impl Durations {
    /// Records a generation that ended within `ended`: from its age at the last poll that found it unfinished, or zero, to
    /// its age at the poll that found it completed.
    ///
    /// Do not record failed generations: the time until a refusal is not the duration of a video.
    pub fn observe(&mut self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.turn = self.turn.saturating_add(1);
        let turn = self.turn;
        self.update(model, length, |entry| Entry {
            turn,
            ..entry.located(&ended)
        });
    }

    /// Adds the observations of `other`. Observations that both have from an earlier merge then count twice.
    pub fn merge(&mut self, other: &Self) {
        self.turn = self.turn.max(other.turn);
        for (model, entries) in &other.models {
            for theirs in entries.iter().filter(|entry| entry.is_valid()) {
                self.update(model, theirs.length, |_| *theirs);
            }
        }
    }

    /// The observed durations of `model` at `length`; `None` if the model was never observed.
    pub fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        let mut learned = None;
        let (mut count, mut sum) = (0.0, 0.0);
        for entry in self
            .models
            .get(model)?
            .iter()
            .filter(|entry| entry.is_valid())
        {
            if entry.length == length {
                learned = Some(entry);
            } else {
                count += entry.count;
                sum += entry.count * entry.mean;
            }
        }
        let near = (count > 0.0).then(|| sum / count);
        match learned {
            Some(entry) => Some(Learned {
                count: entry.count,
                mean: entry.mean,
                squares: entry.squares,
                near,
            }),
            None => near.map(|mean| Learned {
                count: 0.0,
                mean,
                squares: 0.0,
                near,
            }),
        }
    }

    fn update(&mut self, model: &str, length: Option<u64>, observed: impl FnOnce(&Entry) -> Entry) {
        let entries = self.models.entry(model.to_owned()).or_default();
        match entries.iter_mut().find(|entry| entry.length == length) {
            Some(entry) if entry.is_valid() => {
                let observed = observed(entry);
                entry.add(&observed);
            }
            Some(entry) => *entry = observed(&Entry::empty(length)),
            None => entries.push(observed(&Entry::empty(length))),
        }
        self.remove_oldest();
    }

    /// Removes the oldest entries beyond the limit. Stored data may exceed it by more than one entry.
    fn remove_oldest(&mut self) {
        let mut entries: usize = self.models.values().map(Vec::len).sum();
        while entries > MAX_ENTRIES {
            let turn = |entries: &Vec<Entry>| entries.iter().map(|entry| entry.turn).min();
            let oldest = self.models.iter().min_by_key(|(_, entries)| turn(entries));
            let Some(model) = oldest.map(|(model, _)| model.clone()) else {
                return;
            };
            let others = self.models.entry(model.clone()).or_default();
            let oldest = turn(others);
            if let Some(at) = others.iter().position(|entry| Some(entry.turn) == oldest) {
                others.remove(at);
            }
            if others.is_empty() {
                self.models.remove(&model);
            }
            entries -= 1;
        }
    }
}

impl Learned {
    /// The median duration.
    pub fn typical(&self) -> Duration {
        Duration::try_from_secs_f64(self.mean.exp()).unwrap_or(Duration::MAX)
    }
}

impl Entry {
    const fn empty(length: Option<u64>) -> Self {
        Self {
            length,
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            turn: 0,
        }
    }

    /// An entry for a generation that ended within `ended`: the mean of ln seconds, weighted by the known distribution, and
    /// the remaining variance.
    ///
    /// The middle of the range is good enough only for narrow ranges. The first poll of a planned wait comes when most
    /// generations are about to end, so the range of a generation that ended before that poll begins at zero, and its middle
    /// would be far too low.
    fn located(&self, ended: &RangeInclusive<Duration>) -> Self {
        let ln = |time: &Duration| time.as_secs_f64().clamp(SHORTEST, LONGEST).ln();
        let until = ln(ended.end());
        let width = (until - ln(ended.start())).clamp(0.0, WIDEST);
        let variance = (self.squares + VARIANCE) / (self.count + 1.0);
        let (mut total, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for at in 0..POINTS {
            let point = until - width * (f64::from(at) + 0.5) / f64::from(POINTS);
            // Student's t with four degrees of freedom: its tails keep a weight above zero wherever the range lies.
            let weight = if self.count > 0.0 {
                (1.0 + (point - self.mean).powi(2) / (4.0 * variance)).powf(-2.5)
            } else {
                1.0
            };
            total += weight;
            let away = point - mean;
            mean += away * weight / total;
            squares += weight * away * (point - mean);
        }
        Self {
            count: 1.0,
            mean,
            squares: squares / total,
            ..*self
        }
    }

    /// Combines mean and squares of both by the formula of Chan, Golub and LeVeque.
    fn add(&mut self, other: &Self) {
        let count = self.count + other.count;
        let away = other.mean - self.mean;
        self.squares += other.squares + away * away * self.count * other.count / count;
        self.mean += away * other.count / count;
        self.count = count.min(MAX_OBSERVATIONS);
        self.squares *= self.count / count;
        self.turn = self.turn.max(other.turn);
    }

    /// Whether the numbers are valid. Stored data may be damaged.
    fn is_valid(&self) -> bool {
        let finite = [self.count, self.mean, self.squares].map(f64::is_finite);
        finite == [true; 3] && self.count > 0.0 && self.squares >= 0.0
    }
}

const MAX_OBSERVATIONS: f64 = 200.0;
const MAX_ENTRIES: usize = 1024;

/// The shortest and the longest duration, in seconds.
const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 1e7;

/// The variance of ln seconds that is assumed with the first observations.
const VARIANCE: f64 = 0.01;

/// The widest range in ln seconds, from half its end: a generation that ended before the first poll hardly ended earlier.
const WIDEST: f64 = std::f64::consts::LN_2;

/// The number of points over which a range is averaged.
const POINTS: u32 = 24;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn typical_duration_is_the_geometric_mean() {
        let mut durations = Durations::default();
        for took in [50.0, 200.0] {
            durations.observe("a", None, at(took));
        }
        assert!((typical(&durations, None) - 100.0).abs() < 0.1);
    }

    #[test]
    fn generation_that_ended_before_the_first_poll_is_weighted_by_known_durations() {
        let mut durations = Durations::default();
        (0..20).for_each(|_| durations.observe("a", None, at(90.0)));
        durations.observe("a", None, Duration::ZERO..=Duration::from_secs(86));
        assert!((typical(&durations, None) - 90.0).abs() < 1.0);
    }

    #[test]
    fn merged_halves_equal_the_whole() {
        let (mut whole, mut left, mut right) = Default::default();
        for took in 1..=20 {
            let took = f64::from(took);
            let half: &mut Durations = if took < 8.0 { &mut left } else { &mut right };
            for durations in [&mut whole, half] {
                durations.observe("a", Some(5), at(took));
            }
        }
        left.merge(&right);
        let [whole, merged] =
            [whole, left].map(|durations| durations.learned("a", Some(5)).unwrap());
        assert_eq!(whole.count, merged.count);
        assert!((whole.mean - merged.mean).abs() < 1e-9);
        assert!((whole.squares - merged.squares).abs() < 1e-9);
    }

    #[test]
    fn old_observations_lose_weight() {
        let mut durations = Durations::default();
        (0..1000).for_each(|_| durations.observe("a", None, at(100.0)));
        (0..1000).for_each(|_| durations.observe("a", None, at(50.0)));
        assert_eq!(durations.learned("a", None).unwrap().count, 200.0);
        assert!((typical(&durations, None) - 50.0).abs() < 1.0);
    }

    #[test]
    fn other_length_of_the_model_is_near() {
        let mut durations = Durations::default();
        durations.observe("a", Some(5), at(60.0));
        let learned = durations.learned("a", Some(10)).unwrap();
        assert_eq!(learned.count, 0.0);
        assert!((learned.near.unwrap().exp() - 60.0).abs() < 0.1);
        assert_eq!(durations.learned("b", Some(5)), None);
    }

    #[test]
    fn only_stored_pairs_beyond_the_limit_are_removed() {
        let entry = |length: u64, turn: u64| serde_json::json!({ "length": length, "count": 1.0, "mean": 4.0, "squares": 0.0, "turn": turn });
        for turn in [0, u64::MAX] {
            let entries: Vec<_> = (0..2000).map(|length| entry(length, turn)).collect();
            let stored = serde_json::json!({ "models": { "a": entries }, "turn": turn });
            let mut durations: Durations = serde_json::from_value(stored).unwrap();
            durations.observe("b", None, at(60.0));
            assert_eq!(durations.models.values().map(Vec::len).sum::<usize>(), 1024);
        }
    }

    #[test]
    fn oldest_pair_is_removed() {
        let mut durations = Durations::default();
        (0..=1024).for_each(|length| durations.observe("a", Some(length), at(60.0)));
        assert_eq!(durations.models["a"].len(), 1024);
        assert_eq!(durations.models["a"].first().unwrap().length, Some(1));
    }

    #[test]
    fn absurd_times_leave_entries_valid() {
        let mut durations = Durations::default();
        for end in [Duration::ZERO, Duration::MAX] {
            durations.observe("a", None, Duration::ZERO..=end);
            durations.observe("a", None, Duration::MAX..=end);
        }
        assert!(durations.models["a"].iter().all(Entry::is_valid));
    }

    #[test]
    fn damaged_data_are_ignored() {
        let damaged = Entry {
            count: 3.0,
            mean: f64::NAN,
            ..Entry::empty(None)
        };
        let mut durations = Durations {
            models: [("a".to_owned(), vec![damaged])].into(),
            turn: 7,
        };
        assert_eq!(durations.learned("a", None), None);
        durations.observe("a", None, at(60.0));
        assert_eq!(typical(&durations, None).round(), 60.0);
    }

    fn at(seconds: f64) -> RangeInclusive<Duration> {
        let at = Duration::from_secs_f64(seconds);
        at..=at
    }

    fn typical(durations: &Durations, length: Option<u64>) -> f64 {
        durations
            .learned("a", length)
            .unwrap()
            .typical()
            .as_secs_f64()
    }
}
