//! What a person sees of many jobs: a line each and a total; on a terminal they stand still, elsewhere they go by.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::note;

pub(crate) struct Board {
    bars: Option<MultiProgress>,
    total: Option<ProgressBar>,
    lines: BTreeMap<usize, ProgressBar>,
    jobs: usize,
    done: usize,
    failed: usize,
}

impl Board {
    pub(crate) fn start(jobs: usize) -> Self {
        let bars = stderr().is_terminal().then(MultiProgress::new);
        let total = bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template("[{wide_bar}] {msg}, {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars.add(ProgressBar::new(jobs as u64).with_style(style));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let mut board = Self {
            bars,
            total,
            lines: BTreeMap::new(),
            jobs,
            done: 0,
            failed: 0,
        };
        board.count();
        board
    }

    /// What job `line` is at.
    pub(crate) fn at(&mut self, line: usize, what: &str) {
        let Some(bars) = &self.bars else {
            return note(format!("line {line}: {what}"));
        };
        let bar = self.lines.entry(line).or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style);
            let bar = bars.insert_from_back(1, bar.with_prefix(format!("line {line}:")));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        bar.set_message(what.to_owned());
    }

    /// Job `line` has ended; `said` stays to be read.
    pub(crate) fn end(&mut self, line: usize, well: bool, said: &str) {
        if let (Some(bars), Some(bar)) = (&self.bars, self.lines.remove(&line)) {
            bar.finish_and_clear();
            bars.remove(&bar);
        }
        self.note(&format!("line {line}: {said}"));
        if well {
            self.done += 1;
        } else {
            self.failed += 1;
        }
        self.count();
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| note(line)),
            None => note(line),
        }
    }

    /// Writes to standard output without tearing the lines apart.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    /// Takes everything that moves away, and tells the total.
    pub(crate) fn close(&mut self) {
        for (_, bar) in std::mem::take(&mut self.lines) {
            bar.finish_and_clear();
        }
        if let Some(total) = self.total.take() {
            total.finish_and_clear();
        }
        note(self.total());
    }

    fn count(&mut self) {
        match &self.total {
            Some(bar) => {
                bar.set_position((self.done + self.failed) as u64);
                bar.set_message(self.total());
            }
            None if self.done + self.failed > 0 && self.done + self.failed < self.jobs => {
                note(self.total());
            }
            None => {}
        }
    }

    fn total(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} not"),
        };
        format!("{} of {} saved{failed}", self.done, self.jobs)
    }
}
