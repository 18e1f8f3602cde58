//! `status`: one question and its answer.

use std::process::ExitCode;

use aimlapi_video::{Client, ErrorKind, State};

use crate::{
    args::Status,
    failure::{self, Failure, line},
    request::handle,
};

/// `status`
pub(crate) async fn status(status: Status) -> ExitCode {
    match run_status(&status).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(status.json, None),
    }
}

async fn run_status(status: &Status) -> Result<(), Failure> {
    let handle = handle(&status.generation, status.legacy)?;
    let client = Client::from_env().map_err(|error| Failure::creating(&error))?;
    let generation = client.fetch(&handle).await.map_err(|error| Failure {
        code: if error.kind() == ErrorKind::Configuration {
            failure::USAGE
        } else {
            failure::SERVICE
        },
        message: line(&error),
        handle: None,
    })?;
    if status.json {
        println!("{}", generation.as_json());
        return Ok(());
    }
    match (generation.state(), generation.status()) {
        (State::Unknown, status) => println!("unknown state {}", status.unwrap_or("(none)")),
        (state, _) => println!("{state}"),
    }
    if let (State::Failed, Some(reason)) = (generation.state(), generation.failure()) {
        println!("{reason}");
    }
    for video in generation.videos() {
        println!("{}", video.url);
    }
    Ok(())
}
