//! Lines at the bottom of a terminal that change in place, drawn by indicatif.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use console::{Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::{print_note, printable};

/// Text and a bar on standard error; hidden where that is not a terminal, or a dumb one.
pub(super) struct Screen {
    bar: ProgressBar,
    /// The lines of the last drawing, and the columns that each of them filled.
    drawn: Cell<(usize, usize)>,
}

static IS_DISABLED: AtomicBool = AtomicBool::new(false);

/// Draws nothing from here on, so that other lines on standard error stay in one piece.
pub(crate) fn disable_drawing() {
    IS_DISABLED.store(true, Ordering::Relaxed);
}

/// The length of the bar; indicatif counts in integers.
const BAR_STEPS: f64 = 1000.0;

/// A narrower bar shows too little.
const MIN_BAR_COLUMNS: usize = 8;

impl Screen {
    pub(super) fn new() -> Self {
        let target = match IS_DISABLED.load(Ordering::Relaxed) {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(BAR_STEPS as u64), target);
        Self {
            bar,
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

    /// Draws `lines` in place of the lines before, each cut to one row. A bar of `done`, 0 to 1, follows the last line where
    /// there is room.
    pub(super) fn show(&self, lines: &[String], done: Option<f64>) {
        let (_, columns) = self.size();
        self.clear_wrapped(columns);
        self.drawn.set((lines.len(), columns));
        let cut: Vec<_> = lines
            .iter()
            .map(|line| truncate_str(&printable(line), columns, "...").into_owned())
            .collect();
        let text = cut.join("\n");
        let last = lines.last().map_or(0, |line| measure_text_width(line));
        let has_room = last + " []".len() + MIN_BAR_COLUMNS <= columns;
        let (template, position) = match done.filter(|_| has_room) {
            Some(done) => ("{text} [{wide_bar}]", done * BAR_STEPS),
            None => ("{text}", 0.0),
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("##-")
            .with_key(
                "text",
                move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = out.write_str(&text);
                },
            );
        self.bar.set_style(style);
        self.bar.update(|bar| bar.set_pos(position as u64));
    }

    /// Prints a line above the drawn ones.
    pub(super) fn print(&self, line: &str) {
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
        let wrapped = lines * (drawn_columns.div_ceil(columns).saturating_sub(1));
        if wrapped > 0 {
            let _ = self
                .bar
                .suspend(|| Term::stderr().clear_last_lines(wrapped));
        }
    }

    /// Rows and columns; a terminal that states none has 24 and 80.
    fn size(&self) -> (usize, usize) {
        let or = |size: u16, default| match size {
            0 => default,
            size => usize::from(size),
        };
        let (rows, columns) = Term::stderr().size_checked().unwrap_or_default();
        (or(rows, 24), or(columns, 80))
    }
}
