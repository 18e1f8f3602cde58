//! `jobs`: a list, once or until all jobs have ended.

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, IsTerminal},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aimlapi_video_worker::{
    job::JobState,
    temporal::jobs::{JobSummary, Jobs},
};
use serde::Serialize;

use super::{
    args::List,
    connection::connect,
    failure::{AMBIGUOUS, FAILED, Failure, LOST, USAGE},
    output::{note, print, table},
    queue::Queue,
};

/// `jobs`
pub(crate) async fn run(queue: &Queue, list: &List) -> Result<ExitCode, Failure> {
    let jobs = Jobs::new(connect(queue).await?, queue.queues.clone());
    match list.watch {
        true => watch(&jobs, list).await,
        false => {
            show(&read(&jobs, list).await?, list);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A job in the list.
#[derive(Debug, Serialize)]
struct Row {
    job: String,
    state: String,
    model: Option<String>,
    /// The time of the submit in RFC 3339.
    submitted: Option<String>,
    #[serde(skip)]
    age: String,
    /// The exit code of a job that has ended or waits for a person.
    #[serde(skip)]
    code: Option<u8>,
}

impl From<JobSummary> for Row {
    fn from(job: JobSummary) -> Self {
        let is_over = exit_code(job.state).is_some();
        let is_aborted = job.is_aborted && !is_over;
        Self {
            job: job.key,
            state: match is_aborted {
                true => "aborted".into(),
                false => name(job.state),
            },
            model: job.model,
            submitted: job
                .submitted
                .map(|time| humantime::format_rfc3339_seconds(time).to_string()),
            age: job.submitted.map(age).unwrap_or_default(),
            code: match is_aborted {
                true => Some(FAILED),
                false => exit_code(job.state),
            },
        }
    }
}

async fn read(jobs: &Jobs, list: &List) -> Result<Vec<Row>, Failure> {
    let found = jobs.list(list.state, list.limit).await?;
    Ok(found.into_iter().map(Row::from).collect())
}

fn show(found: &[Row], list: &List) {
    if list.json {
        found.iter().for_each(print_json);
    } else if found.is_empty() {
        print("no jobs");
    } else {
        print(format!("{}\n{}", rows(found), counts(found)));
    }
    if found.len() == list.limit {
        note(format!(
            "note: these are the newest {0}; --limit shows more",
            list.limit
        ));
    }
}

/// Prints every change until no job is running.
async fn watch(jobs: &Jobs, list: &List) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdout().is_terminal();
    let mut last: Option<Vec<Row>> = None;
    let mut over = 0;
    loop {
        let found = read(jobs, list).await?;
        if list.json {
            let known: HashSet<_> = last
                .iter()
                .flatten()
                .map(|row| (&row.job, &row.state))
                .collect();
            let is_new = |row: &&Row| !known.contains(&(&row.job, &row.state));
            found.iter().filter(is_new).for_each(print_json);
        } else if is_terminal {
            // Clears the screen. If the table is longer than the screen is high, its end stays visible.
            print!("\x1b[H\x1b[2J");
            show(&found, list);
        } else if last.as_deref().map(counts) != Some(counts(&found)) {
            print(counts(&found));
        }
        let is_over = found.iter().all(|row| row.code.is_some());
        over = if is_over { over + 1 } else { 0 };
        if over == ENDED {
            return Ok(worst(&found).into());
        }
        last = Some(found);
        tokio::time::sleep(INTERVAL).await;
    }
}

fn exit_code(state: JobState) -> Option<u8> {
    match state {
        JobState::Saved => Some(0),
        JobState::Refused => Some(USAGE),
        JobState::Failed => Some(FAILED),
        JobState::Ambiguous => Some(AMBIGUOUS),
        JobState::Lost => Some(LOST),
        _ => None,
    }
}

fn worst(found: &[Row]) -> u8 {
    let order = [AMBIGUOUS, LOST, FAILED, USAGE];
    let mut order = order.into_iter();
    let worst = order.find(|code| found.iter().any(|row| row.code == Some(*code)));
    worst.unwrap_or(0)
}

fn rows(found: &[Row]) -> String {
    let row = |row: &Row| {
        let model = row.model.clone().unwrap_or_default();
        [row.job.clone(), row.state.clone(), model, row.age.clone()]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["JOB", "STATE", "MODEL", "SUBMITTED"], &rows)
}

/// The number of jobs in each state.
fn counts(found: &[Row]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in found {
        *counts.entry(&row.state).or_default() += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(state, count)| format!(", {state} {count}"));
    format!("jobs {}{}", found.len(), counts.collect::<String>())
}

fn print_json(row: &Row) {
    print(serde_json::to_string(row).unwrap_or_default());
}

/// The name of a state, as `--state` takes it.
pub(crate) fn name(state: JobState) -> String {
    let name = serde_json::to_value(state).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// The time since `time`, in its two largest units.
fn age(time: SystemTime) -> String {
    let seconds = time.elapsed().unwrap_or_default().as_secs();
    let unit = match seconds {
        0..3600 => 1,
        3600..86_400 => 60,
        _ => 3600,
    };
    let age = Duration::from_secs(seconds / unit * unit);
    format!("{} ago", humantime::format_duration(age))
}

/// How many lists without a running job end `--watch`. The engine lists a new job with a delay.
const ENDED: usize = 4;

/// The time between two lists of `--watch`.
const INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn row(job: &str, state: JobState) -> Row {
        Row {
            job: job.into(),
            state: name(state),
            model: Some("m/x".into()),
            submitted: None,
            age: age(SystemTime::now() - Duration::from_secs(7322)),
            code: exit_code(state),
        }
    }

    #[test]
    fn list_has_a_row_for_each_job_and_the_count_of_each_state() {
        let states = [JobState::Saved, JobState::Ambiguous, JobState::Saved];
        let found: Vec<Row> = ["kites-1", "b", "c"]
            .into_iter()
            .zip(states)
            .map(|(job, state)| row(job, state))
            .collect();
        let expected = "\
JOB      STATE      MODEL  SUBMITTED
kites-1  saved      m/x    2h 2m ago
b        ambiguous  m/x    2h 2m ago
c        saved      m/x    2h 2m ago";
        assert_eq!(rows(&found), expected);
        assert_eq!(counts(&found), "jobs 3, ambiguous 1, saved 2");
    }

    #[test]
    fn worst_state_decides_the_exit_code() {
        use JobState::{Ambiguous, Failed, Lost, Refused, Saved};

        for (states, code) in [
            (&[][..], 0),
            (&[Saved], 0),
            (&[Saved, Refused], 2),
            (&[Refused, Failed], 3),
            (&[Lost, Failed], 7),
            (&[Saved, Lost, Ambiguous], 6),
        ] {
            let found: Vec<Row> = states.iter().map(|state| row("a", *state)).collect();
            assert_eq!(worst(&found), code, "{states:?}");
        }
    }
}
