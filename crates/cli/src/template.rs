//! Paths with placeholders: `out/{model}-{id}.mp4`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use aimlapi_video::{Download, Generation, GenerationHandle};
use serde_json::json;

use crate::failure::Failure;

/// A path whose file name depends on the generation.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Model,
    Id,
}

impl Template {
    /// Parses the value of `-o`; `None` for a path without braces or not in UTF-8, which is taken literally.
    pub(crate) fn read(given: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = given.to_str().filter(|text| text.contains(['{', '}'])) else {
            return Ok(None);
        };
        let pieces = pieces(text, of_generation)
            .map_err(|error| Failure::usage(format!("-o {text}: {error}")))?;
        let folder = given.parent().and_then(Path::to_str).unwrap_or_default();
        // A folder whose name depends on the generation cannot be checked before the generation is billed.
        let has_fixed_folder = matches!(
            self::pieces(folder, of_generation).as_deref(),
            Ok([] | [Piece::Text(_)])
        );
        let is_literal = matches!(&*pieces, [Piece::Text(_)]);
        if !is_literal && (!has_fixed_folder || text.ends_with(std::path::is_separator)) {
            return Err(Failure::usage(format!(
                "-o {text}: a placeholder is allowed in the name of the file, not in its folder"
            )));
        }
        Ok(Some(Self { pieces }))
    }

    /// Parses a text whose placeholders are values of a request; those without a value, which have to be `{model}` or `{id}`, are
    /// placeholders of the template.
    pub(crate) fn of_request(
        text: &str,
        mut value: impl FnMut(&str) -> Result<Option<String>, String>,
    ) -> Result<Self, String> {
        let piece = |name: &str| match value(name)? {
            Some(value) => Ok(Piece::Text(value)),
            None => of_generation(name),
        };
        Ok(Self {
            pieces: pieces(text, piece)?,
        })
    }

    /// The path, if it has no placeholder.
    pub(crate) fn literal(&self) -> Option<&Path> {
        match &*self.pieces {
            [Piece::Text(path)] => Some(Path::new(path)),
            _ => None,
        }
    }

    /// Checks that a file can be saved there, with the longest id that a file name can have.
    pub(crate) fn check(&self, model: &str) -> Result<(), Failure> {
        let id = "x".repeat(MAX_ID_LENGTH);
        let path = self.filled(safe_model(Some(model)), id);
        Download::check_target(path, true).map_err(|error| Failure::unusable(&error))
    }

    /// Whether the handle determines the path: a handle made from an id has no model.
    pub(crate) fn is_known(&self, handle: &GenerationHandle) -> bool {
        handle.model().is_some() || !self.pieces.contains(&Piece::Model)
    }

    /// The path for a generation. Where the handle has no model, the response may.
    pub(crate) fn path(&self, handle: &GenerationHandle, response: Option<&Generation>) -> PathBuf {
        let model = handle.model();
        let model = model.or_else(|| response.and_then(Generation::model));
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

/// The value of `-o` that means this template.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&escape(Path::new(text))),
            Piece::Model => f.write_str("{model}"),
            Piece::Id => f.write_str("{id}"),
        })
    }
}

/// The length of the longest id in a file name: the beginning of the id and a hash of it.
const MAX_ID_LENGTH: usize = 73;

/// The value of `-o` that means this path: braces are doubled.
pub(crate) fn escape(path: &Path) -> String {
    path.display()
        .to_string()
        .replace('{', "{{")
        .replace('}', "}}")
}

/// The placeholder of a generation.
fn of_generation(name: &str) -> Result<Piece, String> {
    match name {
        "model" => Ok(Piece::Model),
        "id" => Ok(Piece::Id),
        _ => Err(format!(
            "{{{name}}} is not a placeholder; use {{model}} or {{id}}, and {{{{ or }}}} for a brace"
        )),
    }
}

fn pieces(
    text: &str,
    mut placeholder: impl FnMut(&str) -> Result<Piece, String>,
) -> Result<Vec<Piece>, String> {
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
        let Some((name, after)) = name else {
            return Err("unbalanced brace; write {{ or }} for a brace in the name".into());
        };
        rest = after;
        let piece = match placeholder(name)? {
            Piece::Text(text) => {
                plain.push_str(&text);
                continue;
            }
            piece => piece,
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(piece);
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The name that the library gives to a generation's video.
pub(crate) fn default_name(handle: &GenerationHandle) -> String {
    let named = json!({ "id": handle.id(), "model": handle.model() });
    Generation::from_json(named).file_name()
}

/// The id as the library writes it into file names, with characters that every system allows.
fn safe_id(id: &str) -> String {
    let name = Generation::from_json(json!({ "id": id, "model": "m" })).file_name();
    let name = name.strip_prefix("m-").unwrap_or(&name);
    name.strip_suffix(".mp4").unwrap_or(name).to_owned()
}

/// The model as the library writes it into file names.
pub(crate) fn safe_model(model: Option<&str>) -> String {
    let name = Generation::from_json(json!({ "id": "i", "model": model })).file_name();
    name.strip_suffix("-i.mp4").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(template: &str, id: &str) -> PathBuf {
        let template = Template::read(Path::new(template)).expect("a template");
        let handle: GenerationHandle =
            serde_json::from_value(json!({ "id": id, "model": "klingai/v2" })).expect("a handle");
        template.expect("braces").path(&handle, None)
    }

    #[test]
    fn placeholders_become_characters_that_every_system_allows() {
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
    fn wrong_template_is_an_error_with_what_to_write() {
        for (given, expected) in [
            ("{modle}.mp4", "use {model} or {id}"),
            ("{}.mp4", "{} is not a placeholder"),
            ("a{.mp4", "unbalanced brace"),
            ("a}.mp4", "unbalanced brace"),
            ("{id}/a.mp4", "not in its folder"),
            ("x/{model}/{id}.mp4", "not in its folder"),
            ("x/{id}/", "not in its folder"),
        ] {
            let error = Template::read(Path::new(given)).expect_err(given);
            assert!(error.message.contains(expected), "{}", error.message);
        }
        assert!(Template::read(Path::new("plain.mp4")).is_ok_and(|template| template.is_none()));
    }

    #[test]
    fn id_in_a_file_name_is_at_most_as_long_as_the_check_assumes() {
        for id in ["x".repeat(500), "/".repeat(500), "a:".repeat(500)] {
            assert!(safe_id(&id).len() <= MAX_ID_LENGTH, "{}", safe_id(&id));
        }
        assert_eq!(safe_id(&("x".repeat(500))).len(), MAX_ID_LENGTH);
    }

    #[test]
    fn escaped_path_parses_to_itself() {
        for given in ["a{b}c.mp4", "}{", "{{x}}", "plain"] {
            let text = escape(Path::new(given));
            let pieces = pieces(&text, of_generation).expect("a template");
            assert_eq!(pieces, [Piece::Text(given.to_owned())]);
        }
    }
}
