//! An answer that is short enough for a line.

use serde_json::{Map, Value};

use crate::uri::{redacted, redacted_links};

/// In characters, and in items.
const TEXT_MOST: usize = 120;
const LIST_MOST: usize = 8;
const DEPTH_MOST: usize = 8;

/// The value with long texts, long lists and inline media shortened.
pub(super) fn shortened(value: &Value) -> Value {
    within(value, 0)
}

fn within(value: &Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth > DEPTH_MOST => "…".into(),
        Value::Array(items) => {
            let mut kept: Vec<Value> = items
                .iter()
                .take(LIST_MOST)
                .map(|item| within(item, depth + 1))
                .collect();
            kept.extend((items.len() > LIST_MOST).then(|| "…".into()));
            kept.into()
        }
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .take(10 * LIST_MOST)
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
    // What is secret in a link is taken off first: it could not be told in a part of the link.
    let begin = text.char_indices().nth(40 * TEXT_MOST);
    let begin = redacted_links(begin.map_or(text, |(end, _)| &text[..end]));
    match begin.char_indices().nth(TEXT_MOST) {
        Some((end, _)) => format!("{}…", &begin[..end]),
        None => begin,
    }
}
