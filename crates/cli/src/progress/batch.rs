//! The progress of many jobs: on a terminal a line for each, as many as fit, and a total.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aimlapi_video::Progress;

use super::{DownloadProgress, duration_text, reminder_interval, screen::Screen, wait::WaitStatus};
use crate::{cost::Cost, output::print_note};

/// The display of `batch` and `resume`.
pub(crate) struct BatchProgress {
    screen: Screen,
    /// The jobs that have begun and not ended, by line of the batch file.
    jobs: BTreeMap<usize, JobStatus>,
    total: usize,
    saved: usize,
    failed: usize,
    cost: Cost,
    /// The generations whose cost the service did not state.
    unknown_costs: usize,
    started_at: Instant,
    /// When the last plain line was printed.
    printed_at: Instant,
    reminder: Duration,
    /// When a failed poll was last printed.
    poll_failed_at: Option<Instant>,
}

enum JobStatus {
    Activity(String),
    Waiting(WaitStatus),
    Downloading(DownloadProgress),
}

impl BatchProgress {
    pub(crate) fn start(jobs: usize, speed: f64) -> Self {
        let now = Instant::now();
        Self {
            screen: Screen::new(),
            jobs: BTreeMap::new(),
            total: jobs,
            saved: 0,
            failed: 0,
            cost: Cost::default(),
            unknown_costs: 0,
            started_at: now,
            printed_at: now,
            reminder: reminder_interval(speed),
            poll_failed_at: None,
        }
    }

    pub(crate) fn set_activity(&mut self, line: usize, activity: &str) {
        self.set(line, JobStatus::Activity(activity.to_owned()));
    }

    pub(crate) fn set_state(&mut self, line: usize, progress: &Progress) {
        let mut status = WaitStatus::new("");
        status.update(progress);
        self.set(line, JobStatus::Waiting(status));
    }

    /// Prints a failed poll, unless one was printed lately: without a connection the polls of all jobs fail.
    pub(crate) fn poll_failed(&mut self, line: usize, why: &str) {
        let interval = self.reminder / 6;
        if self
            .poll_failed_at
            .is_none_or(|last| last.elapsed() >= interval)
        {
            self.poll_failed_at = Some(Instant::now());
            self.print(&format!("line {line}: a poll failed, retrying: {why}"));
        }
    }

    /// Returns what the download of job `line` records its progress in.
    pub(crate) fn start_download(&mut self, line: usize) -> DownloadProgress {
        let download = DownloadProgress::new();
        self.jobs
            .insert(line, JobStatus::Downloading(download.clone()));
        download
    }

    pub(crate) fn end(&mut self, line: usize, is_saved: bool, outcome: &str) {
        self.jobs.remove(&line);
        if is_saved {
            self.saved += 1;
        } else {
            self.failed += 1;
        }
        self.print(&format!("line {line}: {outcome}"));
    }

    /// Adds the cost of a generation to the total; `None` for a request that cost nothing.
    pub(crate) fn add_cost(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.cost = self.cost.plus(cost);
            self.unknown_costs += usize::from(!cost.is_known());
        }
    }

    /// Prints a line that stays.
    pub(crate) fn print(&self, line: &str) {
        self.screen.print(line);
    }

    /// Removes the drawn lines while `write` writes to standard output.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.screen.suspend(write)
    }

    /// Redraws all lines, or prints the total after a while.
    pub(crate) fn tick(&mut self) {
        let done = self.saved + self.failed;
        if self.screen.is_live() {
            let share = done as f64 / self.total.max(1) as f64;
            self.screen
                .show(&self.lines(self.screen.rows()), Some(share));
        } else if self.printed_at.elapsed() >= self.reminder && done < self.total {
            self.printed_at = Instant::now();
            print_note(self.total_text());
        }
    }

    /// Removes the drawn lines and prints the total.
    pub(crate) fn close(&self) {
        self.screen.close();
        print_note(match self.total {
            0 => "nothing is left to do".into(),
            _ => self.total_text(),
        });
        if let Some(cost) = self.cost_text() {
            print_note(cost);
        }
    }

    fn set(&mut self, line: usize, status: JobStatus) {
        if !self.screen.is_live() {
            self.printed_at = Instant::now();
            print_note(format!("line {line}: {}", status.text()));
        }
        self.jobs.insert(line, status);
    }

    /// At most `rows` lines: the first jobs, the number of the others, and the total.
    fn lines(&self, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(2);
        let mut lines: Vec<String> = self
            .jobs
            .iter()
            .take(room)
            .map(|(line, status)| format!("line {line}: {}", status.text()))
            .collect();
        let hidden = self.jobs.len().saturating_sub(room);
        if hidden > 0 && rows > 1 {
            lines.push(format!("and {hidden} more"));
        }
        lines.push(self.total_text());
        lines
    }

    fn total_text(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let elapsed = duration_text(self.started_at.elapsed());
        format!("{} of {} saved{failed}, {elapsed}", self.saved, self.total)
    }

    /// The total cost, if the service has stated one. It is a line of its own, since the total fills a narrow terminal.
    fn cost_text(&self) -> Option<String> {
        let cost = self.cost.text()?;
        Some(match self.unknown_costs {
            0 => format!("cost {cost}"),
            unknown => format!("cost {cost}, and unknown for {unknown}"),
        })
    }
}

impl JobStatus {
    fn text(&self) -> String {
        match self {
            Self::Activity(activity) => activity.clone(),
            Self::Waiting(status) => status.text(),
            Self::Downloading(download) => download.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_more_jobs_than_rows_are_the_first_jobs_and_the_total() {
        let mut progress = BatchProgress::start(300, 1.0);
        for line in 1..=256 {
            let status = JobStatus::Activity("waits".into());
            progress.jobs.insert(line, status);
        }
        let lines = progress.lines(9);
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[6..8], ["line 7: waits", "and 249 more"]);
        assert!(lines[8].starts_with("0 of 300 saved, 0.0s"), "{lines:?}");
        progress.end(1, true, "saved");
        progress.end(2, false, "failed");
        assert_eq!(progress.lines(2).len(), 2);
        let [total] = &progress.lines(1)[..] else {
            panic!("one line");
        };
        assert!(total.starts_with("1 of 300 saved, 1 failed, "), "{total}");
    }
}
