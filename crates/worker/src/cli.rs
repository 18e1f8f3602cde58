//! The command line of durable jobs.

use std::process::ExitCode;

use aimlapi_video_contract::redacted_urls;
use clap::Parser;

mod args;
mod connection;
mod events;
mod failure;
mod handle;
mod input;
mod jobs;
mod output;
mod queue;
mod resolve;
mod settings;
mod show;
mod stop;
mod store;
mod submit;
mod traceparent;
mod worker;

use args::{Arguments, Command, JobsCommand};
use failure::Failure;
use queue::Queue;

/// Runs the command of this process's arguments.
pub(crate) async fn run() -> ExitCode {
    let Arguments { queue, command } = Arguments::parse();
    match run_command(queue, command).await {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

async fn run_command(queue: Option<String>, command: Command) -> Result<ExitCode, Failure> {
    let queue = queue.filter(|queue| !queue.is_empty());
    let queue = queue
        .ok_or_else(|| Failure::usage(format!("no queue is named; add --queue {}", queue::FORM)))?;
    // Not a parser of `clap`, which shows the whole value: some write a key into the URL.
    let queue: Queue = queue.parse().map_err(|error| {
        Failure::usage(format!("--queue {}: {error}", redacted_urls(&queue, "?…")))
    })?;
    match command {
        Command::Worker(worker) => worker::run(&queue, worker).await,
        Command::Submit(submit) => submit::run(&queue, &submit).await,
        Command::Jobs(jobs) => match &jobs.command {
            None => jobs::run(&queue, &jobs.list).await,
            Some(JobsCommand::Show(show)) => show::run(&queue, show).await,
            Some(JobsCommand::Resolve(resolve)) => resolve::run(&queue, resolve).await,
        },
    }
}
