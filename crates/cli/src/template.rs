//! `-o` with placeholders: `out/{model}-{id}.mp4`.

use std::path::{Path, PathBuf};

use aimlapi_video::{Download, Generation, GenerationHandle, ReservedTarget};
use serde_json::json;

use crate::failure::{Failure, line};

/// Where a video goes, as far as that is known before there is one.
#[derive(Debug)]
pub(crate) struct Target {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Model,
    Id,
}

impl Target {
    /// Reads what was given to `-o`. A path that is no UTF-8 stands for itself, and is `None`, as is one without braces.
    pub(crate) fn read(given: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = given.to_str().filter(|text| text.contains(['{', '}'])) else {
            return Ok(None);
        };
        let pieces = pieces(text).map_err(|what| Failure::usage(format!("-o {text}: {what}")))?;
        let folder = given.parent().and_then(Path::to_str).unwrap_or_default();
        // A folder that is yet to be named cannot be tried before it is paid for.
        let has_fixed_folder = matches!(self::pieces(folder).as_deref(), Ok([] | [Piece::Text(_)]));
        let is_literal = matches!(&*pieces, [Piece::Text(_)]);
        if !is_literal && (!has_fixed_folder || text.ends_with(std::path::is_separator)) {
            return Err(Failure::usage(format!(
                "-o {text}: placeholders stand in the name of the file alone, not in its folder"
            )));
        }
        Ok(Some(Self { pieces }))
    }

    /// The path, if no placeholder is in it.
    pub(crate) fn literal(&self) -> Option<&Path> {
        match &*self.pieces {
            [Piece::Text(path)] => Some(Path::new(path)),
            _ => None,
        }
    }

    /// Tries whether a file could be saved there, with an id as long as ids become in names of files.
    pub(crate) fn check(&self, model: &str) -> Result<(), Failure> {
        let id = "x".repeat(LONGEST_ID);
        let path = self.filled(safe_model(Some(model)), id);
        Download::check_target(path, true).map_err(|error| Failure::usage(line(&error)))
    }

    /// Whether the handle alone tells the path: a bare id knows no model.
    pub(crate) fn is_known(&self, handle: &GenerationHandle) -> bool {
        handle.model().is_some() || !self.pieces.contains(&Piece::Model)
    }

    /// The path for this generation, of whose model its answer may say more.
    pub(crate) fn path(&self, handle: &GenerationHandle, answer: Option<&Generation>) -> PathBuf {
        let model = handle.model();
        let model = model.or_else(|| answer.and_then(Generation::model));
        self.filled(safe_model(model), safe_id(handle.id()))
    }

    fn filled(&self, model: String, id: String) -> PathBuf {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Model => model.clone(),
            Piece::Id => id.clone(),
        };
        self.pieces.iter().map(piece).collect::<String>().into()
    }
}

/// Keeps this very file for this command, before anything is paid for.
pub(crate) fn reserve(path: &Path, overwrite: bool) -> Result<ReservedTarget, Failure> {
    Download::reserve_target(path, overwrite).map_err(|error| {
        let line = line(&error);
        let hint = match line.ends_with("ask to overwrite it") {
            true => " by --overwrite",
            false => "",
        };
        Failure::usage(line + hint)
    })
}

/// The longest that an id becomes: its beginning, and a number that stands for the whole.
const LONGEST_ID: usize = 73;

/// The path as `-o` is to be given it, so that its braces stand for themselves.
pub(crate) fn literally(path: &Path) -> String {
    path.display()
        .to_string()
        .replace('{', "{{")
        .replace('}', "}}")
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{").or(rest.strip_prefix("}}")) {
            plain.push_str(&rest[..1]);
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let piece = match name {
            Some(("model", _)) => Piece::Model,
            Some(("id", _)) => Piece::Id,
            Some((name, _)) => {
                return Err(format!(
                    "{{{name}}} is no placeholder; there are {{model}} and {{id}}, and {{{{ and }}}} are braces"
                ));
            }
            None => {
                return Err(
                    "a brace has no counterpart; write {{ or }} for a brace that is meant".into(),
                );
            }
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(piece);
        rest = name.map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The id as it stands in the library's own names of files, which every system takes.
fn safe_id(id: &str) -> String {
    let name = Generation::from_json(json!({ "id": id, "model": "m" })).file_name();
    let name = name.strip_prefix("m-").unwrap_or(&name);
    name.strip_suffix(".mp4").unwrap_or(name).to_owned()
}

fn safe_model(model: Option<&str>) -> String {
    let name = Generation::from_json(json!({ "id": "i", "model": model })).file_name();
    name.strip_suffix("-i.mp4").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(template: &str, id: &str) -> PathBuf {
        let target = Target::read(Path::new(template)).expect("a template");
        let handle: GenerationHandle =
            serde_json::from_value(json!({ "id": id, "model": "klingai/v2" })).expect("a handle");
        target.expect("braces").path(&handle, None)
    }

    #[test]
    fn placeholders_are_filled_with_what_every_system_takes() {
        assert_eq!(
            path("out/{model}-{id}.mp4", "a1"),
            Path::new("out/klingai-v2-a1.mp4")
        );
        assert_eq!(path("{id}{id}", "a1"), Path::new("a1a1"));
        assert_eq!(path("{{{id}}}.mp4", "a1"), Path::new("{a1}.mp4"));
        assert_eq!(path("{{}}.mp4", "a1"), Path::new("{}.mp4"));
        let (one, other) = (path("{id}.mp4", "../a:b"), path("{id}.mp4", "../a/b"));
        assert_ne!(one, other);
        for path in [one, other] {
            assert!(path.components().count() == 1 && !path.to_string_lossy().contains([':', '/']));
        }
        assert_eq!(safe_model(None), "video");
    }

    #[test]
    fn what_is_no_template_is_refused_with_what_to_write() {
        for (given, told) in [
            ("{modle}.mp4", "{model} and {id}"),
            ("{}.mp4", "{} is no placeholder"),
            ("a{.mp4", "no counterpart"),
            ("a}.mp4", "no counterpart"),
            ("{id}/a.mp4", "not in its folder"),
            ("x/{model}/{id}.mp4", "not in its folder"),
            ("x/{id}/", "not in its folder"),
        ] {
            let error = Target::read(Path::new(given)).expect_err(given);
            assert!(error.message.contains(told), "{}", error.message);
        }
        assert!(Target::read(Path::new("plain.mp4")).is_ok_and(|target| target.is_none()));
    }

    #[test]
    fn no_id_becomes_longer_than_the_check_takes_it_to_be() {
        for id in ["x".repeat(500), "/".repeat(500), "a:".repeat(500)] {
            assert!(safe_id(&id).len() <= LONGEST_ID, "{}", safe_id(&id));
        }
        assert_eq!(safe_id(&("x".repeat(500))).len(), LONGEST_ID);
    }

    #[test]
    fn a_path_given_literally_is_itself_again() {
        for given in ["a{b}c.mp4", "}{", "{{x}}", "plain"] {
            let text = literally(Path::new(given));
            let pieces = pieces(&text).expect("a template");
            assert_eq!(pieces, [Piece::Text(given.to_owned())]);
        }
    }
}
