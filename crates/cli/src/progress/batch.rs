//! The progress of many jobs: on a terminal a line for each, as many as fit, and a total.

use std::{collections::BTreeMap, time::Instant};

use aimlapi_video::{GenerationHandle, PollFailed, Progress};

use super::{
    DownloadProgress, duration_text,
    outage::Outage,
    quiet_interval, reminder_interval,
    row::{Row, joined},
    screen::Screen,
    wait::WaitStatus,
};
use crate::{
    cost::Cost,
    output::print_note,
    places::Places,
    style::{Line, Meaning},
};

/// The display of `batch` and `resume`.
pub(crate) struct BatchProgress {
    screen: Screen,
    places: Places,
    /// The jobs that have begun and not ended, by number.
    jobs: BTreeMap<usize, JobStatus>,
    models: BTreeMap<usize, String>,
    total: usize,
    saved: usize,
    failed: usize,
    cost: Cost,
    /// The generations whose cost the service did not state.
    unknown_costs: usize,
    outage: Option<Outage>,
    started_at: Instant,
    /// When the last plain line was printed.
    printed_at: Instant,
    speed: f64,
}

enum JobStatus {
    Activity(String),
    Waiting(WaitStatus),
    Downloading(DownloadProgress),
}

/// More rows hide what was printed above them.
const MAX_JOBS: usize = 8;

/// The columns of the longest label in a row.
const MAX_LABEL: usize = 40;

impl BatchProgress {
    pub(crate) fn start(jobs: usize, places: Places, speed: f64) -> Self {
        let now = Instant::now();
        Self {
            screen: Screen::new(),
            places,
            jobs: BTreeMap::new(),
            models: BTreeMap::new(),
            total: jobs,
            saved: 0,
            failed: 0,
            cost: Cost::default(),
            unknown_costs: 0,
            outage: None,
            started_at: now,
            printed_at: now,
            speed,
        }
    }

    /// Where the requests are in their file.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Shows a generation without a state.
    pub(crate) fn set_generation(&mut self, number: usize, activity: &str, of: &GenerationHandle) {
        if let Some(model) = of.model() {
            self.models.insert(number, model.to_owned());
        }
        self.set_activity(number, &format!("{activity} {}", of.id()));
    }

    pub(crate) fn set_activity(&mut self, number: usize, activity: &str) {
        self.set(number, JobStatus::Activity(activity.to_owned()));
    }

    pub(crate) fn set_state(&mut self, number: usize, progress: &Progress) {
        self.answered(number);
        let mut status = WaitStatus::new("");
        status.update(progress);
        self.set(number, JobStatus::Waiting(status));
    }

    pub(crate) fn poll_failed(&mut self, number: usize, failure: &PollFailed) {
        let outage = self.outage.get_or_insert_with(Outage::new);
        if outage.add(number, failure) && !self.screen.is_live() {
            super::print(outage.first().into());
        }
    }

    /// Returns what the download of a job records its progress in.
    pub(crate) fn start_download(&mut self, number: usize) -> DownloadProgress {
        self.answered(number);
        let download = DownloadProgress::default();
        self.jobs
            .insert(number, JobStatus::Downloading(download.clone()));
        download
    }

    /// Counts a job that has ended.
    pub(crate) fn end(&mut self, number: usize, is_saved: bool, outcome: Line) {
        self.answered(number);
        self.remove(number);
        if is_saved {
            self.saved += 1;
        } else {
            self.failed += 1;
        }
        self.print_of(number, outcome);
    }

    /// Shows nothing of a job any more.
    pub(crate) fn remove(&mut self, number: usize) {
        self.jobs.remove(&number);
    }

