//! What a person sees on the way to one video, all of it on standard error: a line that moves on a terminal; elsewhere a line
//! for each change, and one now and then that says that it goes on.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use aimlapi_video::{PollFailed, Progress, Received};

use crate::{
    meter::Meter,
    output::note,
    screen::{Screen, shown, with_bar},
};

pub(crate) struct Report {
    screen: Screen,
    course: Course,
    meter: Meter,
    is_downloading: bool,
    /// When something was last said, or drawn.
    last: Instant,
    reminder: Duration,
}

/// Where nothing moves, something is said this often; the wait's speed divides it.
const REMINDER: Duration = Duration::from_secs(60);

/// Between two drawings.
const STEP: Duration = Duration::from_millis(100);

impl Report {
    pub(crate) fn start(first: &str, speed: f64) -> Self {
        let mut report = Self {
            screen: Screen::start(),
            course: Course::new(first),
            meter: Meter::default(),
            is_downloading: false,
            last: Instant::now(),
            reminder: reminder(speed),
        };
        report.say();
        report
    }

    pub(crate) fn progress(&mut self, progress: &Progress) {
        self.course.progress(progress);
        self.say();
    }

    pub(crate) fn poll_failed(&mut self, failed: &PollFailed) {
        self.note(&format!(
            "a poll failed, trying on: {}",
            crate::failure::line(&failed.error)
        ));
    }

    /// Draws the time anew, or says after a while that it goes on.
    pub(crate) fn tick(&mut self) {
        let pause = match self.screen.is_live() {
            true => STEP,
            false => self.reminder,
        };
        if self.last.elapsed() >= pause {
            self.say();
        }
    }

    pub(crate) fn received(&mut self, received: Received) {
        self.is_downloading = true;
        let is_new = self.meter.received(received);
        if is_new {
            self.say();
        } else {
            self.tick();
        }
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        self.screen.note(line);
    }

    pub(crate) fn end(&mut self) {
        self.screen.end();
    }

    fn say(&mut self) {
        self.last = Instant::now();
        let (text, done) = match self.is_downloading {
            true => (self.meter.said(), self.meter.done()),
            false => (self.course.said(), self.course.done()),
        };
        if self.screen.is_live() {
            let (_, columns) = self.screen.size();
            self.screen.show(&[with_bar(&text, done, columns)]);
        } else {
            note(text);
        }
    }
}

/// How often a command says that it goes on, where nothing moves.
pub(crate) fn reminder(speed: f64) -> Duration {
    let reminder = Duration::try_from_secs_f64(REMINDER.as_secs_f64() / speed);
    reminder.unwrap_or(REMINDER)
}

/// Where a generation stands, and how long its like take.
pub(crate) struct Course {
    state: String,
    /// Whether the service has told it.
    is_told: bool,
    began: Instant,
    expected: Option<RangeInclusive<Duration>>,
    /// When it ends, by what is known of its like.
    ends: Option<Instant>,
}

impl Course {
    pub(crate) fn new(state: &str) -> Self {
        Self {
            state: state.to_owned(),
            is_told: false,
            began: Instant::now(),
            expected: None,
            ends: None,
        }
    }

    pub(crate) fn progress(&mut self, progress: &Progress) {
        let (now, times) = (Instant::now(), &progress.times);
        self.state = progress.to_string();
        self.is_told = true;
        self.expected = times.expected.clone();
        // The expected time counts from the create, which may lie long before this command.
        self.began = now.checked_sub(times.age).unwrap_or(self.began);
        self.ends = times.remaining.and_then(|rest| now.checked_add(rest));
    }

    pub(crate) fn said(&self) -> String {
        let age = self.began.elapsed();
        if !self.is_told {
            return match age >= Duration::from_secs(1) {
                true => format!("{}, {}", self.state, shown(age)),
                false => self.state.clone(),
            };
        }
        let left = self
            .ends
            .map(|ends| ends.saturating_duration_since(Instant::now()));
        said(&self.state, age, self.expected.as_ref(), left)
    }

    /// How much of the expected time is over: never all of it, however long it takes.
    fn done(&self) -> Option<f64> {
        let end = self.expected.as_ref()?.end().as_secs_f64();
        (end > 0.0).then(|| (self.began.elapsed().as_secs_f64() / end).min(0.99))
    }
}

fn said(
    state: &str,
    age: Duration,
    expected: Option<&RangeInclusive<Duration>>,
    left: Option<Duration>,
) -> String {
    let said = format!("{state} {}", shown(age));
    let Some(expected) = expected else {
        return match left.filter(|left| !left.is_zero()) {
            Some(left) => format!("{said}, about {} left", shown(left)),
            None => said,
        };
    };
    let (least, most) = (shown(*expected.start()), shown(*expected.end()));
    let usual = match least == most {
        true => format!("about {most}"),
        false => format!("{least} to {most}"),
    };
    match age > *expected.end() {
        true => format!("{said}, longer than the usual {usual}"),
        false => format!("{said}, usually {usual}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_state_is_told_with_its_time_and_the_usual_one() {
        let (range, about) = (seconds(300)..=seconds(360), seconds(90)..=seconds(90));
        let told = |age, expected, left| said("generating", seconds(age), expected, left);
        assert_eq!(
            told(80, Some(&range), Some(seconds(1))),
            "generating 1m 20s, usually 5m to 6m"
        );
        assert_eq!(
            told(80, Some(&about), None),
            "generating 1m 20s, usually about 1m 30s"
        );
        assert_eq!(
            told(430, Some(&range), None),
            "generating 7m 10s, longer than the usual 5m to 6m"
        );
        assert_eq!(told(80, None, None), "generating 1m 20s");
        assert_eq!(
            told(80, None, Some(seconds(30))),
            "generating 1m 20s, about 30s left"
        );
        assert_eq!(told(80, None, Some(seconds(0))), "generating 1m 20s");
    }

    #[test]
    fn reminders_are_as_rare_as_the_waits_speed_makes_them() {
        assert_eq!(reminder(1.0), seconds(60));
        assert_eq!(reminder(60.0), seconds(1));
        assert_eq!(reminder(f64::MIN_POSITIVE), seconds(60));
    }
}
