//! Lines at the foot of a terminal that are drawn anew where they stand. Elsewhere there are none, and notes go by.

use std::{
    env,
    io::{IsTerminal, stderr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use console::{Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

pub(crate) struct Screen {
    foot: Option<ProgressBar>,
}

/// Whether everything is to be left where it was written.
static IS_PLAIN: AtomicBool = AtomicBool::new(false);

/// From here on nothing is drawn anew: other lines come in between.
pub(crate) fn stand_still() {
    IS_PLAIN.store(true, Ordering::Relaxed);
}

impl Screen {
    pub(crate) fn start() -> Self {
        let is_dumb = env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        let is_live = stderr().is_terminal() && !is_dumb && !IS_PLAIN.load(Ordering::Relaxed);
        let foot = is_live.then(|| {
            let style = ProgressStyle::with_template("{msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner().with_style(style)
        });
        Self { foot }
    }

    /// Whether lines can be drawn anew.
    pub(crate) fn is_live(&self) -> bool {
        self.foot.is_some()
    }

    /// Rows and columns that may be drawn on.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (rows, columns) = Term::stderr().size_checked().unwrap_or((24, 80));
        // In the last column some terminals begin a new line.
        let least = |size: u16, default| match size {
            0 => default,
            size => usize::from(size).saturating_sub(1).max(1),
        };
        (least(rows, 23), least(columns, 79))
    }

    /// Draws these lines in place of those before; what is too wide is cut.
    pub(crate) fn show(&self, lines: &[String]) {
        let Some(foot) = &self.foot else { return };
        let (_, columns) = self.size();
        let cut = |line: &String| truncate_str(line, columns, "...").into_owned();
        let lines: Vec<String> = lines.iter().map(cut).collect();
        foot.set_message(lines.join("\n"));
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        self.suspend(|| note(line));
    }

    /// Writes something that stays, on whichever stream.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.foot {
            Some(foot) => foot.suspend(write),
            None => write(),
        }
    }

    /// Takes away what is drawn; from here on, notes go by.
    pub(crate) fn end(&mut self) {
        if let Some(foot) = self.foot.take() {
            foot.finish_and_clear();
        }
    }
}

/// The text, and behind it a bar that shows how much is done (0 to 1), where there is room for one.
pub(crate) fn with_bar(text: &str, done: Option<f64>, columns: usize) -> String {
    // Between brackets, and a blank before them.
    let room = columns.saturating_sub(measure_text_width(text) + 3);
    let (Some(done), true) = (done, room >= 8) else {
        return text.to_owned();
    };
    let width = room.min(40);
    let full = (done.clamp(0.0, 1.0) * width as f64) as usize;
    let (full, rest) = ("#".repeat(full), "-".repeat(width - full));
    format!("{text} [{full}{rest}]")
}

/// A time for people: tenths of a second while it is short.
pub(crate) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_takes_what_room_there_is_and_none_where_there_is_little() {
        assert_eq!(with_bar("half", Some(0.5), 17), "half [#####-----]");
        assert_eq!(with_bar("half", Some(0.5), 14), "half");
        assert_eq!(with_bar("half", None, 80), "half");
        for (done, columns) in [(0.0, 80), (7.0, 60), (f64::NAN, 60), (0.3, 0)] {
            let line = with_bar("a text", Some(done), columns);
            assert!(line.len() <= columns.max(6), "{line}");
        }
    }

    #[test]
    fn times_are_short() {
        assert_eq!(shown(Duration::from_millis(1234)), "1.2s");
        assert_eq!(shown(Duration::from_millis(80_999)), "1m 20s");
    }
}
