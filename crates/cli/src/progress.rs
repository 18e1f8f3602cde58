//! Progress on standard error. A terminal shows lines that change in place; redirected output gets a plain line for each
//! change, and one at an interval while nothing changes.

mod batch;
mod download;
mod outage;
mod row;
mod screen;
mod wait;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

pub(crate) use batch::BatchProgress;
pub(crate) use download::DownloadProgress;
pub(crate) use screen::disable_drawing;
pub(crate) use wait::WaitProgress;

use crate::{
    args::Ending,
    output::{Bell, print_note},
    style::Line,
};

/// Begins a command that waits; its end is that of the returned value.
pub(crate) fn begin(json: bool, ending: &Ending) -> Bell {
    // Another program reads the output, and may read standard error with it.
    if json {
        disable_drawing();
    }
    Bell(ending.bell)
}

static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// Shows no progress from here on.
pub(crate) fn silence() {
    IS_SILENT.store(true, Ordering::Relaxed);
    disable_drawing();
}

/// Prints a plain line of progress.
fn print(line: Line) {
    if !IS_SILENT.load(Ordering::Relaxed) {
        print_note(line);
    }
}

/// How often a plain line says that a wait at speed 1 goes on.
const REMINDER: Duration = Duration::from_secs(60);

/// The interval between plain lines while nothing changes, for a service whose time runs `speed` times faster.
fn reminder_interval(speed: f64) -> Duration {
    Duration::try_from_secs_f64(REMINDER.as_secs_f64() / speed).unwrap_or(REMINDER)
}

/// How long no poll may have failed before the failures before count as over.
fn quiet_interval(speed: f64) -> Duration {
    reminder_interval(speed) / 6
}

/// A duration in words: tenths of a second below ten seconds, else whole seconds.
fn duration_text(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{:.1}s", duration.as_secs_f64())
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_below_ten_seconds_have_tenths() {
        assert_eq!(duration_text(Duration::from_millis(1234)), "1.2s");
        assert_eq!(duration_text(Duration::from_millis(80_999)), "1m 20s");
    }

    #[test]
    fn reminder_interval_is_divided_by_the_speed() {
        assert_eq!(reminder_interval(1.0), REMINDER);
        assert_eq!(reminder_interval(60.0), Duration::from_secs(1));
        assert_eq!(reminder_interval(f64::MIN_POSITIVE), REMINDER);
    }
}
