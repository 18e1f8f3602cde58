//! What clap says of a wrong command line, in two lines: what is wrong, and what to do.

use clap::{Command, CommandFactory, Error, error::ErrorKind};

use crate::args::Arguments;

/// The two lines; `None` where clap was asked for something, or has a page to show.
pub(crate) fn told(error: &Error, words: impl Iterator<Item = String>) -> Option<String> {
    let shows_page = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if shows_page {
        return None;
    }
    let rendered = error.render().to_string();
    Some(format!(
        "{}\nsee: {} --help",
        summary(&rendered),
        asked(words)
    ))
}

/// The first paragraphs of clap's page as one sentence. What is indented are tips, or the items of a list.
fn summary(rendered: &str) -> String {
    let lines = rendered.lines();
    let told =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let mut summary = String::new();
    for line in told.filter(|line| !line.trim().is_empty()) {
        let text = line.trim();
        match text.strip_prefix("tip: ") {
            Some(tip) => summary.push_str(&format!("; {tip}")),
            None if summary.is_empty() => summary.push_str(text),
            None if text.starts_with('[') || summary.ends_with(':') => {
                summary.push_str(&format!(" {text}"));
            }
            None => summary.push_str(&format!(", {text}")),
        }
    }
    // What the standard library says of a number means little to whoever typed it.
    summary.replace("invalid digit found in string", "give a whole number")
}

/// The command and its subcommands, as they were written.
fn asked(words: impl Iterator<Item = String>) -> String {
    let root = Arguments::command();
    let mut command: &Command = &root;
    let mut asked = command.get_name().to_owned();
    for word in words.skip(1) {
        if let Some(next) = command.find_subcommand(&word) {
            asked.push_str(&format!(" {word}"));
            command = next;
        } else if !word.starts_with('-') {
            break;
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn lines(words: &[&str]) -> String {
        let words = || {
            let all = ["aimlapi-video"].iter().chain(words);
            all.map(|word| (*word).to_owned())
        };
        let error = Arguments::try_parse_from(words()).expect_err("it is wrong");
        told(&error, words()).expect("an error")
    }

    #[test]
    fn a_wrong_command_line_is_told_in_two_lines_with_the_way_out() {
        for (words, told, page) in [
            (
                &["generate", "--promt", "x"][..],
                "error: unexpected argument '--promt' found; a similar argument exists: '--prompt'",
                "generate",
            ),
            (
                &["batch"],
                "error: the following required arguments were not provided: --out <DIR>, <FILE>",
                "batch",
            ),
            (
                &["-v", "wait", "g", "--deadline", "soon"],
                "error: invalid value 'soon' for '--deadline <TIME>': give a time such as 90s, 30m or 1h30m",
                "wait",
            ),
            (
                &["batch", "b", "-o", "o", "--creates", "many"],
                "error: invalid value 'many' for '--creates <N>': give a whole number",
                "batch",
            ),
            (
                &["completions", "bsh"],
                "error: invalid value 'bsh' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]; a similar value \
                 exists: 'bash'",
                "completions",
            ),
        ] {
            let expected = format!("{told}\nsee: aimlapi-video {page} --help");
            assert_eq!(lines(words), expected);
        }
        let unknown = lines(&["generte"]);
        assert!(unknown.contains("'generate'") && unknown.ends_with("\nsee: aimlapi-video --help"));
        let error = Arguments::try_parse_from(["aimlapi-video", "--help"]).expect_err("a page");
        assert!(told(&error, std::iter::empty()).is_none());
    }

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
