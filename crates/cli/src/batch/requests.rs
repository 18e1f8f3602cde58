//! The requests of a batch file.

use std::collections::{BTreeMap, BTreeSet};

use aimlapi_video::{ErrorKind, GenerationRequest, Warning};
use serde_json::{Map, Value, json};

use crate::{
    args::{Batch, Input, route_of},
    documents::Catalogue,
    failure::{self, Failure, violation_json},
    output::print_note,
    places::{Place, Places, settings},
    rows::{Combination, Composer, Matrix, Row, Rows},
};

/// The maximum size of each file that is sent, in MiB, as `generate` has it by default.
const MAX_MEDIA: u64 = 20;

/// The requests of a batch file.
pub(super) struct Requests {
    /// The number of each, counted from 1, in rising order: without `--each`, that of its line.
    pub(super) lines: Vec<usize>,
    pub(super) requests: Vec<GenerationRequest>,
    pub(super) places: Places,
    /// The warnings, each with the number of its request.
    pub(super) warnings: Vec<(usize, Warning)>,
}

impl Requests {
    /// Reads all requests. The error lists the lines that are not requests.
    pub(super) fn read(batch: &Batch, catalogue: &Catalogue) -> Result<Self, Failure> {
        let input = &batch.input;
        let (file, rows) = read(&batch.input)?;
        let composer = Composer {
            model: input.model.as_deref(),
            set: &input.set,
            columns: &file.columns,
            max_media: MAX_MEDIA,
            route: route_of(batch.legacy),
            catalogue,
        };
        let matrix = Matrix::read(&input.each, &input.set, rows.len())?;
        let combinations = matrix.combinations();
        let (lines, requests): (Vec<usize>, Vec<_>) = each(&file, &rows, &combinations, &composer)?
            .into_iter()
            .unzip();
        if !input.each.is_empty() {
            print_note(numbering(&file, &rows, combinations.len()));
        }
        let places = match input.each.is_empty() {
            true => Places::by_line(file.noun()),
            false => Places::by_number(places(&file, &lines, &combinations)),
        };
        let warnings = lines.iter().zip(&requests).flat_map(|(line, request)| {
            let warnings = request.warnings().into_iter();
            warnings.map(|warning| (*line, warning))
        });
        let warnings: Vec<(usize, Warning)> = warnings.collect();
        let texts = warnings
            .iter()
            .map(|(line, warning)| format!("{}: {warning}", place(&file, &combinations, *line)));
        if batch.spend.deny_warnings && !warnings.is_empty() {
            let texts: Vec<String> = texts.collect();
            return Err(Failure {
                violations: warnings_json(&warnings, &places),
                ..Failure::denied(&summary(&texts))
            });
        }
        for text in texts {
            print_note(format!("warning: {text}; it is sent as it stands"));
        }
        Ok(Self {
            requests,
            lines,
            places,
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
    pub(super) fn bodies_by_line<'a>(
        &'a self,
        empty: &'a Map<String, Value>,
    ) -> Vec<&'a Map<String, Value>> {
        let last = self.lines.last().copied().unwrap_or(0);
        let mut bodies = vec![empty; last];
        for (line, request) in self.lines.iter().zip(&self.requests) {
            bodies[line - 1] = request.body();
        }
        bodies
    }
}

/// The file and its rows, of which there is at least one.
fn read(input: &Input) -> Result<(Rows, Vec<Row>), Failure> {
    let refused = |error| Failure::usage(format!("nothing was created: {error}"));
    let mut file = Rows::open(input.path(), input.stated_format()).map_err(refused)?;
    let rows: Result<Vec<Row>, String> = file.rows.by_ref().collect();
    let rows = rows.map_err(refused)?;
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "{} contains no request; {}",
            file.file,
            file.example()
        )));
    }
    Ok((file, rows))
}

/// Every request with its number.
fn each(
    file: &Rows,
    rows: &[Row],
    combinations: &[Combination<'_>],
    composer: &Composer<'_>,
) -> Result<Vec<(usize, GenerationRequest)>, Failure> {
    let mut requests = Vec::new();
    let mut errors: Vec<Wrong> = Vec::new();
    let mut violations = Vec::new();
    for row in rows {
        let content = match &row.content {
            Ok(content) => content,
            Err(unreadable) => {
                errors.push(Wrong::new("", &unreadable.message));
                continue;
            }
        };
        let first = (row.number - 1) * combinations.len() + 1;
        for (number, combination) in (first..).zip(combinations) {
            match composer.request(content, combination) {
                Ok(request) => requests.push((number, request)),
                Err(refused) => {
                    match errors
                        .last_mut()
                        .filter(|last| last.error == refused.message)
                    {
                        Some(last) => last.more += 1,
                        None => {
                            let place = place(file, combinations, number) + ": ";
                            errors.push(Wrong::new(&place, &refused.message));
                        }
                    }
                    let place = Place::new(file.noun(), row.number, combination);
                    violations.extend(refused.violations.iter().map(|violation| {
                        let mut violation = violation_json(violation);
                        place.add_to(number, &mut violation);
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
    let errors: Vec<String> = errors.into_iter().map(Wrong::text).collect();
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

/// The error of a line, and the number of further lines with the same one.
struct Wrong {
    place: String,
    error: String,
    more: usize,
}

impl Wrong {
    fn new(place: &str, error: &str) -> Self {
        Self {
            place: place.to_owned(),
            error: error.to_owned(),
            more: 0,
        }
    }

    fn text(self) -> String {
        let Self { place, error, more } = self;
        match more {
            0 => format!("{place}{error}"),
            more => format!("{place}{error} (and in {more} more lines)"),
        }
    }
}

/// Where a request is in the file, and its combination of `--each`.
fn place(file: &Rows, combinations: &[Combination<'_>], number: usize) -> String {
    let (row, combination) = origin(combinations, number);
    let place = file.place(row);
    match combination.as_slice() {
        [] => place,
        each => format!("{place} with {}", settings(each)),
    }
}

/// The place of each request with `--each`.
fn places(
    file: &Rows,
    numbers: &[usize],
    combinations: &[Combination<'_>],
) -> BTreeMap<usize, Place> {
    let place = |number: &usize| {
        let (row, combination) = origin(combinations, *number);
        (*number, Place::new(file.noun(), row, combination))
    };
    numbers.iter().map(place).collect()
}

/// The number of the line or item that a request comes from, and its combination.
fn origin<'a, 'b>(
    combinations: &'a [Combination<'b>],
    number: usize,
) -> (usize, &'a Combination<'b>) {
    let (index, count) = (number - 1, combinations.len());
    (index / count + 1, &combinations[index % count])
}

/// How many requests `--each` makes, and how they are numbered.
fn numbering(file: &Rows, rows: &[Row], combinations: usize) -> String {
    let count = rows.len();
    let last = rows.last().map_or(1, |row| row.number);
    format!(
        "{} requests: {count} of {}, each with {combinations} combinations of --each; those of {} {last} are numbered {} to {}",
        count * combinations,
        file.file,
        file.noun(),
        (last - 1) * combinations + 1,
        last * combinations
    )
}

pub(super) fn warnings_json(warnings: &[(usize, Warning)], places: &Places) -> Vec<Value> {
    let warning = |(number, warning): &(usize, Warning)| {
        let mut object = json!({ "pointer": warning.pointer, "message": warning.message });
        places.of(*number).add_to(*number, &mut object);
        object
    };
    warnings.iter().map(warning).collect()
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
