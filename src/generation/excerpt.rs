//! Shortens a response to an excerpt that fits in one line.

use serde_json::{Map, Value};

use crate::urls::{redacted, redacted_urls};

/// The maximum number of characters of a text, of items of a list, and of nested levels.
const MAX_TEXT: usize = 120;
const MAX_LIST: usize = 8;
const MAX_DEPTH: usize = 8;

/// The value with long texts, long lists and inline media shortened.
pub(super) fn shortened(value: &Value) -> Value {
    within(value, 0)
}

fn within(value: &Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => "…".into(),
        Value::Array(items) => {
            let mut kept: Vec<Value> = items
                .iter()
                .take(MAX_LIST)
                .map(|item| within(item, depth + 1))
                .collect();
            kept.extend((items.len() > MAX_LIST).then(|| "…".into()));
            kept.into()
        }
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .take(10 * MAX_LIST)
                .map(|(key, value)| (text(key), within(value, depth + 1)))
                .collect();
            kept.into()
        }
        Value::String(long) => text(long).into(),
        other => other.clone(),
    }
}

fn text(text: &str) -> String {
    let is_inline = text
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if is_inline {
        return redacted(text);
    }
    // URLs are redacted before the text is cut, since the beginning of a secret could not be recognised afterwards.
    let begin = text.char_indices().nth(40 * MAX_TEXT);
    let begin = redacted_urls(begin.map_or(text, |(end, _)| &text[..end]));
    match begin.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &begin[..end]),
        None => begin,
    }
}
