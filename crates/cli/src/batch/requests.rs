//! The requests of a batch file, and the checks before any of them is billed.

use std::{collections::BTreeSet, path::Path};

use aimlapi_video::{Client, ErrorKind, GenerationHandle, GenerationRequest, Journal, Warning};
use serde_json::{Map, Value, json};

use super::{compose::Composer, input::Rows, matrix::Matrix, out::Out, retry::is_failed};
use crate::{
    args::{Batch, Format, route_of},
    documents::Catalogue,
    failure::{self, Failure, violation_json},
    output::print_note,
};

/// The requests of a batch file.
pub(super) struct Requests {
    /// The line of each, counted from 1, in rising order.
    pub(super) lines: Vec<usize>,
    pub(super) requests: Vec<GenerationRequest>,
    /// What a request is in the file.
    pub(super) noun: &'static str,
    /// The warnings, each with its line.
    pub(super) warnings: Vec<(usize, Warning)>,
}

impl Requests {
    /// Reads all requests. The error lists the lines that are not requests.
    pub(super) fn read(batch: &Batch, catalogue: &Catalogue) -> Result<Self, Failure> {
        let rows = Rows::read(&batch.input)?;
        let composer = Composer {
            input: &batch.input,
            columns: &rows.columns,
            route: route_of(batch.legacy),
            catalogue,
        };
        let input = &batch.input;
        let matrix = Matrix::read(&input.each, &input.set, rows.rows.len())?;
        let combinations = matrix.combinations();
        let (lines, requests): (Vec<usize>, Vec<_>) =
            each(&rows, &combinations, &composer)?.into_iter().unzip();
        if !input.each.is_empty() {
            print_note(numbering(&rows, combinations.len()));
        }
        let warnings = lines.iter().zip(&requests).flat_map(|(line, request)| {
            let warnings = request.warnings().into_iter();
            warnings.map(|warning| (*line, warning))
        });
        let warnings: Vec<(usize, Warning)> = warnings.collect();
        let texts = warnings
            .iter()
            .map(|(line, warning)| format!("{}: {warning}", place(&rows, &combinations, *line)));
        if batch.spend.deny_warnings && !warnings.is_empty() {
            let texts: Vec<String> = texts.collect();
            return Err(Failure {
                violations: warnings.iter().map(warning_json).collect(),
                ..Failure::denied(&summary(&texts, rows.format))
            });
        }
        for text in texts {
            print_note(format!("warning: {text}; it is sent as it stands"));
        }
        Ok(Self {
            noun: rows.noun(),
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

type Combination<'a> = Vec<(&'a str, &'a str)>;

/// Every request with its number.
fn each(
    rows: &Rows,
    combinations: &[Combination<'_>],
    composer: &Composer<'_>,
) -> Result<Vec<(usize, GenerationRequest)>, Failure> {
    let mut requests = Vec::new();
    let mut errors = Vec::new();
    let mut violations = Vec::new();
    for row in &rows.rows {
        let content = match &row.content {
            Ok(content) => content,
            Err(error) => {
                errors.push(error.clone());
                continue;
            }
        };
        let first = (row.number - 1) * combinations.len() + 1;
        for (number, combination) in (first..).zip(combinations) {
            match composer.request(content, combination) {
                Ok(request) => requests.push((number, request)),
                Err(refused) => {
                    let place = place(rows, combinations, number);
                    errors.push(format!("{place}: {}", refused.message));
                    violations.extend(refused.violations.iter().map(|violation| {
                        let mut violation = violation_json(violation);
                        violation["line"] = row.number.into();
                        violation
                    }));
                    // The other combinations probably have the same error.
                    break;
                }
            }
        }
    }
    if errors.is_empty() {
        return Ok(requests);
    }
    let message = format!("nothing was created: {}", summary(&errors, rows.format));
    Err(Failure {
        violations,
        ..Failure::new(
            failure::USAGE,
            failure::Kind::Library(ErrorKind::InvalidRequest),
            message,
        )
    })
}

/// Where a request is in the file, and its combination of `--each`.
fn place(rows: &Rows, combinations: &[Combination<'_>], number: usize) -> String {
    let (row, combination) = (
        (number - 1) / combinations.len(),
        (number - 1) % combinations.len(),
    );
    let settings = combinations[combination].iter();
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let place = rows.place(row + 1);
    match settings.as_slice() {
        [] => place,
        settings => format!("{place} with {}", settings.join(", ")),
    }
}

/// How many requests `--each` makes, and how they are numbered.
fn numbering(rows: &Rows, combinations: usize) -> String {
    let count = rows.rows.len();
    let last = rows.rows.last().map_or(1, |row| row.number);
    format!(
        "{} requests: {count} of {}, each with {combinations} combinations of --each; those of {} {last} are numbered {} to {}",
        count * combinations,
        rows.file,
        rows.noun(),
        (last - 1) * combinations + 1,
        last * combinations
    )
}

pub(super) fn warning_json((line, warning): &(usize, Warning)) -> Value {
    json!({ "line": line, "pointer": warning.pointer, "message": warning.message })
}

/// The first errors and the number of the others.
fn summary(errors: &[String], format: Format) -> String {
    let (shown, hidden) = errors.split_at(errors.len().min(MAX_LISTED_ERRORS));
    let more = match hidden.len() {
        0 => String::new(),
        more if format == Format::Jsonl => {
            format!("; and {more} more lines, which `aimlapi-video validate` lists")
        }
        more => format!("; and {more} more"),
    };
    shown.join("; ") + &more
}

const MAX_LISTED_ERRORS: usize = 10;

/// Fails if the journal belongs to another batch, or if the batch would overwrite files of other programs. The `retried` lines
/// may have been corrected.
pub(super) fn check(
    requests: &Requests,
    journal: &Journal,
    path: &Path,
    out: &Out,
    saved: &BTreeSet<usize>,
    retried: &BTreeSet<usize>,
    batch: &Batch,
) -> Result<(), Failure> {
    let mut differing = journal.differing(requests.bodies_by_line(&Map::new()));
    differing.retain(|line| !retried.contains(line));
    if !differing.is_empty() {
        let entries = journal.entries();
        let all_failed = differing.iter().all(|line| is_failed(&entries[line]));
        let remedy = match all_failed {
            true => "their generations failed, so --retry-failed creates them as they are now",
            false => {
                "restore the old lines, since with another journal all lines are created again"
            }
        };
        let lines: Vec<String> = differing.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "nothing was created: {} differs from the batch that {} records, in these lines: {}; {remedy}",
            batch.input.path().display(),
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
