//! `validate`: checks requests against their documents; for each request it prints a verdict as JSON.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use aimlapi_video::{Error, Violation, Warning};
use serde_json::{Value, json};

use crate::{
    args::{Format, Parameters, Validate, route_of},
    documents::Catalogue,
    failure::{Failure, USAGE, violation_json},
    output::{print_note, print_result},
    places::Place,
    request::{self, Source},
    rows::{Combination, Composer, Matrix, Row, Rows, RowsOf, Unreadable},
};

/// `validate`
pub(crate) fn validate(validate: &Validate) -> ExitCode {
    match run(validate) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(USAGE),
        Err(failure) => failure.report(false, None),
    }
}

fn run(validate: &Validate) -> Result<bool, Failure> {
    let catalogue = Catalogue::read(&validate.parameters.documents)?;
    if names_model(validate, &catalogue) {
        if let Some(model) = &validate.model {
            let input = &validate.input;
            return Err(Failure::usage(format!(
                "{input} names the model, and --model {model} names it again; leave --model off"
            )));
        }
        if let Some(each) = validate.each.first() {
            return Err(Failure::usage(format!(
                "--each {each} repeats the requests of a file; for one request, set a value of its own"
            )));
        }
        return validate_options(validate, &catalogue);
    }
    let (path, format) = match &validate.prompts {
        Some(prompts) => (Path::new(prompts), Some(Format::Prompts)),
        None => (Path::new(&validate.input), validate.format),
    };
    let is_input = path == Path::new("-") || path.exists();
    if has_options(&validate.parameters) || !is_input && validate.prompts.is_none() {
        return Err(Failure::usage(unknown_input(validate, &catalogue)));
    }
    if path == Path::new("-") && io::stdin().is_terminal() {
        print_note("reading requests from standard input, one a line; end it with ctrl-d");
    }
    validate_file(
        validate,
        &catalogue,
        Rows::open(path, format).map_err(Failure::usage)?,
    )
}

/// Prints a verdict on each request of a file.
fn validate_file(validate: &Validate, catalogue: &Catalogue, file: Rows) -> Result<bool, Failure> {
    let composer = Composer {
        model: validate.model.as_deref(),
        set: &validate.parameters.set,
        columns: &file.columns,
        max_media: validate.parameters.max_media,
        route: route_of(validate.parameters.legacy),
        catalogue,
    };
    let noun = file.noun();
    let (matrix, rows) = matrix(validate, file.rows)?;
    let combinations = matrix.combinations();
    let unwritten =
        |error: io::Error| Failure::usage(format!("standard output cannot be written: {error}"));
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut all_valid, mut is_empty) = (true, true);
    for row in rows {
        let Row { number, content } = match row {
            Ok(row) => row,
            Err(error) => {
                out.flush().map_err(unwritten)?;
                return Err(Failure::usage(error));
            }
        };
        is_empty = false;
        let first = (number - 1) * combinations.len() + 1;
        let combinations = match &content {
            Ok(_) => &combinations[..],
            Err(_) => &[Combination::new()],
        };
        for (request, combination) in (first..).zip(combinations) {
            let mut verdict = match &content {
                Err(unreadable) => unreadable_verdict(unreadable),
                Ok(content) => match composer.body(content, combination) {
                    Ok(body) => verdict_of(validate, catalogue, body, &violation_json),
                    Err(refused) => refusal(&refused.message),
                },
            };
            all_valid &= verdict["valid"] == true;
            Place::new(noun, number, combination).add_to(request, &mut verdict);
            match writeln!(out, "{verdict}") {
                // A reader that closes the pipe early, as `head` does, is not an error.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(all_valid),
                written => written.map_err(unwritten)?,
            }
        }
    }
    out.flush().map_err(unwritten)?;
    if is_empty {
        print_note(format!("note: {} contains no request", file.file));
    }
    Ok(all_valid)
}

