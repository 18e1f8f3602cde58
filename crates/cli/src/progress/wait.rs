//! The progress of one generation: its state and time, then its download.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use aimlapi_video::{PollFailed, Progress, Received};

use super::{DownloadProgress, duration_text, reminder_interval, screen::Screen};
use crate::{failure::error_line, output::print_note};

/// The display of `generate` and `wait`.
pub(crate) struct WaitProgress {
    screen: Screen,
    status: WaitStatus,
    download: Option<DownloadProgress>,
    /// When the last plain line was printed.
    printed_at: Instant,
    reminder: Duration,
}

impl WaitProgress {
    /// Shows `activity` until the first state arrives.
    pub(crate) fn start(activity: &str, speed: f64) -> Self {
        let mut progress = Self {
            screen: Screen::new(),
            status: WaitStatus::new(activity),
            download: None,
            printed_at: Instant::now(),
            reminder: reminder_interval(speed),
        };
        progress.show();
        progress
    }

    pub(crate) fn set_state(&mut self, progress: &Progress) {
        self.status.update(progress);
        self.show();
    }

    pub(crate) fn poll_failed(&mut self, failure: &PollFailed) {
        self.print(&format!(
            "a poll failed, retrying: {}",
            error_line(&failure.error)
        ));
    }

    /// Redraws the time, or prints a line after a while.
    pub(crate) fn tick(&mut self) {
        if self.screen.is_live() || self.printed_at.elapsed() >= self.reminder {
            self.show();
        }
    }

    pub(crate) fn received(&mut self, received: Received) {
        let download = self.download.get_or_insert_with(DownloadProgress::new);
        match download.record(received) {
            true => self.show(),
            false => self.tick(),
        }
    }

    /// Prints a line that stays.
    pub(crate) fn print(&self, line: &str) {
        self.screen.print(line);
    }

    pub(crate) fn close(&self) {
        self.screen.close();
    }

    fn show(&mut self) {
        let (text, done) = match &self.download {
            Some(download) => (download.text(), download.done()),
            None => (self.status.text(), self.status.done()),
        };
        if self.screen.is_live() {
            self.screen.show(&[text], done);
        } else {
            self.printed_at = Instant::now();
            print_note(text);
        }
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

    pub(super) fn text(&self) -> String {
        let age = self.created_at.elapsed();
        if !self.has_state {
            return match age >= Duration::from_secs(1) {
                true => format!("{}, {}", self.state, duration_text(age)),
                false => self.state.clone(),
            };
        }
        let left = self
            .ends_at
            .map(|end| end.saturating_duration_since(Instant::now()));
        state_text(&self.state, age, self.expected.as_ref(), left)
    }

    /// The share of the expected time that has passed: below 1, however long the generation takes.
    fn done(&self) -> Option<f64> {
        let end = self.expected.as_ref()?.end().as_secs_f64();
        (end > 0.0).then(|| (self.created_at.elapsed().as_secs_f64() / end).min(0.99))
    }
}

fn state_text(
    state: &str,
    age: Duration,
    expected: Option<&RangeInclusive<Duration>>,
    left: Option<Duration>,
) -> String {
    let text = format!("{state} {}", duration_text(age));
    let Some(expected) = expected else {
        return match left.filter(|left| !left.is_zero()) {
            Some(left) => format!("{text}, about {} left", duration_text(left)),
            None => text,
        };
    };
    let (min, max) = (
        duration_text(*expected.start()),
        duration_text(*expected.end()),
    );
    let usual = match min == max {
        true => format!("about {max}"),
        false => format!("{min} to {max}"),
    };
    match age > *expected.end() {
        true => format!("{text}, longer than the usual {usual}"),
        false => format!("{text}, usually {usual}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_text_has_the_age_and_the_usual_range() {
        let seconds = Duration::from_secs;
        let (range, about) = (seconds(300)..=seconds(360), seconds(90)..=seconds(90));
        for (age, expected, left, text) in [
            (80, Some(&range), Some(1), "1m 20s, usually 5m to 6m"),
            (80, Some(&about), None, "1m 20s, usually about 1m 30s"),
            (
                430,
                Some(&range),
                None,
                "7m 10s, longer than the usual 5m to 6m",
            ),
            (80, None, None, "1m 20s"),
            (80, None, Some(30), "1m 20s, about 30s left"),
            (80, None, Some(0), "1m 20s"),
        ] {
            let actual = state_text("generating", seconds(age), expected, left.map(seconds));
            assert_eq!(actual, format!("generating {text}"));
        }
    }
}
