//! Rows at the bottom of a terminal that change in place.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use console::{Term, is_dumb, measure_text_width, truncate_str};

use super::row::{Glyphs, Row, lay_out};
use crate::{
    output::print_note,
    style::{self, Line},
};

/// Rows on standard error; hidden where that is not a terminal, or a dumb one.
pub(super) struct Screen {
    /// Buffered, so that a terminal never shows a part of a drawing.
    term: Option<Term>,
    glyphs: Glyphs,
    drawn: RefCell<Drawn>,
}

/// The last drawing.
#[derive(Default)]
struct Drawn {
    lines: Vec<String>,
    at: Option<Instant>,
}

static IS_DISABLED: AtomicBool = AtomicBool::new(false);

/// Draws nothing from here on, so that other lines on standard error stay in one piece.
pub(crate) fn disable_drawing() {
    IS_DISABLED.store(true, Ordering::Relaxed);
}

/// More drawings in a second are not seen.
const INTERVAL: Duration = Duration::from_millis(50);

/// The columns that stay free, for the `^C` that a terminal writes at the cursor.
const MARGIN: usize = 2;

impl Screen {
    pub(super) fn new() -> Self {
        let term = Term::buffered_stderr();
        let is_live = term.is_term() && !is_dumb() && !IS_DISABLED.load(Ordering::Relaxed);
        Self {
            term: is_live.then_some(term),
            glyphs: Glyphs::of_stderr(),
            drawn: RefCell::default(),
        }
    }

    /// Whether rows can be drawn.
    pub(super) fn is_live(&self) -> bool {
        self.term.is_some()
    }

    /// How many rows fit. The one above them stays for the last line that was printed.
    pub(super) fn rows(&self) -> usize {
        self.size().0.saturating_sub(1).max(1)
    }

    /// Draws `rows` in place of the rows before.
    pub(super) fn show(&self, rows: &[Row]) {
        let is_early = |at: Instant| at.elapsed() < INTERVAL;
        if self.drawn.borrow().at.is_some_and(is_early) {
            return;
        }
        let columns = self.size().1.saturating_sub(MARGIN).max(1);
        let is_coloured = style::is_on_stderr();
        let lines = lay_out(rows, columns, self.glyphs);
        let cut = lines.iter().map(|line| {
            let text = match is_coloured {
                true => line.styled(),
                false => line.text(),
            };
            truncate_str(&text, columns, "...").into_owned()
        });
        let lines = cut.collect();
        self.erase();
        self.draw(lines);
        self.drawn.borrow_mut().at = Some(Instant::now());
    }

    /// Prints a line above the drawn rows.
    pub(super) fn print(&self, line: impl Into<Line>) {
        self.suspend(|| print_note(line));
    }

    /// Removes the drawn rows while `write` writes to either stream.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let lines = self.erase();
        self.flush();
        let written = write();
        self.draw(lines);
        written
    }

    /// Removes the drawn rows for good.
    pub(super) fn close(&self) {
        self.erase();
        self.flush();
    }

    fn draw(&self, lines: Vec<String>) {
        if let Some(term) = &self.term {
            let _ = term.write_str(&lines.join("\n"));
        }
        self.flush();
        self.drawn.borrow_mut().lines = lines;
    }

    /// Removes the drawn rows and returns them. A terminal that has become narrower has wrapped them.
    fn erase(&self) -> Vec<String> {
        let lines = std::mem::take(&mut self.drawn.borrow_mut().lines);
        if let Some(term) = self.term.as_ref().filter(|_| !lines.is_empty()) {
            let columns = self.size().1.max(1);
            let height = |line: &String| measure_text_width(line).div_ceil(columns).max(1);
            let height: usize = lines.iter().map(height).sum();
            let _ = term.move_cursor_up(height - 1);
            let _ = term.write_str("\r");
            let _ = term.clear_to_end_of_screen();
        }
        lines
    }

    fn flush(&self) {
        let _ = self.term.as_ref().map(Term::flush);
    }

    fn size(&self) -> (usize, usize) {
        let (rows, columns) = Term::stderr().size();
        (rows.into(), columns.into())
    }
}
