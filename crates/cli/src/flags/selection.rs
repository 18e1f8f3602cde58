//! The model that a command line names, found before the flags of the model are known.

use std::{ffi::OsString, path::Path};

use clap::{Arg, Command};

use super::Flag;
use crate::{
    args::{Documents, route_of},
    catalogue,
    documents::Catalogue,
    failure::Failure,
    request,
};

/// What the flags of a command line depend on.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) command: String,
    documents: Documents,
    legacy: bool,
    unchecked: bool,
    /// The file of `--request`, which may name the model.
    request: Option<String>,
    /// The arguments that may be the model, in their order.
    arguments: Vec<String>,
    /// Those of them that may be the value of an unknown flag.
    doubtful: Vec<String>,
}

impl Selection {
    /// Reads the words of a command line, the program's name first. `None` for commands without a model's flags.
    pub(crate) fn read(root: &Command, words: &[OsString]) -> Option<Self> {
        let words = words.iter().skip(1).map(|word| word.to_string_lossy());
        let mut words = words.map(String::from);
        let mut selection = Self::default();
        let name = loop {
            let word = words.next()?;
            if !word.starts_with('-') {
                break word;
            }
        };
        let command = root.find_subcommand(&name)?;
        if !WITH_FLAGS.contains(&&*name) {
            return None;
        }
        selection.command = name;
        let mut is_after_unknown = false;
        while let Some(word) = words.next() {
            let is_doubtful = std::mem::take(&mut is_after_unknown);
            if word == "--" {
                selection.arguments.extend(words.by_ref());
            } else if word.starts_with('-') && word != "-" {
                match option(root, command, &word) {
                    Some((arg, value)) => {
                        let takes_value = arg.get_action().takes_values();
                        let value = value.or_else(|| takes_value.then(|| words.next())?);
                        selection.set(arg.get_long().unwrap_or_default(), value);
                    }
                    None => is_after_unknown = !word.contains('='),
                }
            } else if is_doubtful {
                selection.doubtful.push(word);
            } else {
                selection.arguments.push(word);
            }
        }
        Some(selection)
    }

    fn set(&mut self, long: &str, value: Option<String>) {
        match long {
            "documents" => self.documents.folder = value.map(Into::into),
            "legacy" => self.legacy = true,
            "unchecked" => self.unchecked = true,
            "request" => self.request = value,
            _ => {}
        }
    }

    /// The id of the model, and its flags; `None` if the command line names no model.
    pub(crate) fn flags(&self) -> Result<Option<(String, Vec<Flag>)>, Failure> {
        let catalogue = Catalogue::read(&self.documents)?;
        let route = route_of(self.legacy);
        let known = |id: &String| Some((id.clone(), super::of(catalogue.model(route, id)?)));
        let mut named = self.arguments.iter().chain(&self.doubtful);
        if let Some(known) = named.find_map(known) {
            return Ok(Some(known));
        }
        // A pipe can be read only once, so a request on standard input cannot name the model.
        let stored = self.request.as_deref();
        let stored = stored.filter(|path| self.arguments.is_empty() && Path::new(path).is_file());
        let stored = stored.and_then(|path| request::stored(path).ok());
        let stored = stored.map(|body| request::model_id(&body));
        // Behind an unknown flag, a word with the form of an id is a misspelled one.
        let is_id = |word: &&String| word.contains('/') && !word.contains("://");
        let misspelled = || self.doubtful.iter().rfind(is_id);
        let named = stored.as_ref().or(self.arguments.first());
        match named.or_else(misspelled) {
            None => Ok(None),
            // `validate` reads files, too.
            Some(id) if Path::new(id).exists() => Ok(None),
            Some(id) if self.unchecked => Err(Failure::usage(format!(
                "no document describes {id}, so it has no flags of its own; set its parameters by --set NAME=VALUE"
            ))),
            Some(id) => {
                let model = catalogue::find(&catalogue, route, id)?;
                Ok(Some((id.clone(), super::of(model))))
            }
        }
    }

    /// The documents that the command line names.
    pub(crate) fn into_documents(self) -> Documents {
        self.documents
    }
}

/// The commands that take a model's flags.
const WITH_FLAGS: [&str; 2] = ["generate", "validate"];

/// The option that a word names, with the value in the same word.
pub(super) fn option<'a>(
    root: &'a Command,
    command: &'a Command,
    word: &str,
) -> Option<(&'a Arg, Option<String>)> {
    let find = |is_named: &dyn Fn(&Arg) -> bool| {
        let mut known = command.get_arguments().chain(root.get_arguments());
        known.find(|arg| is_named(arg))
    };
    if let Some(long) = word.strip_prefix("--") {
        let (long, value) = match long.split_once('=') {
            Some((long, value)) => (long, Some(value.to_owned())),
            None => (long, None),
        };
        return Some((find(&|arg| arg.get_long() == Some(long))?, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    loop {
        let letter = letters.next()?;
        let arg = find(&|arg| arg.get_short() == Some(letter))?;
        let rest = letters.as_str();
        if arg.get_action().takes_values() || rest.is_empty() {
            return Some((arg, (!rest.is_empty()).then(|| rest.to_owned())));
        }
    }
}
