//! The requests of a batch file, and the checks before any of them is billed.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use aimlapi_video::{
    Client, ErrorKind, GenerationHandle, GenerationRequest, Journal, Route, Warning,
};
use serde_json::{Map, Value, json};

use super::out::Out;
use crate::{
    args::{Batch, route_of},
    documents::Catalogue,
    failure::{self, Failure, error_line, violation_json},
    lines::Lines,
    output::print_note,
    text::json_error,
};

/// The requests of a batch file.
pub(super) struct Requests {
    /// The line of each, counted from 1, in rising order.
    pub(super) lines: Vec<usize>,
    pub(super) requests: Vec<GenerationRequest>,
    /// The warnings, each with its line.
    pub(super) warnings: Vec<(usize, Warning)>,
}

impl Requests {
    /// Reads all requests. The error lists the lines that are not requests.
    pub(super) fn read(batch: &Batch, catalogue: &Catalogue) -> Result<Self, Failure> {
        let file = batch.file.display().to_string();
        let source = File::open(&batch.file).map_err(|error| {
            Failure::usage(format!(
                "{file} cannot be read: {error}; give a file with one request a line"
            ))
        })?;
        let lines = Lines::new(BufReader::new(source), &file).and_then(Iterator::collect);
        let lines: Vec<(usize, String)> =
            lines.map_err(|error| Failure::usage(format!("nothing was created: {error}")))?;
        if lines.is_empty() {
            return Err(Failure::usage(format!(
                "{file} contains no request; write one a line, as JSON"
            )));
        }
        let requests = each(&file, &lines, route_of(batch.legacy), catalogue)?;
        let lines: Vec<usize> = lines.into_iter().map(|(line, _)| line).collect();
        let warnings = lines.iter().zip(&requests).flat_map(|(line, request)| {
            let warnings = request.warnings().into_iter();
            warnings.map(|warning| (*line, warning))
        });
        let warnings: Vec<(usize, Warning)> = warnings.collect();
        let texts = warnings
            .iter()
            .map(|(line, warning)| format!("{file}:{line}: {warning}"));
        if batch.spend.deny_warnings && !warnings.is_empty() {
            let texts: Vec<String> = texts.collect();
            return Err(Failure {
                violations: warnings.iter().map(warning_json).collect(),
                ..Failure::denied(&summary(&texts))
            });
        }
        for text in texts {
            print_note(format!("warning: {text}; it is sent as it stands"));
        }
        Ok(Self {
            requests,
            lines,
            warnings,
        })
    }

    /// The indices of lines without a request.
    pub(super) fn lines_without_request(&self) -> BTreeSet<usize> {
        let last = self.lines.last().copied().unwrap_or(0);
        let mut indices: BTreeSet<usize> = (0..last).collect();
        for line in &self.lines {
            indices.remove(&(line - 1));
        }
        indices
    }

    /// The body of each line of the file; `empty` for a line without a request.
    fn bodies_by_line<'a>(&'a self, empty: &'a Map<String, Value>) -> Vec<&'a Map<String, Value>> {
        let last = self.lines.last().copied().unwrap_or(0);
        let mut bodies = vec![empty; last];
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
    catalogue: &Catalogue,
) -> Result<Vec<GenerationRequest>, Failure> {
    let mut requests = Vec::new();
    let mut errors = Vec::new();
    let mut violations = Vec::new();
    for (number, text) in lines {
        let body = match serde_json::from_str(text) {
            Ok(body) => body,
            Err(error) => {
                errors.push(json_error(file, *number, text, &error));
                continue;
            }
        };
        match catalogue.request(route, body) {
            Ok(request) => requests.push(request),
            Err(error) => {
                errors.push(format!("{file}:{number}: {}", error_line(&error)));
                violations.extend(error.violations().iter().map(|violation| {
                    let mut violation = violation_json(violation);
                    violation["line"] = (*number).into();
                    violation
                }));
            }
        }
    }
    if errors.is_empty() {
        return Ok(requests);
    }
    let message = format!("nothing was created: {}", summary(&errors));
    Err(Failure {
        violations,
        ..Failure::new(
            failure::USAGE,
            failure::Kind::Library(ErrorKind::InvalidRequest),
            message,
        )
    })
}

pub(super) fn warning_json((line, warning): &(usize, Warning)) -> Value {
    json!({ "line": line, "pointer": warning.pointer, "message": warning.message })
}

/// The first errors and the number of the others.
fn summary(errors: &[String]) -> String {
    let (shown, hidden) = errors.split_at(errors.len().min(MAX_LISTED_ERRORS));
    let more = match hidden.len() {
        0 => String::new(),
        more => format!("; and {more} more lines, which `aimlapi-video validate` lists"),
    };
    shown.join("; ") + &more
}

const MAX_LISTED_ERRORS: usize = 10;

/// Fails if the journal belongs to another batch, or if the batch would overwrite files of other programs.
pub(super) fn check(
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    out: &Out,
    saved: &BTreeSet<usize>,
    batch: &Batch,
) -> Result<(), Failure> {
    let differing = journal.differing(requests.bodies_by_line(&Map::new()));
    if !differing.is_empty() {
        let lines: Vec<String> = differing.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "nothing was created: {} differs from the batch that {} records, in these lines: {}; restore the old lines, since \
             with another journal all lines are created again",
            batch.file.display(),
            path.display(),
            lines.join(", ")
        )));
    }
    let lines = requests.lines.iter().copied();
    let to_save = lines.filter(|line| !saved.contains(&(line - 1)));
    check_overwrites(to_save, journal, out)
        .map_err(|error| Failure::usage(format!("nothing was created: {error}")))
}

/// Fails if a job of `lines` would overwrite a file that it has not written.
pub(super) fn check_overwrites(
    lines: impl IntoIterator<Item = usize>,
    journal: &Journal,
    out: &Out,
) -> Result<(), String> {
    let entries = journal.entries();
    let mut lines = lines.into_iter();
    let foreign = lines.find_map(|line| out.foreign(line, entries.get(&line)));
    match foreign {
        Some(path) => Err(format!(
            "{} exists already and is not of this batch; move it, or name another folder by --out",
            path.display()
        )),
        None => Ok(()),
    }
}

/// Fails if lines of the journal, other than the `exempt` ones, belong to another service.
pub(super) fn check_origin(
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
    let origin = created.or(entry.origin.as_deref()).unwrap_or_default();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Err(Failure::usage(format!(
        "nothing was created: these lines of {} were created on another service ({origin:?}): {}; {remedy}",
        path.display(),
        lines.join(", ")
    )))
}
