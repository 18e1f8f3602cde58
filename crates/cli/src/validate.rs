//! `validate`: checks requests against their documents; for each line of input it prints a verdict as JSON.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    process::ExitCode,
};

use aimlapi_video::{Error, Warning};
use serde_json::{Value, json};

use crate::{
    args::{Validate, route_of},
    documents::Catalogue,
    failure::{Failure, USAGE, violation_json},
    lines::Lines,
    output::print_note,
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
    if validate.file == "-" && io::stdin().is_terminal() {
        print_note("reading requests from standard input, one a line; end it with ctrl-d");
    }
    let catalogue = Catalogue::read(&validate.documents)?;
    let (source, name) = text::open(&validate.file).map_err(Failure::usage)?;
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
            let violations: Vec<Value> = error.violations().iter().map(violation_json).collect();
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
    let route = route_of(validate.legacy);
    if let (true, Some(model)) = (validate.coerce, catalogue.model_of(route, &body)) {
        model.coerce(&mut body);
    }
    Ok(catalogue.request(route, body)?.warnings())
}
