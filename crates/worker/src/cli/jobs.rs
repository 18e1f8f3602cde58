//! `jobs`: a list, once or until all jobs have ended.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use aimlapi_video_worker::{
    job::JobState,
    temporal::jobs::{JobSummary, Jobs},
};
use serde_json::{Value, json};

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

async fn read(jobs: &Jobs, list: &List) -> Result<Vec<JobSummary>, Failure> {
    Ok(jobs.list(list.state, list.limit).await?)
}

fn show(found: &[JobSummary], list: &List) {
    if list.json {
        for job in found {
            print(to_json(job).to_string());
        }
    } else if found.is_empty() {
        print("no jobs");
    } else {
        print(format!("{}\n{}", rows(found), counts(found)));
    }
    if found.len() == list.limit {
        note(format!("note: these are the newest {0}; --limit shows more", list.limit));
    }
}

/// Prints every change until no job is running.
async fn watch(jobs: &Jobs, list: &List) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdout().is_terminal();
    let mut printed: BTreeMap<String, Option<JobState>> = BTreeMap::new();
    let mut last = String::new();
    loop {
        let found = read(jobs, list).await?;
        let text = counts(&found);
        if list.json {
            for job in &found {
                if printed.insert(job.key.clone(), job.state) != Some(job.state) {
                    print(to_json(job).to_string());
                }
            }
        } else if is_terminal {
            // Clears the screen; the table may be longer than the screen is high, and then its end shows.
            print!("\x1b[H\x1b[2J");
            show(&found, list);
        } else if text != last {
            print(&text);
        }
        last = text;
        if found.iter().all(|job| exit_code(job.state).is_some()) {
            return Ok(worst(&found).into());
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// The exit code of a job that has ended or waits for a person.
fn exit_code(state: Option<JobState>) -> Option<u8> {
    match state? {
        JobState::Saved => Some(0),
        JobState::Refused => Some(USAGE),
        JobState::Failed => Some(FAILED),
        JobState::Ambiguous => Some(AMBIGUOUS),
        JobState::Lost => Some(LOST),
        _ => None,
    }
}

fn worst(found: &[JobSummary]) -> u8 {
    let order = [AMBIGUOUS, LOST, FAILED, USAGE];
    let mut order = order.into_iter();
    let worst = order.find(|code| found.iter().any(|job| exit_code(job.state) == Some(*code)));
    worst.unwrap_or(0)
}

fn rows(found: &[JobSummary]) -> String {
    let row = |job: &JobSummary| {
        [
            job.key.clone(),
            name(job.state),
            job.model.clone().unwrap_or_default(),
            job.submitted.map(age).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["JOB", "STATE", "MODEL", "SUBMITTED"], &rows)
}

/// The number of jobs in each state.
fn counts(found: &[JobSummary]) -> String {
    let mut counts: BTreeMap<Option<JobState>, usize> = BTreeMap::new();
    for job in found {
        *counts.entry(job.state).or_default() += 1;
    }
    let count = |(state, count)| format!("{} {count}", name(state));
    let counts: Vec<String> = counts.into_iter().map(count).collect();
    format!("{} jobs: {}", found.len(), counts.join(", "))
}

fn to_json(job: &JobSummary) -> Value {
    json!({
        "job": job.key,
        "state": job.state,
        "model": job.model,
        "submitted": job.submitted.map(|time| humantime::format_rfc3339_seconds(time).to_string()),
    })
}

/// The name of a state, as `--state` takes it.
pub(crate) fn name(state: Option<JobState>) -> String {
    let name = serde_json::to_value(state).unwrap_or_default();
    name.as_str().unwrap_or("unknown").to_owned()
}

/// The time since `time`, in its two largest units.
fn age(time: SystemTime) -> String {
    let seconds = time.elapsed().unwrap_or_default().as_secs();
    let seconds = match seconds {
        0..3600 => seconds,
        3600..86_400 => seconds / 60 * 60,
        _ => seconds / 3600 * 3600,
    };
    format!("{} ago", humantime::format_duration(Duration::from_secs(seconds)))
}

/// The time between two lists of `--watch`.
const INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn job(key: &str, state: JobState) -> JobSummary {
        JobSummary {
            key: key.into(),
            state: Some(state),
            model: Some("m/x".into()),
            submitted: Some(SystemTime::now() - Duration::from_secs(7322)),
        }
    }

    #[test]
    fn list_has_a_row_for_each_job_and_the_count_of_each_state() {
        let found = [job("kites-1", JobState::Saved), job("b", JobState::Ambiguous), job("c", JobState::Saved)];
        let expected = "\
JOB      STATE      MODEL  SUBMITTED
kites-1  saved      m/x    2h 2m ago
b        ambiguous  m/x    2h 2m ago
c        saved      m/x    2h 2m ago";
        assert_eq!(rows(&found), expected);
        assert_eq!(counts(&found), "3 jobs: saved 2, ambiguous 1");
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
            let found: Vec<JobSummary> = states.iter().map(|state| job("a", *state)).collect();
            assert_eq!(worst(&found), code, "{states:?}");
        }
    }
}
