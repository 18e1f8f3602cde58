//! The requests of a batch file, and what is to be right before any is paid for.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use aimlapi_video::{Client, GenerationHandle, GenerationRequest, Journal, Route};
use serde_json::{Map, Value};

use super::out::Out;
use crate::{
    args::Batch,
    failure::{Failure, line},
    lines::Lines,
    output::note,
    text::json_error,
};

/// The requests of a batch file.
pub(super) struct Requests {
    /// The line of each, counted from 1, in rising order.
    pub(super) lines: Vec<usize>,
    pub(super) requests: Vec<GenerationRequest>,
}

impl Requests {
    /// Reads all of them before anything is paid for; every line that is no request is told.
    pub(super) fn read(batch: &Batch) -> Result<Self, Failure> {
        let file = batch.file.display().to_string();
        let source = File::open(&batch.file).map_err(|error| {
            Failure::usage(format!(
                "{file} cannot be read: {error}; give a file with one request a line"
            ))
        })?;
        let lines = Lines::new(BufReader::new(source), &file).and_then(Iterator::collect);
        let lines: Vec<(usize, String)> =
            lines.map_err(|what| Failure::usage(format!("nothing was created: {what}")))?;
        if lines.is_empty() {
            return Err(Failure::usage(format!(
                "{file} holds no request; write one a line, as JSON"
            )));
        }
        let route = match batch.legacy {
            true => Route::LegacyKling,
            false => Route::Universal,
        };
        Ok(Self {
            requests: each(&file, &lines, route)?,
            lines: lines.into_iter().map(|(line, _)| line).collect(),
        })
    }

    /// The indexes of lines without a request.
    pub(super) fn vacant(&self) -> BTreeSet<usize> {
        let last = self.lines.last().copied().unwrap_or(0);
        let mut vacant: BTreeSet<usize> = (0..last).collect();
        for line in &self.lines {
            vacant.remove(&(line - 1));
        }
        vacant
    }

    /// The body of each line of the file; an empty one where there is none.
    fn bodies<'a>(&'a self, none: &'a Map<String, Value>) -> Vec<&'a Map<String, Value>> {
        let last = self.lines.last().copied().unwrap_or(0);
        let mut bodies = vec![none; last];
        for (line, request) in self.lines.iter().zip(&self.requests) {
            bodies[line - 1] = request.body();
        }
        bodies
    }
}

fn each(
    file: &str,
    lines: &[(usize, String)],
    route: Route,
) -> Result<Vec<GenerationRequest>, Failure> {
    let mut requests = Vec::new();
    let mut wrong = Vec::new();
    for (number, text) in lines {
        let request = serde_json::from_str(text)
            .map_err(|error| json_error(file, *number, text, &error))
            .and_then(|body| {
                GenerationRequest::from_json(route, body)
                    .map_err(|error| format!("{file}:{number}: {}", line(&error)))
            });
        match request {
            Ok(request) => {
                for warning in request.warnings() {
                    note(format!(
                        "warning: {file}:{number}: {warning}; it is sent as it stands"
                    ));
                }
                requests.push(request);
            }
            Err(what) => wrong.push(what),
        }
    }
    if wrong.is_empty() {
        return Ok(requests);
    }
    Err(Failure::usage(format!(
        "nothing was created: {}",
        told(&wrong)
    )))
}

/// As many as anyone reads, and how many more there are.
fn told(wrong: &[String]) -> String {
    let (shown, hidden) = wrong.split_at(wrong.len().min(TOLD_MOST));
    let more = match hidden.len() {
        0 => String::new(),
        more => format!("; and {more} more lines, which `aimlapi-video validate` lists"),
    };
    shown.join("; ") + &more
}

const TOLD_MOST: usize = 10;

/// Refuses a batch that is not the journal's, and one that would write over files that are not its own.
pub(super) fn check(
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    out: &Out,
    saved: &BTreeSet<usize>,
    batch: &Batch,
) -> Result<(), Failure> {
    let differing = journal.differing(requests.bodies(&Map::new()));
    if !differing.is_empty() {
        let lines: Vec<String> = differing.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "nothing was created: {} is another batch than the one of {}; these lines differ: {}; put the old lines back, \
             since with another journal all lines are created again",
            batch.file.display(),
            path.display(),
            lines.join(", ")
        )));
    }
    let lines = requests.lines.iter().copied();
    let to_save = lines.filter(|line| !saved.contains(&(line - 1)));
    refuse_foreign(to_save, journal, out)
        .map_err(|what| Failure::usage(format!("nothing was created: {what}")))
}

/// Refuses to write over files that the jobs of these lines, whose videos are to be saved, have not written.
pub(super) fn refuse_foreign(
    lines: impl IntoIterator<Item = usize>,
    journal: &Journal,
    out: &Out,
) -> Result<(), String> {
    let entries = journal.entries();
    let mut lines = lines.into_iter();
    let foreign = lines.find_map(|line| out.foreign(line, entries.get(&line)));
    match foreign {
        Some(path) => Err(format!(
            "{} is there already, and not of this batch; move it, or name another folder by --out",
            path.display()
        )),
        None => Ok(()),
    }
}

/// Refuses a journal of another service, but for the lines that are `exempt`.
pub(super) fn check_place(
    journal: &Journal,
    path: &Path,
    client: &Client,
    remedy: &str,
    exempt: impl Fn(usize) -> bool,
) -> Result<(), Failure> {
    let mut lines = journal.elsewhere(client);
    lines.retain(|line| !exempt(*line));
    let Some(first) = lines.first() else {
        return Ok(());
    };
    let entries = journal.entries();
    let entry = &entries[first];
    let created = entry.handle().and_then(GenerationHandle::origin);
    let place = created.or(entry.origin.as_deref()).unwrap_or_default();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Err(Failure::usage(format!(
        "nothing was created: these lines of {} were created on another service ({place:?}): {}; {remedy}",
        path.display(),
        lines.join(", ")
    )))
}
