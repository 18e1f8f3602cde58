//! What a person sees on the way: a bar on a terminal, plain lines elsewhere; all of it on standard error.

use std::{
    io::{IsTerminal, stderr},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use aimlapi_video::{Hiccup, Progress, Received};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

pub(crate) struct Report {
    bar: Option<ProgressBar>,
    started: Instant,
    state: String,
    expected: Option<RangeInclusive<Duration>>,
    /// The video that is on its way.
    downloading: Option<usize>,
}

impl Report {
    pub(crate) fn start(first: &str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let mut report = Self {
            bar,
            started: Instant::now(),
            state: String::new(),
            expected: None,
            downloading: None,
        };
        report.state(first.to_owned());
        report
    }

    pub(crate) fn progress(&mut self, progress: &Progress) {
        self.expected = progress.times.expected.clone();
        // The expected time counts from the create, which may lie long before this command.
        self.started = Instant::now()
            .checked_sub(progress.times.age)
            .unwrap_or(self.started);
        if let (Some(bar), Some(expected)) = (&self.bar, &self.expected) {
            bar.set_style(style("{spinner} {msg} [{wide_bar}]"));
            bar.set_length(millis(*expected.end()));
        }
        self.state(progress.to_string());
    }

    pub(crate) fn hiccup(&mut self, hiccup: &Hiccup) {
        self.note(&format!(
            "a poll failed, trying on: {}",
            crate::failure::line(&hiccup.error)
        ));
    }

    /// Draws the time anew; a terminal shows it running.
    pub(crate) fn tick(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.message());
            if let Some(expected) = &self.expected {
                // Full only when the video is there, however long that takes.
                bar.set_position(
                    millis(self.started.elapsed()).min(millis(*expected.end()) / 100 * 99),
                );
            }
        }
    }

    pub(crate) fn received(&mut self, received: Received) {
        let Some(bar) = &self.bar else { return };
        if self.downloading != Some(received.index) {
            self.downloading = Some(received.index);
            bar.set_length(received.total.unwrap_or_default());
            bar.set_style(style(match received.total {
                Some(_) => "{msg} [{wide_bar}] {bytes} of {total_bytes}, {bytes_per_sec}",
                None => "{spinner} {msg} {bytes}, {bytes_per_sec}",
            }));
            bar.set_message(format!("downloading video {}", received.index + 1));
        }
        bar.set_position(received.bytes);
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(line)),
            None => note(line),
        }
    }

    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn state(&mut self, state: String) {
        self.state = state;
        match &self.bar {
            Some(_) => self.tick(),
            None => note(self.message()),
        }
    }

    fn message(&self) -> String {
        let elapsed = shown(self.started.elapsed());
        match self
            .expected
            .as_ref()
            .map(|range| (shown(*range.start()), shown(*range.end())))
        {
            Some((least, most)) if least == most => {
                format!("{}, {elapsed} of about {most}", self.state)
            }
            Some((least, most)) => format!("{}, {elapsed} of {least} to {most}", self.state),
            None => format!("{}, {elapsed}", self.state),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A time for people: tenths of a second while it is short.
fn shown(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
