//! `validate`: checks requests against their documents; for each line of input it prints a verdict as JSON.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use aimlapi_video::{Error, Violation, Warning};
use serde_json::{Value, json};

use crate::{
    args::{Parameters, Validate, route_of},
    documents::Catalogue,
    failure::{Failure, USAGE, violation_json},
    lines::Lines,
    output::{print_note, print_result},
    request::{self, Source},
    text,
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
        return validate_options(validate, &catalogue);
    }
    if !is_empty(&validate.parameters) {
        return Err(Failure::usage(format!(
            "the options of a request need a model, and {:?} is not the id of one; `{}` lists them",
            validate.input,
            catalogue.listing()
        )));
    }
    if validate.input == "-" && io::stdin().is_terminal() {
        print_note("reading requests from standard input, one a line; end it with ctrl-d");
    }
    let (source, name) = text::open(&validate.input).map_err(Failure::usage)?;
    let unwritten =
        |error: io::Error| Failure::usage(format!("standard output cannot be written: {error}"));
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut all_valid, mut is_empty) = (true, true);
    for line in Lines::new(source, name).map_err(Failure::usage)? {
        let (number, line) = match line {
            Ok(line) => line,
            Err(error) => {
                out.flush().map_err(unwritten)?;
                return Err(Failure::usage(error));
            }
        };
        let mut verdict = verdict(validate, &catalogue, &line);
        is_empty = false;
        all_valid &= verdict["valid"] == true;
        verdict["line"] = number.into();
        match writeln!(out, "{verdict}") {
            // A reader that closes the pipe early, as `head` does, is not an error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(all_valid),
            written => written.map_err(unwritten)?,
        }
    }
    out.flush().map_err(unwritten)?;
    if is_empty {
        print_note(format!("note: {name} contains no request"));
    }
    Ok(all_valid)
}

/// Whether the input is a model's id, and not a file.
fn names_model(validate: &Validate, catalogue: &Catalogue) -> bool {
    let route = route_of(validate.parameters.legacy);
    catalogue.model(route, &validate.input).is_some() && !Path::new(&validate.input).exists()
}

fn is_empty(parameters: &Parameters) -> bool {
    parameters.prompt.is_none()
        && parameters.image.is_empty()
        && parameters.set.is_empty()
        && parameters.flags.is_empty()
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

fn verdict(validate: &Validate, catalogue: &Catalogue, line: &str) -> Value {
    let body: Value = match serde_json::from_str(line) {
        Ok(body) => body,
        Err(error) => {
            let message = text::json_message(&error);
            let violation =
                json!({ "pointer": "", "allowed": format!("JSON ({message})"), "keyword": "type" });
            let column = text::column(line, &error);
            return json!({
                "column": column,
                "model": null,
                "valid": false,
                "violations": [violation],
                "warnings": [],
            });
        }
    };
    verdict_of(validate, catalogue, body, &violation_json)
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
