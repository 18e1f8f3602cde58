//! Values that begin with a hyphen: `--prompt "-5 degrees"` and `--since -1d`.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::selection::option;

/// The words of a command line, each value with a hyphen in the word of its option: `--prompt=-5 degrees`. Without this, clap
/// takes the value for an option.
pub(super) fn attached(root: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let mut command = root;
    let mut attached = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(mut word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            attached.push(word);
            break;
        }
        command = command.find_subcommand(&*text).unwrap_or(command);
        if is_open(root, command, &text)
            && let Some(value) =
                words.next_if(|next| is_value(root, command, &next.to_string_lossy()))
        {
            word.push("=");
            word.push(value);
        }
        attached.push(word);
    }
    attached.extend(words);
    attached
}

/// Whether a word is an option whose value is the next word.
fn is_open(root: &Command, command: &Command, word: &str) -> bool {
    let named = option(root, command, word).filter(|_| word.starts_with("--"));
    let takes_next = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    named.is_some_and(|(arg, value)| value.is_none() && takes_next(arg))
}

/// Whether a word that begins with a hyphen is neither an option nor a misspelled one.
fn is_value(root: &Command, command: &Command, word: &str) -> bool {
    let is_text = word.contains(char::is_whitespace);
    let is_option = word.starts_with("--") || option(root, command, word).is_some();
    word.len() > 1 && word.starts_with('-') && (is_text || !is_option)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn value_with_a_hyphen_is_attached_to_its_option_and_an_option_is_not() {
        let root = Arguments::command();
        for (line, expected) in [
            ("a generate m --prompt|-5 degrees", "--prompt=-5 degrees"),
            ("a generate m --prompt|--ar 16:9", "--prompt=--ar 16:9"),
            ("a generate m --prompt|-blurry", "--prompt=-blurry"),
            ("a -v history --since|-1d", "--since=-1d"),
            ("a history prune --older-than|-1d", "--older-than=-1d"),
            (
                "a generate m --prompt|--duration 5",
                "--prompt=--duration 5",
            ),
            ("a generate m --prompt|--duration", "--duration"),
            ("a generate m --prompt|--durration", "--durration"),
            ("a generate m --prompt|-o", "-o"),
            ("a generate m --prompt|-", "-"),
            ("a generate m --prompt|--", "--"),
            ("a generate m --prompt=x|-5", "-5"),
            ("a generate m --json|-5", "-5"),
            ("a generate m -- --prompt|-5", "-5"),
        ] {
            let (head, last) = line.split_once('|').expect("a last word");
            let words = head.split(' ').chain([last]).map(OsString::from);
            let words = attached(&root, words.collect());
            assert_eq!(words.last().expect("words"), expected, "{line}");
        }
    }
}
