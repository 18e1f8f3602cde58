//! Lines at the bottom of a terminal that change in place, drawn by indicatif.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use console::{Term, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::row::{Glyphs, Row, lay_out};
use crate::{
    output::print_note,
    style::{self, Line},
};

/// Rows on standard error; hidden where that is not a terminal, or a dumb one.
pub(super) struct Screen {
    bar: ProgressBar,
    glyphs: Glyphs,
    /// The lines of the last drawing, and the columns that each of them filled.
    drawn: Cell<(usize, usize)>,
}

static IS_DISABLED: AtomicBool = AtomicBool::new(false);

/// Draws nothing from here on, so that other lines on standard error stay in one piece.
pub(crate) fn disable_drawing() {
    IS_DISABLED.store(true, Ordering::Relaxed);
}

impl Screen {
    pub(super) fn new() -> Self {
        let target = match IS_DISABLED.load(Ordering::Relaxed) {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        Self {
            bar: ProgressBar::with_draw_target(None, target),
            glyphs: Glyphs::of_stderr(),
            drawn: Cell::default(),
        }
    }

    /// Whether lines can be drawn.
    pub(super) fn is_live(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// How many lines fit. The row above them stays for the last line that was printed.
    pub(super) fn rows(&self) -> usize {
        self.size().0.saturating_sub(1).max(1)
    }

    /// Draws `rows` in place of the rows before.
    pub(super) fn show(&self, rows: &[Row]) {
        let (_, columns) = self.size();
        self.clear_wrapped(columns);
        self.drawn.set((rows.len(), columns));
        let is_coloured = style::is_on_stderr();
        let lines = lay_out(rows, columns, self.glyphs);
        let cut = lines.iter().map(|line| {
            let text = if is_coloured {
                line.styled()
            } else {
                line.text()
            };
            truncate_str(&text, columns, "...").into_owned()
        });
        let text = cut.collect::<Vec<_>>().join("\n");
        let style = ProgressStyle::with_template("{text}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key(
                "text",
                move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = out.write_str(&text);
                },
            );
        self.bar.set_style(style);
        self.bar.tick();
    }

    /// Prints a line above the drawn ones.
    pub(super) fn print(&self, line: impl Into<Line>) {
        self.suspend(|| print_note(line));
    }

    /// Removes the drawn lines while `write` writes to either stream.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Removes the drawn lines for good.
    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }

    /// Clears the rows that the last drawing has wrapped into because the terminal has become narrower. indicatif pads its
    /// lines to all columns and clears one row for each.
    fn clear_wrapped(&self, columns: usize) {
        let (lines, drawn_columns) = self.drawn.get();
        if drawn_columns > columns {
            let wrapped = lines * (drawn_columns.div_ceil(columns) - 1);
            let _ = self
                .bar
                .suspend(|| Term::stderr().clear_last_lines(wrapped));
        }
    }

    fn size(&self) -> (usize, usize) {
        let (rows, columns) = Term::stderr().size();
        (rows.into(), columns.into())
    }
}
