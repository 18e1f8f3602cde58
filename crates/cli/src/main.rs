//! The command line of `aimlapi-video`.

mod args;
mod batch;
mod catalogue;
mod completions;
mod cost;
mod documents;
mod failure;
mod history;
mod interrupt;
mod job;
mod layout;
mod lines;
mod naming;
mod output;
mod progress;
mod proxy;
mod recorded;
mod request;
mod service;
mod simulate;
mod specs;
mod spending;
mod status;
mod table;
mod target;
mod template;
mod text;
mod validate;
mod verbose;

use std::{env, process::ExitCode};

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return unparsed(&error),
    };
    if arguments.verbose {
        verbose::start();
    }
    match arguments.command {
        Command::Generate(generate) => job::generate(generate).await,
        Command::Wait(wait) => job::wait(wait).await,
        Command::Batch(batch) => batch::batch(batch).await,
        Command::Resume(resume) => batch::resume(resume).await,
        Command::History(history) => recorded::history(history),
        Command::Status(status) => status::status(status).await,
        Command::Validate(validate) => validate::validate(&validate),
        Command::Models(models) => catalogue::models(&models),
        Command::Schema(schema) => catalogue::schema(&schema),
        Command::Simulate(simulate) => simulate::simulate(simulate).await,
        Command::Proxy(options) => proxy::proxy(options).await,
        Command::Completions(completions) => completions::completions(&completions),
        Command::Specs(specs) => specs::specs(&specs),
    }
}

/// Prints the help or the error of arguments that cannot be parsed, the latter also as JSON if `--json` is among them.
fn unparsed(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() && env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        Failure::usage(message).print_json(None);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE))
}
