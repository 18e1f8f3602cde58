//! The commands with the flags of the model that a command line names.

use std::{ffi::OsString, process::ExitCode};

use clap::{
    Arg, Args, Command, CommandFactory, FromArgMatches, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Flag, Given, hyphens, is_alias, selection::Selection};
use crate::{
    args::{self, Arguments, Generate, Validate},
    failure::{Failure, USAGE},
    output::print_note,
    style::Color,
};

/// Parses the arguments of this process.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    color(&words).apply();
    let root = Arguments::command();
    let selection = Selection::read(&root, &words);
    let found = selection.as_ref().map(Selection::flags);
    let (model, flags) = match &found {
        Some(Ok(Some((model, flags)))) => (&**model, &**flags),
        _ => ("", &[][..]),
    };
    let name = selection
        .as_ref()
        .map_or("", |selection| &*selection.command);
    let own: Vec<Flag> = own(&root, name, flags).cloned().collect();
    let mut command = with_flags(root, name, model, flags);
    let words = hyphens::attached(&command, words);
    let parsed = command.try_get_matches_from_mut(words).and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches)?;
        Ok((matches, arguments))
    });
    let (matches, mut parsed) = parsed.map_err(|error| match (&found, error.kind()) {
        // The flag may be one of that model.
        (Some(Err(failure)), ErrorKind::UnknownArgument) => failure.report(is_json(), None),
        (Some(Err(failure)), ErrorKind::DisplayHelp) => unparsed(&error, Some(&failure.message)),
        (Some(Ok(None)), ErrorKind::UnknownArgument) => {
            let note = "to set a model's parameters by its flags, name MODEL on the command line";
            unparsed(&error, Some(note))
        }
        _ => unparsed(&error, remedy(&error).as_deref()),
    })?;
    let parameters = match &mut parsed.command {
        args::Command::Generate(generate) => &mut generate.parameters,
        args::Command::Validate(validate) => &mut validate.parameters,
        _ => return Ok(parsed),
    };
    if let (Some(selection), Some((_, matches))) = (selection, matches.subcommand()) {
        let given = own.into_iter().filter_map(|flag| {
            let values = matches
                .get_many::<String>(&flag.spelling())?
                .cloned()
                .collect();
            Some(Given { flag, values })
        });
        parameters.flags = given.collect();
        // They hold the models that were read for the flags.
        parameters.documents = selection.into_documents();
    }
    Ok(parsed)
}

/// How to write a value that was taken for a flag, or a prompt without its flag.
fn remedy(error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(&**text),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue) == Some("") => {
            let option = argument.split(' ').next().unwrap_or_default();
            Some(format!(
                "for a value that looks like a flag, write {option}=VALUE"
            ))
        }
        ErrorKind::UnknownArgument if !argument.starts_with('-') => Some(
            "a text of several words is one argument in quotes; the prompt follows --prompt".into(),
        ),
        _ => None,
    }
}

/// Prints the help or the error of arguments that cannot be parsed, the latter also as JSON if `--json` is among them.
fn unparsed(error: &clap::Error, note: Option<&str>) -> ExitCode {
    let _ = error.print();
    if let Some(note) = note {
        print_note(format!("note: {note}"));
    }
    if error.use_stderr() && is_json() {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let message = match error.get(ContextKind::SuggestedArg) {
            Some(nearest) => format!("{message}; did you mean {nearest}?"),
            None => message.to_owned(),
        };
        Failure::usage(message).print_json(None);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

/// The value of `--color`, which also concerns the messages about arguments that cannot be parsed.
fn color(words: &[OsString]) -> Color {
    let mut words = words.iter().filter_map(|word| word.to_str());
    let mut last = None;
    while let Some(word) = words.next().filter(|word| *word != "--") {
        last = match word {
            "--color" => words.next(),
            word => word.strip_prefix("--color=").or(last),
        };
    }
    let value = last.and_then(|value| Color::from_str(value, false).ok());
    value.unwrap_or(Color::Auto)
}

fn is_json() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

/// The flags that are not flags of the command already.
fn own<'a>(root: &Command, name: &str, flags: &'a [Flag]) -> impl Iterator<Item = &'a Flag> {
    let command = root.find_subcommand(name).map(Command::get_arguments);
    let known = command.into_iter().flatten().chain(root.get_arguments());
    let known: Vec<String> = known
        .filter_map(Arg::get_long)
        .chain(["help"])
        .map(str::to_owned)
        .collect();
    flags.iter().filter(move |flag| !known.contains(&flag.name))
}

/// Adds a model's flags to a command, under a heading before those of the command.
pub(crate) fn with_flags(root: Command, name: &str, model: &str, flags: &[Flag]) -> Command {
    if flags.is_empty() {
        return root;
    }
    let heading = format!("Parameters of {model}");
    let own: Vec<&str> = own(&root, name, flags).map(|flag| &*flag.name).collect();
    let (mut args, mut aliases, mut clashes) = (Vec::new(), Vec::new(), Vec::new());
    for (order, flag) in flags.iter().enumerate() {
        if own.contains(&&*flag.name) {
            args.push(flag.arg(&heading, order));
        } else if is_alias(flag) {
            aliases.push((flag, order));
        } else {
            clashes.push(flag.path.join("."));
        }
    }
    root.mut_subcommand(name, |command| {
        // Headings are printed in the order of their first arguments.
        let rebuilt = Command::new(command.get_name().to_owned()).args(args);
        let rebuilt = match name {
            "validate" => Validate::augment_args(rebuilt),
            _ => Generate::augment_args(rebuilt),
        };
        let about = command.get_about().cloned().unwrap_or_default();
        let long_about = command.get_long_about().cloned().unwrap_or_default();
        let mut rebuilt = rebuilt.about(about).long_about(long_about);
        for (flag, order) in aliases {
            let arg = |arg: Arg| {
                arg.help(flag.help())
                    .long_help(None)
                    .help_heading(heading.clone())
                    .display_order(order)
            };
            rebuilt = rebuilt.mut_arg(&flag.name, arg);
        }
        if clashes.is_empty() {
            return rebuilt;
        }
        // The command's own flag of that name has another meaning.
        rebuilt.mut_arg("set", |arg| {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let help = format!(
                "{help}; only --set reaches {} of this model",
                clashes.join(", ")
            );
            arg.help(help).long_help(None)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aimlapi_video::models;

    use super::*;

    #[test]
    fn every_parameter_of_every_model_has_a_flag_that_no_flag_of_the_command_hides() {
        let root = Arguments::command();
        let mut clashes = BTreeSet::new();
        for model in models() {
            let flags = super::super::of(model);
            let paths: Vec<String> = flags.iter().map(|flag| flag.path.join(".")).collect();
            let expected = model.paths().into_iter().map(|(path, _)| path);
            // The argument MODEL sets the first one; items of arrays are written as JSON.
            let expected = expected.filter(|path| path != "model" && !path.contains("[]"));
            for path in expected {
                assert!(paths.contains(&path), "{} {path}", model.id);
            }
            for name in ["generate", "validate"] {
                let own: Vec<&str> = own(&root, name, &flags).map(|flag| &*flag.name).collect();
                let hidden = flags
                    .iter()
                    .filter(|flag| !own.contains(&&*flag.name) && !is_alias(flag));
                clashes.extend(hidden.map(|flag| flag.name.clone()));
                with_flags(root.clone(), name, &model.id, &flags).debug_assert();
            }
        }
        // A name in this list is reachable by --set alone; the guide's rule covers it.
        assert_eq!(clashes, BTreeSet::new());
    }
}
