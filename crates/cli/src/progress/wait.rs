//! The progress of one generation: its state and time, then its download.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use aimlapi_video::{PollFailed, Progress, Received};

use super::{
    DownloadProgress, duration_text,
    outage::Outage,
    quiet_interval, reminder_interval,
    row::{Row, joined},
    screen::Screen,
};
use crate::style::{Line, Meaning};

/// The display of `generate` and `wait`.
pub(crate) struct WaitProgress {
    screen: Screen,
    status: WaitStatus,
    model: String,
    download: Option<DownloadProgress>,
    outage: Option<Outage>,
    /// When the last plain line was printed.
    printed_at: Instant,
    speed: f64,
}

impl WaitProgress {
    /// Shows `activity` until the first state arrives.
    pub(crate) fn start(activity: &str, model: Option<&str>, speed: f64) -> Self {
        let mut progress = Self {
            screen: Screen::new(),
            status: WaitStatus::new(activity),
            model: model.unwrap_or_default().to_owned(),
            download: None,
            outage: None,
            printed_at: Instant::now(),
            speed,
        };
        progress.show();
        progress
    }

    pub(crate) fn set_state(&mut self, progress: &Progress) {
        if let Some(outage) = &mut self.outage {
            outage.remove(0);
        }
        self.status.update(progress);
        self.show();
    }

    pub(crate) fn poll_failed(&mut self, failure: &PollFailed) {
        let outage = self.outage.get_or_insert_with(Outage::new);
        let is_new = outage.add(0, failure);
        if self.screen.is_live() {
            self.show();
        } else if is_new {
            super::print(outage.first().into());
        }
    }

    /// Redraws the time, or prints a line after a while.
    pub(crate) fn tick(&mut self) {
        if (self.outage.as_ref()).is_some_and(|outage| outage.is_over(quiet_interval(self.speed))) {
            self.end_outage();
        }
        if self.screen.is_live() || self.printed_at.elapsed() >= reminder_interval(self.speed) {
            self.show();
        }
    }

    pub(crate) fn received(&mut self, received: Received) {
        let download = self.download.get_or_insert_with(DownloadProgress::default);
        match download.record(received) {
            true => self.show(),
            false => self.tick(),
        }
    }

    /// Prints a line that stays.
    pub(crate) fn print(&self, line: impl Into<Line>) {
        self.screen.print(line);
    }

    /// Removes the drawn lines. A wait that ended with a valid response `is_answered`.
    pub(crate) fn close(&mut self, is_answered: bool) {
        if let Some(outage) = self.outage.as_mut().filter(|_| is_answered) {
            outage.remove(0);
        }
        self.end_outage();
        self.screen.close();
    }

    fn end_outage(&mut self) {
        if let Some(outage) = self.outage.take() {
            self.screen
                .suspend(|| super::print(outage.summary().into()));
        }
    }

    fn show(&mut self) {
        let (parts, done) = match &self.download {
            Some(download) => (download.parts(), download.done()),
            None => (self.status.parts(), self.status.done()),
        };
        if !self.screen.is_live() {
            self.printed_at = Instant::now();
            return super::print(joined(&parts));
        }
        let mut rows = vec![Row {
            parts,
            done,
            note: self.model.clone(),
        }];
        rows.extend(self.outage.as_ref().map(|outage| Row::new(outage.parts())));
        self.screen.show(&rows);
    }
}

/// The state of a generation, its age, and how long such generations take.
pub(super) struct WaitStatus {
    /// The state, or the activity before the first state.
    state: String,
    has_state: bool,
    created_at: Instant,
    expected: Option<RangeInclusive<Duration>>,
    ends_at: Option<Instant>,
}

impl WaitStatus {
    pub(super) fn new(activity: &str) -> Self {
        Self {
            state: activity.to_owned(),
            has_state: false,
            created_at: Instant::now(),
            expected: None,
            ends_at: None,
        }
    }

    pub(super) fn update(&mut self, progress: &Progress) {
        let (now, times) = (Instant::now(), &progress.times);
        self.state = progress.to_string();
        self.has_state = true;
        self.expected = times.expected.clone();
        // The expected time counts from the create, which may lie long before this command.
        self.created_at = now.checked_sub(times.age).unwrap_or(self.created_at);
        self.ends_at = times.remaining.and_then(|rest| now.checked_add(rest));
    }

    /// The state with its age, the time that is left, and the usual time.
    pub(super) fn parts(&self) -> Vec<Line> {
        let age = self.created_at.elapsed();
        let state = Line::new(Meaning::Active, &*self.state);
        if !self.has_state {
            let age = Some(age).filter(|age| *age >= Duration::from_secs(1));
            let age = age.map(|age| duration_text(age).into());
            return [state].into_iter().chain(age).collect();
        }
        let left = self.ends_at;
        let left = left.map(|end| end.saturating_duration_since(Instant::now()));
        let mut parts = vec![state.plain(format!(" {}", duration_text(age)))];
        let times = times_text(age, self.expected.as_ref(), left);
        parts.extend(times.into_iter().map(Line::from));
        parts
    }

    /// The share of the expected time that has passed: below 1, however long the generation takes.
    pub(super) fn done(&self) -> Option<f64> {
        let end = self.expected.as_ref()?.end().as_secs_f64();
        (end > 0.0).then(|| (self.created_at.elapsed().as_secs_f64() / end).min(0.99))
    }
}

fn times_text(
    age: Duration,
    expected: Option<&RangeInclusive<Duration>>,
    left: Option<Duration>,
) -> Vec<String> {
    let usual = expected.map(|expected| {
        let (min, max) = (
            duration_text(*expected.start()),
            duration_text(*expected.end()),
        );
        match min == max {
            true => format!("about {max}"),
            false => format!("{min} to {max}"),
        }
    });
    match (usual, expected) {
        (Some(usual), Some(expected)) if age > *expected.end() => {
            vec![format!("longer than the usual {usual}")]
        }
        (usual, _) => {
            let left = left.filter(|left| !left.is_zero());
            let left = left.map(|left| format!("about {} left", duration_text(left)));
            let usual = usual.map(|usual| format!("usually {usual}"));
            left.into_iter().chain(usual).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_is_left_and_the_usual_range() {
        let seconds = Duration::from_secs;
        let (range, about) = (seconds(300)..=seconds(360), seconds(90)..=seconds(90));
        for (age, expected, left, text) in [
            (
                80,
                Some(&range),
                Some(240),
                "about 4m left, usually 5m to 6m",
            ),
            (80, Some(&about), None, "usually about 1m 30s"),
            (430, Some(&range), Some(9), "longer than the usual 5m to 6m"),
            (80, None, None, ""),
            (80, None, Some(30), "about 30s left"),
            (80, None, Some(0), ""),
        ] {
            let actual = times_text(seconds(age), expected, left.map(seconds));
            assert_eq!(actual.join(", "), text);
        }
    }
}
