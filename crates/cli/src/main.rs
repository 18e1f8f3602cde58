//! The command line of `aimlapi-video`.

mod args;
mod batch;
mod board;
mod catalogue;
mod completions;
mod failure;
mod interrupt;
mod job;
mod layout;
mod lines;
mod meter;
mod output;
mod report;
mod request;
mod screen;
mod service;
mod simulate;
mod specs;
mod status;
mod table;
mod template;
mod text;
mod usage;
mod validate;
mod verbose;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
            let Some(told) = usage::told(&error, words) else {
                error.exit();
            };
            output::note(told);
            return ExitCode::from(failure::USAGE);
        }
    };
    if arguments.verbose {
        verbose::start();
    }
    match arguments.command {
        Command::Generate(generate) => job::generate(generate).await,
        Command::Wait(wait) => job::wait(wait).await,
        Command::Batch(batch) => batch::batch(batch).await,
        Command::Resume(resume) => batch::resume(resume).await,
        Command::Status(status) => status::status(status).await,
        Command::Validate(validate) => validate::validate(&validate),
        Command::Models(models) => catalogue::models(&models),
        Command::Schema(schema) => catalogue::schema(&schema),
        Command::Simulate(simulate) => simulate::simulate(simulate).await,
        Command::Completions(asked) => completions::completions(&asked),
        Command::Specs(specs) => specs::specs(&specs),
    }
}
