//! Names of files from requests: `{prompt}`, `{date}`, `{n}`, and the request's parameters.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aimlapi_video::{GenerationRequest, Model, Role};
use serde_json::Value;

use crate::{
    failure::Failure,
    template::{Template, safe_model},
};

/// What a file is named after.
#[derive(Clone, Copy)]
pub(crate) struct Naming<'a> {
    pub(crate) request: &'a GenerationRequest,
    /// `None` for a model without a document.
    pub(crate) model: Option<&'a Model>,
}

impl Naming<'_> {
    /// The value of `-o` with the request's placeholders replaced; those of the generation are kept. `{n}` is the lowest number
    /// that makes a name without a file.
    pub(crate) fn output(&self, given: &Path) -> Result<PathBuf, Failure> {
        let Some(text) = given.to_str().filter(|text| text.contains(['{', '}'])) else {
            return Ok(given.to_owned());
        };
        let refused = |error: String| Failure::usage(format!("-o {text}: {error}"));
        let mut number = 1;
        loop {
            let mut is_numbered = false;
            let template = Template::of_request(text, |name| {
                is_numbered |= name == "n";
                match name {
                    "id" => Ok(None),
                    "model" if !text.contains("{n}") => Ok(None),
                    _ => self.value(name, number).map(Some),
                }
            });
            let template = template.map_err(refused)?;
            let is_free = match template.literal() {
                Some(path) => path.symlink_metadata().is_err(),
                None if is_numbered => {
                    return Err(refused(
                        "{n} numbers names without {id}; leave one of them off".into(),
                    ));
                }
                None => true,
            };
            if is_free || !is_numbered {
                return Ok(template.to_string().into());
            }
            number += 1;
        }
    }

    /// The name of a request's file in a batch, by its number.
    pub(crate) fn in_batch(&self, text: &str, number: usize) -> Result<String, String> {
        let template = Template::of_request(text, |name| match name {
            "id" => Err(
                "{id} is known after the create alone; use {n}, the number of the request".into(),
            ),
            _ => self.value(name, number).map(Some),
        })?;
        let path = template.literal().and_then(Path::to_str);
        let name = path.unwrap_or_default();
        // A value may have a dot, so the extension is that of the template.
        let extension = Path::new(text).extension().and_then(OsStr::to_str);
        match Path::new(name).file_name().is_some_and(|last| last == name) {
            true if extension.is_some_and(|extension| !extension.contains('}')) => Ok(name.into()),
            true => Ok(format!("{name}.mp4")),
            false => Err("expected a name such as {n}-{prompt}.mp4, without a folder; --out names the folder".into()),
        }
    }

    fn value(&self, name: &str, number: usize) -> Result<String, String> {
        let role = match name {
            "n" => return Ok(format!("{number:04}")),
            "date" => return Ok(today()),
            "model" => return Ok(safe_model(Some(self.request.model()))),
            "prompt" => Some(Role::Prompt),
            "duration" => Some(Role::Duration),
            _ => None,
        };
        let properties = self.model.map(Model::paths).unwrap_or_default();
        let of_role = role
            .zip(self.model)
            .and_then(|(role, model)| model.property(role));
        let named = properties.iter().find(|(path, _)| path == name);
        let path = named
            .map(|(path, _)| &**path)
            .or(of_role.map(|property| &*property.name));
        let mut steps = path.unwrap_or(name).split('.');
        let first = steps.next().and_then(|step| self.request.body().get(step));
        let given = steps.fold(first, |value, step| value?.get(step));
        let default = named.map(|(_, property)| *property).or(of_role);
        let default = default.and_then(|property| property.default.as_ref());
        match given.or(default) {
            Some(Value::String(text)) => Ok(safe(text)),
            Some(value) => Ok(safe(&value.to_string())),
            None if path.is_some() || role.is_some() || self.model.is_none() => Ok("none".into()),
            None => {
                let names = properties.iter().map(|(path, _)| format!("{{{path}}}"));
                let names: Vec<String> = names.filter(|name| !name.contains("[]")).collect();
                Err(format!(
                    "{{{name}}} is not a placeholder; use {{model}}, {{id}}, {{prompt}}, {{date}}, {{n}} or a parameter of {}: {}; \
                     and {{{{ or }}}} for a brace",
                    self.request.model(),
                    names.join(", ")
                ))
            }
        }
    }
}

