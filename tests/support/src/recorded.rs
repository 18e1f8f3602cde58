//! Files that an earlier build wrote, and what of two JSON values has to be alike.

use std::{fs, path::PathBuf};

use serde_json::{Map, Value};

/// The address that stands in the files for the server they were written against.
pub const SERVER: &str = "http://127.0.0.1:8080";

/// A file that version 0.1.0 wrote; `tests/fixtures/written-by-0.1.0/README.md` says how.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/written-by-0.1.0"
    ))
    .join(name)
}

/// The text of a file, with `server` for the server of the recording.
pub fn text(name: &str, server: &str) -> String {
    let path = path(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace(SERVER, server)
}

pub fn json(name: &str) -> Value {
    serde_json::from_str(&text(name, SERVER)).expect("recorded JSON")
}

/// The values of these properties are words of a fixed list, so they are compared, too.
const WORDS: &[&str] = &[
    "change", "keyword", "route", "state", "status", "type", "vendor", "verdict",
];

/// The names and the nesting of a value: every scalar gives way to its type, every array to the different shapes of its
/// items.
pub fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| {
                let is_word = value.is_string() && WORDS.contains(&name.as_str());
                let value = if is_word { value.clone() } else { shape(value) };
                (name.clone(), value)
            };
            Value::Object(map.iter().map(entry).collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut shapes: Vec<Value> = items.iter().map(shape).collect();
            shapes.sort_by_key(Value::to_string);
            shapes.dedup();
            Value::Array(shapes)
        }
        Value::String(_) => "(string)".into(),
        Value::Number(_) => "(number)".into(),
        Value::Bool(_) => "(boolean)".into(),
        Value::Null => Value::Null,
    }
}
