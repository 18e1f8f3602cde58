//! The requests of a batch file, and what is to be right before any is paid for.

use std::{fs, path::Path};

use aimlapi_video::{
    Client, Error, GenerationHandle, GenerationRequest, Journal, LegacyKlingRequest,
};
use serde_json::{Map, Value};

use super::out::Out;
use crate::{
    args::Batch,
    failure::{Failure, line},
    output::note,
};

/// The requests of a batch file.
pub(super) enum Requests {
    Universal(Vec<GenerationRequest>),
    LegacyKling(Vec<LegacyKlingRequest>),
}

impl Requests {
    /// Reads all of them before anything is paid for; every line that is no request is told.
    pub(super) fn read(batch: &Batch) -> Result<Self, Failure> {
        let file = batch.file.display();
        let text = fs::read_to_string(&batch.file)
            .map_err(|error| Failure::usage(format!("{file} cannot be read: {error}")))?;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        if lines.is_empty() {
            return Err(Failure::usage(format!("{file} holds no request")));
        }
        if batch.legacy {
            let read = LegacyKlingRequest::from_json;
            return each(&lines, read, LegacyKlingRequest::warnings).map(Self::LegacyKling);
        }
        each(
            &lines,
            GenerationRequest::from_json,
            GenerationRequest::warnings,
        )
        .map(Self::Universal)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Universal(requests) => requests.len(),
            Self::LegacyKling(requests) => requests.len(),
        }
    }

    fn bodies(&self) -> Vec<&Map<String, Value>> {
        match self {
            Self::Universal(requests) => requests.iter().map(GenerationRequest::body).collect(),
            Self::LegacyKling(requests) => requests.iter().map(LegacyKlingRequest::body).collect(),
        }
    }
}

fn each<T>(
    lines: &[&str],
    read: impl Fn(Value) -> Result<T, Error>,
    warnings: impl Fn(&T) -> Vec<aimlapi_video::Warning>,
) -> Result<Vec<T>, Failure> {
    let mut requests = Vec::new();
    let mut wrong = Vec::new();
    for (index, text) in lines.iter().enumerate() {
        let number = index + 1;
        let request = serde_json::from_str(text)
            .map_err(|error| format!("is no JSON: {error}"))
            .and_then(|body| read(body).map_err(|error| line(&error)));
        match request {
            Ok(request) => {
                for warning in warnings(&request) {
                    note(format!(
                        "warning: line {number}: {warning}; it is sent as it stands"
                    ));
                }
                requests.push(request);
            }
            Err(what) => wrong.push(format!("line {number}: {what}")),
        }
    }
    if wrong.is_empty() {
        return Ok(requests);
    }
    Err(Failure::usage(format!(
        "nothing was created: {}",
        wrong.join("; ")
    )))
}

/// Refuses a batch that is not the journal's, and one that would write over files that are not its own.
pub(super) fn check(
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    batch: &Batch,
) -> Result<(), Failure> {
    let differing = journal.differing(requests.bodies());
    if !differing.is_empty() {
        let lines: Vec<String> = differing.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "nothing was created: {} is another batch than the one of {}; these lines differ: {}; put the old lines back, or \
             name another journal",
            batch.file.display(),
            path.display(),
            lines.join(", ")
        )));
    }
    let entries = journal.entries();
    let out = Out(batch.out.clone());
    let has_none = |line: &usize| {
        let entry = entries.get(line);
        entry.is_none_or(|entry| entry.handle().is_none())
    };
    let foreign = (1..=requests.len())
        .filter(has_none)
        .find_map(|line| out.taken(line));
    match foreign {
        Some(path) => Err(Failure::usage(format!(
            "nothing was created: {} is there already, and not of this batch; move it, or name another folder",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses a journal of another service, but for the lines that are `exempt`.
pub(super) fn check_place(
    journal: &Journal,
    path: &Path,
    client: &Client,
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
        "nothing was created: these lines of {} were created on another service ({place:?}): {}; name another journal, or \
         set AIML_API_BASE to that service",
        path.display(),
        lines.join(", ")
    )))
}