    /// Adds the cost of a generation to the total; `None` for a request that cost nothing.
    pub(crate) fn add_cost(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.cost = self.cost.plus(cost);
            self.unknown_costs += usize::from(!cost.is_known());
        }
    }

    /// Prints a line that stays.
    pub(crate) fn print(&self, line: impl Into<Line>) {
        self.screen.print(line);
    }

    /// Prints a line about a request that stays.
    pub(crate) fn print_of(&self, number: usize, line: impl Into<Line>) {
        self.print(self.label(number).and(line.into()));
    }

    /// Removes the drawn lines while `write` writes to a stream.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.screen.suspend(write)
    }

    /// Redraws all lines, or prints the total after a while.
    pub(crate) fn tick(&mut self) {
        if (self.outage.as_ref()).is_some_and(|outage| outage.is_over(quiet_interval(self.speed))) {
            self.end_outage();
        }
        if self.screen.is_live() {
            self.screen.show(&self.rows(self.screen.rows()));
        } else if self.printed_at.elapsed() >= reminder_interval(self.speed)
            && self.saved + self.failed < self.total
        {
            self.printed_at = Instant::now();
            super::print(joined(&self.total()));
        }
    }

    /// Removes the drawn lines and prints the total.
    pub(crate) fn close(&mut self) {
        self.end_outage();
        self.screen.close();
        print_note(match self.total {
            0 => "nothing is left to do".into(),
            _ => joined(&self.total()),
        });
        if let Some(cost) = self.cost_text() {
            print_note(Line::from("cost ").with(Meaning::Money, cost));
        }
    }

    fn set(&mut self, number: usize, status: JobStatus) {
        if !self.screen.is_live() {
            self.printed_at = Instant::now();
            super::print(self.label(number).and(joined(&status.parts())));
        }
        self.jobs.insert(number, status);
    }

    /// Records that the service has responded about a job.
    fn answered(&mut self, number: usize) {
        if let Some(outage) = &mut self.outage {
            outage.remove(number);
        }
    }

    fn end_outage(&mut self) {
        if let Some(outage) = self.outage.take() {
            self.screen
                .suspend(|| super::print(outage.summary().into()));
        }
    }

    fn label(&self, number: usize) -> Line {
        Line::from(format!("{}: ", self.places.label(number)))
    }

    /// The label of a row: many settings of `--each` would leave no room for the state.
    fn short_label(&self, number: usize) -> Line {
        let label = self.label(number);
        match label.columns() > MAX_LABEL {
            true => Line::from(format!("request {number}: ")),
            false => label,
        }
    }

    /// At most `max` rows: the first jobs, the number of the others, failed polls, and the total.
    fn rows(&self, max: usize) -> Vec<Row> {
        let outage = self.outage.as_ref().filter(|_| max > 2);
        let room = max.saturating_sub(2 + usize::from(outage.is_some()));
        let room = room.min(MAX_JOBS);
        let row = |(number, status): (&usize, &JobStatus)| {
            let mut row = status.row();
            row.parts[0] = self.short_label(*number).and(row.parts[0].clone());
            // The bar and the model say more than the third part, the usual time.
            row.parts.truncate(2);
            row.note = self.models.get(number).cloned().unwrap_or_default();
            row
        };
        let mut rows: Vec<Row> = self.jobs.iter().take(room).map(row).collect();
        let hidden = self.jobs.len().saturating_sub(room);
        if hidden > 0 && max > 1 {
            let more = format!("and {hidden} more");
            rows.push(Row::new(vec![Line::new(Meaning::Secondary, more)]));
        }
        rows.extend(outage.map(|outage| Row::new(outage.parts())));
        let mut total = Row::new(self.total());
        total
            .parts
            .extend(self.cost_text().map(|cost| Line::new(Meaning::Money, cost)));
        let done = self.saved + self.failed;
        total.done = Some(done as f64 / self.total.max(1) as f64);
        rows.push(total);
        rows
    }

    fn total(&self) -> Vec<Line> {
        let saved = format!("{} of {} saved", self.saved, self.total);
        let saved = match self.saved == self.total {
            true => Line::new(Meaning::Success, saved),
            false => saved.into(),
        };
        let failed = format!("{} failed", self.failed);
        let failed = (self.failed > 0).then(|| Line::new(Meaning::Error, failed));
        let elapsed = duration_text(self.started_at.elapsed()).into();
        [Some(saved), failed, Some(elapsed)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The total cost, if the service has stated one.
    fn cost_text(&self) -> Option<String> {
        let cost = self.cost.text()?;
        Some(match self.unknown_costs {
            0 => cost,
            unknown => format!("{cost}, and unknown for {unknown}"),
        })
    }
}

impl JobStatus {
    fn parts(&self) -> Vec<Line> {
        match self {
            Self::Activity(activity) => vec![Line::from(&**activity)],
            Self::Waiting(status) => status.parts(),
            Self::Downloading(download) => download.parts(),
        }
    }

    fn row(&self) -> Row {
        let done = match self {
            Self::Activity(_) => None,
            Self::Waiting(status) => status.done(),
            Self::Downloading(download) => download.done(),
        };
        Row {
            done,
            ..Row::new(self.parts())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(progress: &BatchProgress, max: usize) -> Vec<String> {
        let rows = progress.rows(max);
        rows.iter().map(|row| joined(&row.parts).text()).collect()
    }

    #[test]
    fn rows_of_more_jobs_than_fit_are_the_first_jobs_and_the_total() {
        let mut progress = BatchProgress::start(300, Places::by_line("item"), 1.0);
        for line in 1..=256 {
            let status = JobStatus::Activity("waits".into());
            progress.jobs.insert(line, status);
        }
        let rows = texts(&progress, 7);
        assert_eq!(rows.len(), 7);
        assert_eq!(rows[4..6], ["item 5: waits", "and 251 more"]);
        assert!(rows[6].starts_with("0 of 300 saved, 0.0s"), "{rows:?}");
        assert_eq!(texts(&progress, 100).len(), MAX_JOBS + 2);
        progress.end(1, true, "saved".into());
        progress.end(2, false, "failed".into());
        assert_eq!(texts(&progress, 2).len(), 2);
        let [total] = &texts(&progress, 1)[..] else {
            panic!("one line");
        };
        assert!(total.starts_with("1 of 300 saved, 1 failed, "), "{total}");
    }
}