/// How many characters of a value are in a name.
const MAX_LENGTH: usize = 40;

/// The beginning of a text in letters and digits, with hyphens between its words.
fn safe(text: &str) -> String {
    let is_negative = text.parse().is_ok_and(|number: f64| number < 0.0);
    let mut safe = String::from(if is_negative { "-" } else { "" });
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    let words = words.map(|word| word.trim_matches('.'));
    for (index, word) in words.filter(|word| !word.is_empty()).enumerate() {
        let room = MAX_LENGTH.saturating_sub(safe.chars().count());
        if index == 0 {
            safe.extend(word.chars().take(room));
        } else if word.chars().count() < room {
            safe.push('-');
            safe.push_str(word);
        } else {
            break;
        }
    }
    match &*safe {
        "" => "none".into(),
        // Windows reserves these names for its devices, with any extension.
        name if RESERVED.contains(&&*name.to_ascii_lowercase()) => format!("{name}-"),
        _ => safe,
    }
}

const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The date in UTC: `2026-11-27`.
fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use aimlapi_video::Route;
    use serde_json::json;

    use super::*;

    fn request(more: Value) -> GenerationRequest {
        let mut body = json!({ "model": "klingai/v2-master-text-to-video" });
        let more = more.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(more);
        GenerationRequest::from_json(Route::Universal, body).expect("a request")
    }

    fn name(text: &str, more: Value) -> Result<String, String> {
        let request = request(more);
        let model = aimlapi_video::contract::model(request.route(), request.model());
        let naming = Naming {
            request: &request,
            model,
        };
        naming.in_batch(text, 7)
    }

    #[test]
    fn placeholders_become_names_that_every_file_system_allows() {
        let camera = json!({ "movement_type": "zoom", "movement_value": -3 });
        let body = json!({
            "duration": 10,
            "prompt": "../A kite, *slowly*: \"over\" the hills\n\u{732b} and far away, {x}",
            "advanced_camera_control": camera,
        });
        for (text, expected) in [
            (
                "{n}-{prompt}.mp4",
                "0007-A-kite-slowly-over-the-hills-\u{732b}-and-far.mp4",
            ),
            ("{duration}s {aspect_ratio}", "10s 16-9.mp4"),
            ("{{{n}}}.webm", "{0007}.webm"),
            (
                "{model}_{cfg_scale}.mp4",
                "klingai-v2-master-text-to-video_none.mp4",
            ),
            ("{advanced_camera_control.movement_value}.mp4", "-3.mp4"),
        ] {
            let name = name(text, body.clone()).expect("a name");
            assert_eq!(name, expected);
        }
        let of = |prompt: &str| name("{prompt}", json!({ "prompt": prompt })).expect("a name");
        assert_eq!(of("con"), "con-.mp4");
        assert_eq!(of("..."), "none.mp4");
        assert_eq!(of(&"x".repeat(99)), format!("{}.mp4", "x".repeat(40)));
        assert_eq!(of("a.b/c\\d"), "a.b-c-d.mp4");
        let date = name("{date}", json!({ "prompt": "a" })).expect("a name");
        assert_eq!(date.len(), "2026-11-27.mp4".len());
    }

    #[test]
    fn wrong_template_is_an_error_with_what_to_write() {
        for (text, expected) in [
            (
                "{promt}",
                "{promt} is not a placeholder; use {model}, {id}, {prompt}",
            ),
            ("{promt}", "{duration}"),
            ("{id}", "use {n}"),
            ("a/{n}", "without a folder"),
            ("{n", "unbalanced brace"),
        ] {
            let error = name(text, json!({ "prompt": "a" })).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
