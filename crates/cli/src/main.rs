//! The command line of `aimlapi-video`.

mod args;
mod atomic;
mod batch;
mod catalogue;
mod completions;
mod cost;
mod documents;
mod external;
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
mod progress;
mod proxy;
mod recorded;
mod request;
mod service;
mod sidecar;
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
mod viewer;

use std::process::ExitCode;

use args::{Arguments, Command};

fn main() -> ExitCode {
    // Before other threads exist, since it changes the environment.
    completions::complete();
    match flags::parse() {
        Ok(arguments) => run(arguments),
        Err(code) => code,
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> ExitCode {
    if arguments.verbose {
        verbose::start();
    }
    match arguments.command {
        Command::Generate(generate) => generate::generate(generate).await,
        Command::Wait(wait) => job::wait(wait).await,
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
