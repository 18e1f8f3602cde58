//! Where the prose of published documents allows base64 text and the overlay does not, and the reverse.

use std::collections::BTreeSet;

use serde_json::Value;

use aimlapi_video_codegen::document::Create;

/// Properties with the models that have them, by path.
#[derive(Default)]
pub(super) struct Base64 {
    /// The prose allows base64 text, and the overlay does not mark it.
    pub(super) unmarked: BTreeSet<(String, String)>,
    /// The overlay marks the property, and the prose does not mention base64 text.
    pub(super) unstated: BTreeSet<(String, String)>,
}

impl Base64 {
    /// Compares the prose of requests with the marks of the overlay.
    pub(super) fn of(creates: &[Create]) -> Self {
        let mut found = Self::default();
        for create in creates {
            found.compare(&create.schema, "", "", &create.model);
        }
        found
    }

    fn compare(&mut self, schema: &Value, path: &str, above: &str, model: &str) {
        let own = schema["description"].as_str().unwrap_or_default();
        let text = format!("{above} {own}").to_lowercase();
        // Text about a property is missing in a vendored document.
        if schema["format"] == "uri" && !text.trim().is_empty() {
            let is_marked = schema["x-base64"] == true;
            // `format: uri` allows a data URI.
            let is_stated = text.contains("base64") && !text.contains("data ur");
            let entry = (path.to_owned(), model.to_owned());
            match (is_stated, is_marked) {
                (true, false) => self.unmarked.insert(entry),
                (false, true) => self.unstated.insert(entry),
                _ => false,
            };
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let at = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            self.compare(property, &at, "", model);
        }
        if let Some(items) = schema.get("items") {
            self.compare(items, &format!("{path}[]"), &text, model);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let arms = schema[keyword].as_array();
            for arm in arms.into_iter().flatten() {
                self.compare(arm, path, &text, model);
            }
        }
    }
}
