//! `-o` with placeholders: `out/{model}-{id}.mp4`.

use std::path::{Path, PathBuf};

use aimlapi_video::{Download, Generation, GenerationHandle};
use serde_json::json;

use crate::failure::{Failure, line};

/// Where a video goes, as far as that is known before there is one.
#[derive(Debug)]
pub(crate) struct Target {
    pieces: Vec<Piece>,
    /// The folder, which holds no placeholder.
    folder: PathBuf,
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
        let folder = match self::pieces(folder).as_deref() {
            Ok([]) => PathBuf::from("."),
            Ok([Piece::Text(folder)]) => PathBuf::from(folder),
            _ => {
                return Err(Failure::usage(format!(
                    "-o {text}: placeholders stand in the name of the file alone, not in its folder"
                )));
            }
        };
        Ok(Some(Self { pieces, folder }))
    }

    /// Looks whether a file could be written there, as far as that can be known.
    pub(crate) fn check(&self, overwrite: bool) -> Result<(), Failure> {
        let checked = match &*self.pieces {
            [Piece::Text(path)] => return check(Path::new(path), overwrite),
            _ => Download::check_folder(&self.folder),
        };
        checked.map_err(|error| Failure::usage(line(&error)))
    }

    /// Whether the handle alone tells the path: a bare id knows no model.
    pub(crate) fn is_known(&self, handle: &GenerationHandle) -> bool {
        handle.model().is_some() || !self.pieces.contains(&Piece::Model)
    }

    /// The path for this generation, of whose model its answer may say more.
    pub(crate) fn path(&self, handle: &GenerationHandle, answer: Option<&Generation>) -> PathBuf {
        let model = handle.model();
        let model = model.or_else(|| answer.and_then(Generation::model));
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Model => safe_model(model),
            Piece::Id => safe_id(handle.id()),
        };
        self.pieces.iter().map(piece).collect::<String>().into()
    }
}

/// Looks whether this very file could be written, before anything is paid for.
pub(crate) fn check(path: &Path, overwrite: bool) -> Result<(), Failure> {
    Download::check_target(path, overwrite).map_err(|error| {
        let hint = if path.is_file() {
            " by --overwrite"
        } else {
            ""
        };
        Failure::usage(line(&error) + hint)
    })
}

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
        ] {
            let error = Target::read(Path::new(given)).expect_err(given);
            assert!(error.message.contains(told), "{}", error.message);
        }
        assert!(Target::read(Path::new("plain.mp4")).is_ok_and(|target| target.is_none()));
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
