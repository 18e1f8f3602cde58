//! What this program has seen generations take.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

/// How long generations took, by model and requested length: what [`Planned`](super::Planned) learns from. It names no
/// generation.
///
/// It is plain data, to be kept between runs of a program, or [merged](Self::merge) from several.
///
/// # Limits
///
/// - at most 200 finishes count per model and length: each one beyond that makes those before it count less, so that what
///   changed is learned anew
/// - at most 1024 pairs of a model and a length; beyond that, the one that has not been seen for longest is forgotten
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
    /// How many observations there were, to tell which entry is the oldest.
    turn: u64,
}

/// What is known of one model at one length.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Learned {
    /// How many finishes count, 200 at most. Zero where only other lengths of the model were seen.
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
    /// Takes in a generation that ended within `ended`: from its age at the last poll that saw it unfinished, zero where
    /// none did, to its age at the poll that saw it completed.
    ///
    /// Failed ones do not belong here: how soon a request is refused says nothing of how long a video takes.
    pub fn observe(&mut self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.turn = self.turn.saturating_add(1);
        let turn = self.turn;
        self.update(model, length, |entry| Entry {
            turn,
            ..entry.located(&ended)
        });
    }

    /// Takes in all that `other` knows, as if both had been one from the start. What both know already, from an earlier
    /// merge, then counts twice.
    pub fn merge(&mut self, other: &Self) {
        self.turn = self.turn.max(other.turn);
        for (model, entries) in &other.models {
            for theirs in entries.iter().filter(|entry| entry.is_sane()) {
                self.update(model, theirs.length, |_| *theirs);
            }
        }
    }

    /// What is known of `model` at `length`; nothing, where the model was never seen.
    pub fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        let mut learned = None;
        let (mut count, mut sum) = (0.0, 0.0);
        for entry in self
            .models
            .get(model)?
            .iter()
            .filter(|entry| entry.is_sane())
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

    fn update(&mut self, model: &str, length: Option<u64>, news: impl FnOnce(&Entry) -> Entry) {
        let entries = self.models.entry(model.to_owned()).or_default();
        match entries.iter_mut().find(|entry| entry.length == length) {
            Some(entry) if entry.is_sane() => {
                let news = news(entry);
                entry.add(&news);
            }
            Some(entry) => *entry = news(&Entry::unseen(length)),
            None => entries.push(news(&Entry::unseen(length))),
        }
        self.forget();
    }

    /// Data that were stored may hold more than one too many.
    fn forget(&mut self) {
        let mut entries: usize = self.models.values().map(Vec::len).sum();
        while entries > MOST_ENTRIES {
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
    /// The duration that as many generations exceed as not.
    pub fn typical(&self) -> Duration {
        Duration::try_from_secs_f64(self.mean.exp()).unwrap_or(Duration::MAX)
    }
}

impl Entry {
    const fn unseen(length: Option<u64>) -> Self {
        Self {
            length,
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            turn: 0,
        }
    }

    /// One that ended within `ended`, as an entry of its own: the mean of ln seconds, weighed by what is known already, and
    /// the variance that is left.
    ///
    /// The middle of the range would do for narrow ones. But the first poll of a planned wait comes when most of them are
    /// about to end, so the range of one that ended before it begins at zero, and its middle would be far too low.
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

    /// The mean and squares of both together, by the formula of Chan, Golub and LeVeque.
    fn add(&mut self, other: &Self) {
        let count = self.count + other.count;
        let away = other.mean - self.mean;
        self.squares += other.squares + away * away * self.count * other.count / count;
        self.mean += away * other.count / count;
        self.count = count.min(MOST_FINISHES);
        self.squares *= self.count / count;
        self.turn = self.turn.max(other.turn);
    }

    /// Data that were stored may have been damaged.
    fn is_sane(&self) -> bool {
        let finite = [self.count, self.mean, self.squares].map(f64::is_finite);
        finite == [true; 3] && self.count > 0.0 && self.squares >= 0.0
    }
}

const MOST_FINISHES: f64 = 200.0;
const MOST_ENTRIES: usize = 1024;

/// Seconds. Nothing is generated faster, and no wait is longer.
const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 1e7;

/// The variance of ln seconds that is assumed beside the first finishes.
const VARIANCE: f64 = 0.01;

/// A range reaches down to half its end and no further: little is known of where one before the first poll ended, but hardly
/// so early.
const WIDEST: f64 = std::f64::consts::LN_2;

/// Over how many points a range is averaged.
const POINTS: u32 = 24;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_typical_duration_is_the_geometric_mean() {
        let mut durations = Durations::default();
        for took in [50.0, 200.0] {
            durations.observe("a", None, at(took));
        }
        assert!((typical(&durations, None) - 100.0).abs() < 0.1);
    }

    #[test]
    fn one_that_ended_before_the_first_poll_is_placed_by_what_is_known() {
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
    fn old_finishes_fade() {
        let mut durations = Durations::default();
        (0..1000).for_each(|_| durations.observe("a", None, at(100.0)));
        (0..1000).for_each(|_| durations.observe("a", None, at(50.0)));
        assert_eq!(durations.learned("a", None).unwrap().count, 200.0);
        assert!((typical(&durations, None) - 50.0).abs() < 1.0);
    }

    #[test]
    fn another_length_of_the_model_is_near() {
        let mut durations = Durations::default();
        durations.observe("a", Some(5), at(60.0));
        let learned = durations.learned("a", Some(10)).unwrap();
        assert_eq!(learned.count, 0.0);
        assert!((learned.near.unwrap().exp() - 60.0).abs() < 0.1);
        assert_eq!(durations.learned("b", Some(5)), None);
    }

    #[test]
    fn stored_pairs_beyond_the_limit_are_forgotten_and_no_more_than_those() {
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
    fn the_pair_not_seen_for_longest_is_forgotten() {
        let mut durations = Durations::default();
        (0..=1024).for_each(|length| durations.observe("a", Some(length), at(60.0)));
        assert_eq!(durations.models["a"].len(), 1024);
        assert_eq!(durations.models["a"].first().unwrap().length, Some(1));
    }

    #[test]
    fn absurd_times_leave_it_sane() {
        let mut durations = Durations::default();
        for end in [Duration::ZERO, Duration::MAX] {
            durations.observe("a", None, Duration::ZERO..=end);
            durations.observe("a", None, Duration::MAX..=end);
        }
        assert!(durations.models["a"].iter().all(Entry::is_sane));
    }

    #[test]
    fn damaged_data_count_as_nothing() {
        let damaged = Entry {
            count: 3.0,
            mean: f64::NAN,
            ..Entry::unseen(None)
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
