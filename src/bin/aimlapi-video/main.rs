//! The command line of `aimlapi-video`.

mod args;
mod failure;
mod job;
mod output;
mod report;
mod request;
mod simulate;
mod status;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Generate(generate) => job::generate(generate).await,
        Command::Wait(wait) => job::wait(wait).await,
        Command::Status(status) => status::status(status).await,
        Command::Simulate(simulate) => simulate::simulate(simulate).await,
    }
}
