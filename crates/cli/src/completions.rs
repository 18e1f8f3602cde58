//! `completions`: the script that makes a shell complete this command.

use std::process::ExitCode;

use aimlapi_video::models;
use clap::{Command, CommandFactory, builder::PossibleValuesParser};

use crate::{
    args::{Arguments, Completions},
    output::print_result,
};

/// `completions`
pub(crate) fn completions(completions: &Completions) -> ExitCode {
    let mut script = Vec::new();
    let mut command = with_models(Arguments::command());
    clap_complete::generate(
        completions.shell,
        &mut command,
        "aimlapi-video",
        &mut script,
    );
    // clap_complete spells a name with a hyphen in two ways, so that bash would complete no subcommand's options
    // (clap-rs/clap#6421). Once clap_complete is fixed, this replaces nothing.
    let script = String::from_utf8_lossy(&script);
    print_result(
        script
            .trim_end()
            .replace("aimlapi__subcmd__video", "aimlapi__video"),
    )
}

/// Completes the ids of models. The parser of the command accepts any id, since the request is checked later.
fn with_models(command: Command) -> Command {
    let mut ids: Vec<&str> = models().iter().map(|model| &*model.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let names = ["generate", "schema"];
    names.into_iter().fold(command, |command, name| {
        let ids = PossibleValuesParser::new(ids.clone());
        command.mut_subcommand(name, |command| {
            command.mut_arg("model", |model| model.value_parser(ids))
        })
    })
}
