//! What a person sees of many jobs: on a terminal a line each, as many as fit, and a total; elsewhere a line for each change,
//! and the total now and then.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aimlapi_video::Progress;

use crate::{
    meter::Meter,
    output::note,
    report::{Course, reminder},
    screen::{Screen, shown, with_bar},
};

pub(crate) struct Board {
    screen: Screen,
    lines: BTreeMap<usize, Doing>,
    jobs: usize,
    saved: usize,
    failed: usize,
    began: Instant,
    /// When something was last said.
    last: Instant,
    reminder: Duration,
    /// When a poll that failed was last told of.
    poll_failed: Option<Instant>,
}

/// What a job is at.
enum Doing {
    Said(String),
    Waits(Course),
    Downloads(Meter),
}

impl Board {
    pub(crate) fn start(jobs: usize, speed: f64) -> Self {
        let now = Instant::now();
        Self {
            screen: Screen::start(),
            lines: BTreeMap::new(),
            jobs,
            saved: 0,
            failed: 0,
            began: now,
            last: now,
            reminder: reminder(speed),
            poll_failed: None,
        }
    }

    /// What job `line` is at.
    pub(crate) fn at(&mut self, line: usize, what: &str) {
        self.changed(line, what);
        self.lines.insert(line, Doing::Said(what.to_owned()));
    }

    /// The state of job `line` is another one.
    pub(crate) fn progress(&mut self, line: usize, progress: &Progress) {
        let mut course = Course::new("");
        course.progress(progress);
        self.changed(line, &course.said());
        self.lines.insert(line, Doing::Waits(course));
    }

    /// A poll of job `line` failed. When the service is away all of them fail, and one line now and then tells it.
    pub(crate) fn poll_failed(&mut self, line: usize, why: &str) {
        let pause = self.reminder / 6;
        if self.poll_failed.is_none_or(|last| last.elapsed() >= pause) {
            self.poll_failed = Some(Instant::now());
            self.note(&format!("line {line}: a poll failed, trying on: {why}"));
        }
    }

    /// Job `line` is being downloaded; what is returned is to be told how far that is.
    pub(crate) fn downloads(&mut self, line: usize) -> Meter {
        let meter = Meter::default();
        self.lines.insert(line, Doing::Downloads(meter.clone()));
        meter
    }

    /// Job `line` has ended; `said` stays to be read.
    pub(crate) fn end(&mut self, line: usize, well: bool, said: &str) {
        self.lines.remove(&line);
        if well {
            self.saved += 1;
        } else {
            self.failed += 1;
        }
        self.note(&format!("line {line}: {said}"));
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        self.screen.note(line);
    }

    /// Writes to standard output without tearing the lines apart.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.screen.suspend(write)
    }

    /// Draws everything anew, or says the total after a while.
    pub(crate) fn tick(&mut self) {
        if self.screen.is_live() {
            let (rows, columns) = self.screen.size();
            let lines = self.drawn(rows, columns);
            self.screen.show(&lines);
        } else if self.last.elapsed() >= self.reminder && self.saved + self.failed < self.jobs {
            self.last = Instant::now();
            note(self.total());
        }
    }

    /// Takes away what moves, and tells the total.
    pub(crate) fn close(&mut self) {
        self.screen.end();
        note(match self.jobs {
            0 => "nothing is left to do".into(),
            _ => self.total(),
        });
    }

    fn changed(&mut self, line: usize, what: &str) {
        if !self.screen.is_live() {
            self.last = Instant::now();
            note(format!("line {line}: {what}"));
        }
    }

    /// The jobs that fit, how many do not, and the total.
    fn drawn(&self, rows: usize, columns: usize) -> Vec<String> {
        // One row for the total, one for how many are not shown.
        let room = rows.saturating_sub(2);
        let mut lines: Vec<String> = self
            .lines
            .iter()
            .take(room)
            .map(|(line, doing)| format!("line {line}: {}", doing.said()))
            .collect();
        let hidden = self.lines.len().saturating_sub(room);
        if hidden > 0 {
            lines.push(format!("and {hidden} more"));
        }
        let done = (self.saved + self.failed) as f64 / self.jobs.max(1) as f64;
        lines.push(with_bar(&self.total(), Some(done), columns));
        lines
    }

    fn total(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} not"),
        };
        let took = shown(self.began.elapsed());
        format!("{} of {} saved{failed}, {took}", self.saved, self.jobs)
    }
}

impl Doing {
    fn said(&self) -> String {
        match self {
            Self::Said(what) => what.clone(),
            Self::Waits(course) => course.said(),
            Self::Downloads(meter) => meter.said(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_jobs_as_many_are_drawn_as_fit_and_the_total_always() {
        let mut board = Board::start(300, 1.0);
        for line in 1..=256 {
            board.lines.insert(line, Doing::Said("waits".into()));
        }
        let lines = board.drawn(9, 79);
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[6..8], ["line 7: waits", "and 249 more"]);
        assert!(lines[8].starts_with("0 of 300 saved, 0.0s ["), "{lines:?}");
        board.end(1, true, "saved");
        board.end(2, false, "failed");
        assert_eq!(board.drawn(0, 10).len(), 2);
        assert!(board.total().starts_with("1 of 300 saved, 1 not, "));
    }
}
