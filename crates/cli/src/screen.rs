//! Lines at the foot of a terminal that are drawn anew where they stand. Elsewhere there are none, and notes go by.

use std::{
    cell::RefCell,
    env,
    io::{IsTerminal, stderr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use console::{Term, measure_text_width, truncate_str};

use crate::output::note;

pub(crate) struct Screen {
    foot: Option<Foot>,
}

struct Foot {
    terminal: Term,
    /// The lines that are there. The cursor stands below them, so that a key that echoes tears none apart.
    drawn: RefCell<Vec<String>>,
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
        let foot = is_live.then(|| Foot {
            terminal: Term::buffered_stderr(),
            drawn: RefCell::default(),
        });
        Self { foot }
    }

    /// Whether lines can be drawn anew.
    pub(crate) fn is_live(&self) -> bool {
        self.foot.is_some()
    }

    /// Rows and columns that may be drawn on.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.foot.as_ref().map_or((24, 80), Foot::size);
        // The last row is the cursor's, and in the last column some terminals begin a new line.
        (rows - 1, columns - 1)
    }

    /// Draws these lines in place of those before; what is too wide is cut.
    pub(crate) fn show(&self, lines: &[String]) {
        let Some(foot) = &self.foot else { return };
        let (_, columns) = self.size();
        let cut = |line: &String| truncate_str(line, columns, "...").into_owned();
        foot.draw(lines.iter().map(cut).collect());
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        self.suspend(|| note(line));
    }

    /// Writes something that stays, on whichever stream.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let Some(foot) = &self.foot else {
            return write();
        };
        let lines = foot.draw(Vec::new());
        let written = write();
        foot.draw(lines);
        written
    }

    /// Takes away what is drawn; from here on, notes go by.
    pub(crate) fn end(&mut self) {
        if let Some(foot) = self.foot.take() {
            foot.draw(Vec::new());
        }
    }
}

impl Foot {
    /// At least two each.
    fn size(&self) -> (usize, usize) {
        let least = |size: u16, unknown| match size {
            0 => unknown,
            size => usize::from(size).max(2),
        };
        let (rows, columns) = self.terminal.size_checked().unwrap_or_default();
        (least(rows, 24), least(columns, 80))
    }

    /// Draws these lines, and gives back those before. Where nothing can be written, nothing is.
    fn draw(&self, lines: Vec<String>) -> Vec<String> {
        let before = self.drawn.replace(lines);
        // The terminal may have become narrower since, and have folded them.
        let (_, columns) = self.size();
        let rows = |line: &String| measure_text_width(line).div_ceil(columns).max(1);
        let _ = self
            .terminal
            .clear_last_lines(before.iter().map(rows).sum());
        for line in self.drawn.borrow().iter() {
            let _ = self.terminal.write_line(line);
        }
        let _ = self.terminal.flush();
        before
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
