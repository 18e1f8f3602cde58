//! The command `specs drift`: compares recordings of the service with the documents.

mod durations;
mod generations;
mod report;

use std::{path::PathBuf, process::ExitCode};

use super::{Described, print_result, require_path};
use crate::{
    args::SpecsDrift,
    failure::{Failure, USAGE},
    text,
};
use aimlapi_video_codegen::drift;
use aimlapi_video_simulator::{RecordedExchange, Recording};
use durations::durations;
use generations::Recorded;
use report::Report;

/// Runs `specs drift`.
pub(crate) fn drift(args: &SpecsDrift) -> ExitCode {
    let report = match run(args) {
        Ok(report) => report,
        Err(failure) => return failure.report(args.json, None),
    };
    let printed = print_result(match () {
        () if args.json => report.json().to_string(),
        () if args.markdown => report.markdown(),
        () => report.text(),
    });
    match args.fail && report.is_different() {
        true => ExitCode::from(USAGE),
        false => printed,
    }
}

fn run(args: &SpecsDrift) -> Result<Report, Failure> {
    let recording = read(&args.recordings)?;
    require_path(&args.documents).map_err(Failure::usage)?;
    let described = Described::read(&args.documents).usable(&args.documents)?;
    let recorded = Recorded::new(recording.exchanges());
    Ok(Report {
        responses: recorded.responses.len(),
        generations: recorded.generations.len(),
        drift: drift::compare(&described.documents, &described.merged, &recorded.responses),
        durations: durations(&recorded.generations, &described.merged, args.speed),
    })
}

/// Reads the exchanges of all recordings.
fn read(paths: &[PathBuf]) -> Result<Recording, Failure> {
    let mut exchanges: Vec<RecordedExchange> = Vec::new();
    for path in paths {
        let recording: Recording = text::parse(path, "the recording").map_err(Failure::usage)?;
        exchanges.extend(recording);
    }
    Ok(exchanges.into_iter().collect())
}
