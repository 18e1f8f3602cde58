//! Completions: the script that connects a shell to this program, and the candidates for each word.

use std::{
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use aimlapi_video::Model;
use clap::{Command, CommandFactory};
use clap_complete::{
    ArgValueCompleter, CompleteEnv, CompletionCandidate, PathCompleter, Shell,
    engine::ValueCompleter, env::Shells,
};

use crate::{
    args::{Arguments, Completions},
    documents::Catalogue,
    failure::Failure,
    flags::{Selection, with_flags},
    output::print_result,
};

/// `completions`
pub(crate) fn completions(completions: &Completions) -> ExitCode {
    if completions.shell == Shell::Bash {
        return print_result(BASH.trim_end());
    }
    let shell = completions.shell.to_string();
    let mut script = Vec::new();
    let written = Shells::builtins()
        .completer(&shell)
        .map(|shell| shell.write_registration(VARIABLE, NAME, NAME, NAME, &mut script));
    match written {
        Some(Ok(())) => print_result(String::from_utf8_lossy(&script).trim()),
        _ => Failure::usage(format!("no completions exist for {shell}")).report(false, None),
    }
}

/// Prints completions, if a shell asks for them by [`VARIABLE`], and ends the process.
pub(crate) fn complete() {
    CompleteEnv::with_factory(|| {
        let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
        completed(Arguments::command(), &words.collect::<Vec<_>>())
    })
    .var(VARIABLE)
    .complete();
}

/// The commands with everything that completes these words.
fn completed(root: Command, words: &[OsString]) -> Command {
    let selection = Selection::read(&root, words).unwrap_or_default();
    let root = match selection.flags() {
        Ok(Some((model, flags))) => with_flags(root, &selection.command, &model, &flags),
        Ok(None) | Err(_) => root,
    };
    let catalogue = Catalogue::read(&selection.into_documents()).unwrap_or_default();
    let of_files = catalogue.clone();
    let id = ArgValueCompleter::new(move |start: &OsStr| models(&catalogue, start));
    let id_or_file = ArgValueCompleter::new(move |start: &OsStr| {
        let mut candidates = models(&of_files, start);
        candidates.extend(PathCompleter::file().complete(start));
        candidates
    });
    let with_model = ["generate", "schema", "batch", "validate"].into_iter();
    let root = with_model.fold(root, |root, name| {
        root.mut_subcommand(name, |command| {
            command.mut_arg("model", |arg| arg.add(id.clone()))
        })
    });
    root.mut_subcommand("validate", |command| {
        command.mut_arg("input", |arg| arg.add(id_or_file))
    })
}

/// The ids of models that begin with a text, each with its task.
fn models(catalogue: &Catalogue, start: &OsStr) -> Vec<CompletionCandidate> {
    let mut models = catalogue.models();
    models.retain(|model| model.id.starts_with(&*start.to_string_lossy()));
    models.sort_unstable_by_key(|model| &model.id);
    models.dedup_by_key(|model| &model.id);
    let candidate = |model: &Model| {
        CompletionCandidate::new(&model.id).help(Some(model.task.to_string().into()))
    };
    models.into_iter().map(candidate).collect()
}

const NAME: &str = "aimlapi-video";

/// The environment variable by which a shell's script asks for completions; its value is the shell. Scripts of other programs
/// share clap_complete's default, `COMPLETE`.
const VARIABLE: &str = "AIMLAPI_VIDEO_COMPLETE";

/// clap_complete's own script passes `--name=value` and values such as `16:9` in pieces, which complete as other arguments.
const BASH: &str = include_str!("completions/bash.sh");