/// The values of `--each`. Their number is limited for a file as a whole, which is then read first.
fn matrix(validate: &Validate, rows: RowsOf) -> Result<(Matrix, RowsOf), Failure> {
    let (each, set) = (&validate.each, &validate.parameters.set);
    if each.is_empty() {
        return Ok((Matrix::read(each, set, 1)?, rows));
    }
    let rows: Vec<_> = rows.collect();
    let matrix = Matrix::read(each, set, rows.len().max(1))?;
    Ok((matrix, Box::new(rows.into_iter())))
}

/// The error for an input that is neither a file nor a model, or for options that need a model.
fn unknown_input(validate: &Validate, catalogue: &Catalogue) -> String {
    let (input, listing) = (&validate.input, catalogue.listing());
    match has_options(&validate.parameters) {
        true => format!(
            "the options of a request need a model, and {input:?} is not the id of one; `{listing}` lists them"
        ),
        false => format!(
            "{input:?} is neither a file nor the id of a model; `{listing}` lists the models"
        ),
    }
}

/// Whether the input is a model's id, and not a file.
fn names_model(validate: &Validate, catalogue: &Catalogue) -> bool {
    let route = route_of(validate.parameters.legacy);
    catalogue.model(route, &validate.input).is_some() && !Path::new(&validate.input).exists()
}

/// Whether there are options that only one request can have.
fn has_options(parameters: &Parameters) -> bool {
    parameters.prompt.is_some() || !parameters.image.is_empty() || !parameters.flags.is_empty()
}

/// Validates the request that the options state.
fn validate_options(validate: &Validate, catalogue: &Catalogue) -> Result<bool, Failure> {
    let source = Source {
        model: Some(&validate.input),
        request: None,
        unchecked: false,
    };
    let mut composed = request::compose(&validate.parameters, source, catalogue)?;
    let body = composed.body.take();
    let verdict = verdict_of(validate, catalogue, body, &|violation| {
        composed.violation_json(violation)
    });
    print_result(verdict.to_string());
    Ok(verdict["valid"] == true)
}

fn unreadable_verdict(unreadable: &Unreadable) -> Value {
    let Unreadable { column, reason, .. } = unreadable;
    let Some(column) = column else {
        return refusal(reason);
    };
    let allowed = format!("JSON ({reason})");
    json!({
        "column": column,
        "model": null,
        "valid": false,
        "violations": [{ "pointer": "", "allowed": allowed, "keyword": "type" }],
        "warnings": [],
    })
}

/// The verdict on a request that cannot be composed.
fn refusal(error: &str) -> Value {
    json!({ "model": null, "valid": false, "error": error, "violations": [], "warnings": [] })
}

/// The verdict on a body, with the JSON of each violation.
fn verdict_of(
    validate: &Validate,
    catalogue: &Catalogue,
    body: Value,
    json_of: &dyn Fn(&Violation) -> Value,
) -> Value {
    let model = body.get("model").cloned();
    match read(validate, catalogue, body) {
        Ok(warnings) => {
            let warnings: Vec<Value> = warnings
                .iter()
                .map(|warning| json!({ "pointer": warning.pointer, "message": warning.message }))
                .collect();
            json!({ "model": model, "valid": true, "violations": [], "warnings": warnings })
        }
        Err(error) => {
            let violations: Vec<Value> = error.violations().iter().map(json_of).collect();
            json!({ "model": model, "valid": false, "violations": violations, "warnings": [] })
        }
    }
}

/// Reads the request as `create` does.
fn read(
    validate: &Validate,
    catalogue: &Catalogue,
    mut body: Value,
) -> Result<Vec<Warning>, Error> {
    let route = route_of(validate.parameters.legacy);
    if let (true, Some(model)) = (validate.coerce, catalogue.model_of(route, &body)) {
        model.coerce(&mut body);
    }
    Ok(catalogue.request(route, body)?.warnings())
}
