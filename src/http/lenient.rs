//! Parses the JSON of a response even if its text is not Unicode, or not complete: a paid result must not be lost to it.
//!
//! A service that cuts a text within a character, such as a long prompt, sends the first. Clients in JavaScript and Python read it.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// Parses JSON, repaired if necessary; returns the text that was parsed, too.
pub(super) fn parse(text: &[u8]) -> serde_json::Result<(Value, Cow<'_, [u8]>)> {
    let error = match serde_json::from_slice(text) {
        Ok(json) => return Ok((json, text.into())),
        Err(error) => error,
    };
    let repaired = repaired(text);
    match serde_json::from_str(&repaired) {
        Ok(json) => Ok((json, repaired.into_bytes().into())),
        Err(_) => Err(error),
    }
}

/// The text without a byte order mark, and with U+FFFD in place of bytes that are not UTF-8 and of escapes of single surrogates.
fn repaired(text: &[u8]) -> String {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    let mut repaired = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        repaired.push_str(before);
        let (kept, length) = match unit(escape) {
            Some(0xD800..=0xDBFF) if matches!(unit(&escape[UNIT..]), Some(0xDC00..=0xDFFF)) => {
                (&escape[..2 * UNIT], 2 * UNIT)
            }
            Some(0xD800..=0xDFFF) => ("\\ufffd", UNIT),
            Some(_) => (&escape[..UNIT], UNIT),
            // The escaped character may be a backslash itself.
            None => {
                let length = escape
                    .char_indices()
                    .nth(2)
                    .map_or(escape.len(), |(at, _)| at);
                (&escape[..length], length)
            }
        };
        repaired.push_str(kept);
        rest = &escape[length..];
    }
    repaired + rest
}

/// The length of an escape such as `\u00e9`.
const UNIT: usize = 6;

/// The UTF-16 unit of the escape that the text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..UNIT - 2)?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// The `id` of an object, if it has arrived whole although the end of the object is missing.
pub(super) fn id(text: &[u8]) -> Option<String> {
    let text = repaired(text);
    let mut id = None;
    // The error is the end of the text.
    _ = Id(&mut id).deserialize(&mut serde_json::Deserializer::from_str(&text));
    id
}

struct Id<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for Id<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Id<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            // The digits of a number may go on.
            if let ("id", Value::String(id)) = (&*name, value) {
                *self.0 = Some(id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_is_not_unicode_is_replaced_and_all_other_text_is_kept() {
        for (text, expected) in [
            (&br#"{"a":"\ud83d"}"#[..], r#"{"a":"\ufffd"}"#),
            (br#""\uD83D\uDE00\ude00""#, r#""\uD83D\uDE00\ufffd""#),
            (br#""\ud83d\ud83d\ude00\n""#, r#""\ufffd\ud83d\ude00\n""#),
            (br#""\\ud83d \\\ud83d""#, r#""\\ud83d \\\ufffd""#),
            (br#""\u00e9\ud83""#, r#""\u00e9\ud83""#),
            (b"\xEF\xBB\xBF{}", "{}"),
            (b"\"cut \xF0\x9F\x98\"", "\"cut \u{FFFD}\""),
            (br"\", r"\"),
            ("\\é\\u".as_bytes(), "\\é\\u"),
        ] {
            assert_eq!(repaired(text), expected);
        }
    }

    #[test]
    fn id_is_read_once_it_has_arrived() {
        let text = br#"{"n": 1, "of": {"id": "x"}, "id": "g1", "status": "queued"}"#;
        let end = text.len() - r#", "status": "queued"}"#.len();
        for length in 0..text.len() {
            let expected = (length >= end).then_some("g1");
            assert_eq!(id(&text[..length]).as_deref(), expected, "{length}");
        }
        assert_eq!(id(br#"{"note":"\ud83d","id":"g1","#).as_deref(), Some("g1"));
        for other in [&br#"["id", "g1""#[..], br#"{"id": 12"#, b"<html>"] {
            assert_eq!(id(other), None);
        }
    }

    proptest! {
        #[test]
        fn valid_json_is_unchanged(text: String) {
            let json = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(repaired(json.as_bytes()), json);
        }
    }
}
