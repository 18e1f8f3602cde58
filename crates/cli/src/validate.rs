//! `validate`: checks requests against their documents; for each line of input it prints a verdict as JSON.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    process::ExitCode,
};

use aimlapi_video::{Error, GenerationRequest, Route, Violation, Warning};
use serde_json::{Value, json};

use crate::{
    args::Validate,
    failure::{Failure, USAGE},
    lines::Lines,
    output::print_note,
    text,
};

/// `validate`
pub(crate) fn validate(validate: &Validate) -> ExitCode {
    match run(validate) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(USAGE),
        Err(error) => Failure::usage(error).report(false, None),
    }
}

fn run(validate: &Validate) -> Result<bool, String> {
    if validate.file == "-" && io::stdin().is_terminal() {
        print_note("reading requests from standard input, one a line; end it with ctrl-d");
    }
    let (source, name) = text::open(&validate.file)?;
    let unwritten = |error: io::Error| format!("standard output cannot be written: {error}");
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut all_valid, mut is_empty) = (true, true);
    for line in Lines::new(source, name)? {
        let (number, line) = match line {
            Ok(line) => line,
            Err(error) => {
                out.flush().map_err(unwritten)?;
                return Err(error);
            }
        };
        let mut verdict = verdict(validate, &line);
        is_empty = false;
        all_valid &= verdict["valid"] == true;
        verdict["line"] = number.into();
        match writeln!(out, "{verdict}") {
            // A reader that closes the pipe early, as `head` does, is no error.
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

fn verdict(validate: &Validate, line: &str) -> Value {
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
    match read(validate, body) {
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
fn read(validate: &Validate, body: Value) -> Result<Vec<Warning>, Error> {
    let route = match validate.legacy {
        true => Route::LegacyKling,
        false => Route::Universal,
    };
    let read = match validate.coerce {
        true => GenerationRequest::from_json_coerced,
        false => GenerationRequest::from_json,
    };
    Ok(read(route, body)?.warnings())
}

fn violation_json(violation: &Violation) -> Value {
    let mut entry = json!({
        "pointer": violation.pointer,
        "allowed": violation.allowed,
        "keyword": violation.keyword,
    });
    if let Some(given) = &violation.given {
        entry["given"] = given.clone();
    }
    entry
}
