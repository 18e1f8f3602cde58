//! Parses the JSON of a response even if its text is not Unicode, or not complete: a paid result must not be lost to it.
//!
//! A service that cuts a text within a character, such as a long prompt, sends the first. Clients in JavaScript and Python read it.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

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

/// The text members of an object that have arrived whole, if the end of the object is missing. Of other members the last one may be
/// incomplete.
pub(super) fn beginning(text: &[u8]) -> Map<String, Value> {
    let mut members = Map::new();
    let mut parser = serde_json::Deserializer::from_slice(text);
    // The error is the end of the text.
    _ = Members(&mut members).deserialize(&mut parser);
    members
}

struct Members<'a>(&'a mut Map<String, Value>);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry()? {
            if let Value::String(_) = value {
                self.0.insert(name, value);
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
    fn members_before_the_end_of_the_text_are_read() {
        let text = br#"{"n": 1, "id": "g1", "of": {"id": "x"}, "status": "queued", "number": 12}"#;
        let names =
            |length| Vec::from_iter(beginning(&text[..length]).into_iter().map(|(name, _)| name));
        for length in 0..text.len() {
            let expected: &[&str] = match length {
                0..19 => &[],
                19..58 => &["id"],
                _ => &["id", "status"],
            };
            assert_eq!(names(length), expected, "{length}");
        }
        assert!(beginning(b"[\"id\", \"g1\"").is_empty());
    }

    proptest! {
        #[test]
        fn valid_json_is_unchanged(text: String) {
            let json = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(repaired(json.as_bytes()), json);
        }
    }
}
