//! `validate`: requests held to their documents, a line in and a verdict out.

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
    output::note,
    text,
};

/// `validate`
pub(crate) fn validate(validate: &Validate) -> ExitCode {
    match judge(validate) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(USAGE),
        Err(what) => Failure::usage(what).report(false, None),
    }
}

fn judge(validate: &Validate) -> Result<bool, String> {
    if validate.file == "-" && io::stdin().is_terminal() {
        note("reading requests from standard input, one a line; end it with ctrl-d");
    }
    let (source, name) = text::open(&validate.file)?;
    let unwritten = |error: io::Error| format!("standard output cannot be written: {error}");
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut all_valid, mut is_empty) = (true, true);
    for line in Lines::new(source, name)? {
        let (number, line) = match line {
            Ok(line) => line,
            Err(what) => {
                out.flush().map_err(unwritten)?;
                return Err(what);
            }
        };
        let mut verdict = verdict(validate, &line);
        is_empty = false;
        all_valid &= verdict["valid"] == true;
        verdict["line"] = number.into();
        match writeln!(out, "{verdict}") {
            // Whoever reads only the beginning has what it wants.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(all_valid),
            written => written.map_err(unwritten)?,
        }
    }
    out.flush().map_err(unwritten)?;
    if is_empty {
        note(format!("note: {name} holds no request"));
    }
    Ok(all_valid)
}

fn verdict(validate: &Validate, line: &str) -> Value {
    let body: Value = match serde_json::from_str(line) {
        Ok(body) => body,
        Err(error) => {
            let what = text::json_message(&error);
            let violation =
                json!({ "pointer": "", "allowed": format!("JSON ({what})"), "keyword": "type" });
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
            let violations: Vec<Value> = error.violations().iter().map(told).collect();
            json!({ "model": model, "valid": false, "violations": violations, "warnings": [] })
        }
    }
}

/// The very reading that `create` relies on.
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

fn told(violation: &Violation) -> Value {
    let mut told = json!({
        "pointer": violation.pointer,
        "allowed": violation.allowed,
        "keyword": violation.keyword,
    });
    if let Some(given) = &violation.given {
        told["given"] = given.clone();
    }
    told
}
