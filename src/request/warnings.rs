//! Warnings about values that a document allows but that are probably unintended: a blank prompt, and media that the service
//! cannot fetch or use.

use aimlapi_video_contract::pointer_step;
use serde_json::{Map, Value};

use super::{FORMATS, media};
use crate::{
    Warning,
    contract::{Model, Property, Role, Schema},
};

/// Warns about every such value in a body, at every depth.
pub(super) fn unlikely(model: &Model, body: &Map<String, Value>) -> Vec<Warning> {
    let mut search = Search {
        prompt: model
            .property(Role::Prompt)
            .map(|prompt| prompt.name.as_str()),
        found: Vec::new(),
    };
    search.object("", &model.properties, body);
    search.found
}

struct Search<'a> {
    /// The name of the model's prompt. Nested objects, such as the shots of a clip, have prompts of the same name.
    prompt: Option<&'a str>,
    found: Vec<Warning>,
}

impl Search<'_> {
    fn object(&mut self, at: &str, properties: &[Property], map: &Map<String, Value>) {
        for property in properties {
            let Some(value) = map.get(&property.name) else {
                continue;
            };
            let pointer = format!("{at}{}", pointer_step(&property.name));
            if let (true, Value::String(text)) = (Some(&*property.name) == self.prompt, value)
                && is_blank(text)
            {
                let message =
                    "the prompt is blank: it holds no visible character; describe the video";
                self.found.push(Warning::new(&pointer, message));
            }
            self.value(&pointer, property, &property.schema, value);
        }
    }

    fn value(&mut self, at: &str, property: &Property, schema: &Schema, value: &Value) {
        match (schema.typed(), value) {
            (Schema::Object(properties), Value::Object(map)) => self.object(at, properties, map),
            (Schema::Array { items, .. }, Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(&format!("{at}/{index}"), property, items, value);
                }
            }
            (Schema::Alternatives { arms, .. }, _) => {
                if let Some(arm) = arms.iter().find(|arm| arm.check(value, FORMATS).is_empty()) {
                    self.value(at, property, arm, value);
                }
            }
            (schema, Value::String(text)) => {
                let is_uri = matches!(schema, Schema::Uri | Schema::UriOrBase64);
                if property.media || is_uri {
                    self.media(at, property, text);
                }
            }
            _ => {}
        }
    }

    fn media(&mut self, at: &str, property: &Property, text: &str) {
        if let Some(unsuitable) = media::unsuitable(text, property.kind) {
            let mut warning = Warning::new(at, unsuitable.message);
            warning.is_unusable = unsuitable.is_certain;
            self.found.push(warning);
        }
    }
}

/// Whether a text has only white space, control characters, and characters without a glyph.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || INVISIBLE
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&c))
    })
}

/// Characters that are ignored where they are not supported (Unicode's Default_Ignorable_Code_Point), and the blank
/// pattern of Braille.
const INVISIBLE: &[(char, char)] = &[
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFF8}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_visible_character_is_blank() {
        for blank in [
            "",
            " \t\r\n",
            "\u{A0}\u{3000}\u{2003}",
            "\u{200B}\u{200D}\u{FEFF}",
            "\u{2060}\u{AD}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\0\u{1B}",
            "\u{202E}",
            "\u{FE0F}",
            "\u{E0020}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in [".", "0", "\u{200B}a", "猫", "\u{1F3AC}\u{FE0F}", "\u{301}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
