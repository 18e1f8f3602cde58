//! The command line of `aimlapi-video`.

mod args;
mod atomic;
mod batch;
mod catalogue;
mod completions;
mod cost;
mod documents;
mod exec;
mod external;
mod facts;
mod failure;
mod flags;
mod gallery;
mod generate;
mod history;
mod interrupt;
mod job;
mod layout;
mod lines;
mod local_server;
mod naming;
mod output;
mod places;
mod progress;
mod proxy;
mod recorded;
mod request;
mod rows;
mod saved;
mod service;
mod sidecar;
mod simulate;
mod specs;
mod spending;
mod status;
mod style;
mod table;
mod target;
mod template;
mod text;
mod validate;
mod verbose;
mod viewer;
mod wait;
mod wrap;

use std::process::ExitCode;

use args::{Arguments, Command};
use failure::Failure;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    // Before other threads exist, since it changes the environment.
    completions::complete();
    let arguments = match flags::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("the system has no threads or files left: {error}");
            return Failure::usage(message).report(false, None);
        }
    };
    // The end of the runtime waits for the journal's last line.
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> ExitCode {
    arguments.color.apply();
    if arguments.verbose {
        verbose::start();
    }
    if arguments.quiet {
        progress::silence();
    }
    match arguments.command {
        Command::Generate(generate) => generate::generate(generate).await,
        Command::Wait(wait) => wait::wait(wait).await,
        Command::Batch(batch) => batch::batch(batch).await,
        Command::Resume(resume) => batch::resume(resume).await,
        Command::History(history) => recorded::history(history),
        Command::Gallery(options) => gallery::gallery(&options),
        Command::Status(status) => status::status(status).await,
        Command::Validate(validate) => validate::validate(&validate),
        Command::Models(models) => catalogue::models(&models),
        Command::Schema(schema) => catalogue::schema(&schema),
        Command::Simulate(simulate) => simulate::simulate(simulate).await,
        Command::Proxy(options) => proxy::proxy(options).await,
        Command::Completions(completions) => completions::completions(&completions),
        Command::Specs(specs) => specs::specs(&specs),
        Command::Worker(_) => external::run("worker"),
        Command::Submit(_) => external::run("submit"),
        Command::Jobs(_) => external::run("jobs"),
    }
}
