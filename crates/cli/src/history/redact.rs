//! Requests and messages without media and without the queries of URLs, which may be signatures.

use aimlapi_video::Model;
use aimlapi_video_contract::redacted_urls;
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac_sha256::Hash;
use serde_json::{Map, Value, json};

/// The body of a request, with inline media replaced by their size and SHA-256.
pub(super) fn request(body: &Map<String, Value>, model: Option<&Model>) -> Value {
    let takes_media = |name: &String| {
        let mut properties = model.into_iter().flat_map(|model| &model.properties);
        properties.any(|property| property.name == *name && property.takes_media())
    };
    let redacted = body
        .iter()
        .map(|(name, value)| (name.clone(), redacted(value, takes_media(name))));
    Value::Object(redacted.collect())
}

fn redacted(value: &Value, is_media: bool) -> Value {
    match value {
        Value::String(text) if is_inline(text) || is_media && !text.contains("://") => {
            summary(text)
        }
        Value::String(text) => self::text(text).into(),
        Value::Array(items) => items.iter().map(|item| redacted(item, is_media)).collect(),
        Value::Object(map) => {
            let parts = map
                .iter()
                .map(|(name, value)| (name.clone(), redacted(value, is_media)));
            Value::Object(parts.collect())
        }
        other => other.clone(),
    }
}

/// The text without inline media, and without the user and the query of each URL.
pub(crate) fn text(text: &str) -> String {
    let text = redacted_urls(text, "");
    let mut shown = String::with_capacity(text.len().min(4096));
    let mut rest = &*text;
    while let Some((before, data)) = split_at_data_uri(rest) {
        shown += &words(before);
        shown.push('…');
        let ends = |c: char| matches!(c, ' ' | '\t' | '"' | '\'' | '<' | '>');
        let data = data.trim_start();
        rest = &data[data.find(ends).unwrap_or(data.len())..];
    }
    shown + &words(rest)
}

/// The text without words that are base64.
fn words(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>');
    let mut shown = String::with_capacity(text.len().min(4096));
    for piece in text.split_inclusive(ends) {
        let word = piece.trim_end_matches(ends);
        match is_base64(word) {
            true => shown.push('…'),
            false => shown += word,
        }
        shown += &piece[word.len()..];
    }
    shown
}

/// What is before the first data URI, and its data.
fn split_at_data_uri(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices("data:").find_map(|(start, scheme)| {
        let before = &text[..start];
        let (head, data) = text[start + scheme.len()..].split_once(',')?;
        let is_head = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.-_;=% ".contains(&byte);
        let is_prose = head.contains(' ') && !head.to_ascii_lowercase().contains("base64");
        let is_word = before.ends_with(|c: char| c.is_alphanumeric());
        (head.bytes().all(is_head) && !is_prose && !is_word).then_some((before, data))
    })
}

/// Whether a whole text is a data URI or base64.
fn is_inline(text: &str) -> bool {
    let start = text.trim_start().get(..5);
    let has_scheme = start.is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    has_scheme && text.contains(',') || is_base64(text)
}

/// Whether a text is base64 that is longer than any word.
fn is_base64(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_%\r\n".contains(&byte);
    text.len() >= MIN_BASE64 && text.bytes().all(is_part)
}

const MIN_BASE64: usize = 120;

/// The size and the SHA-256 of the bytes, so that the user can find the file again.
fn summary(text: &str) -> Value {
    // Base64 has no comma.
    let data = text.split_once(',').map_or(text, |(_, data)| data);
    let compact: Vec<u8> = data
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = LENIENT.decode(&compact).unwrap_or_else(|_| data.into());
    let hash = Hash::hash(&bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "bytes": bytes.len(), "sha256": hash })
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_media_become_size_and_hash_and_urls_lose_their_query() {
        let plain = "A".repeat(MIN_BASE64);
        let body = json!({
            "prompt": "as https://u:p@h.example/a?sig=1 shows, a boat? yes",
            "image_url": "data:image/png;base64,aGVsbG8=",
            "tail": ["DATA:,hello", plain, "https://h.example/a.png?X-Amz-Signature=1"],
            "duration": 5,
        });
        let Value::Object(body) = body else {
            panic!("an object");
        };
        let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let redacted = request(&body, None);
        assert_eq!(
            redacted["image_url"],
            json!({ "bytes": 5, "sha256": hello })
        );
        assert_eq!(
            redacted["prompt"],
            "as https://h.example/a shows, a boat? yes"
        );
        assert_eq!(redacted["tail"][1]["bytes"], 90);
        assert_eq!(redacted["tail"][2], "https://h.example/a.png");
        assert!(!redacted.to_string().contains("ello"), "{redacted}");
        assert_eq!(redacted["duration"], 5);
    }

    #[test]
    fn url_with_quotes_loses_its_whole_query() {
        let url = "https://h.example/a.png?x=attachment;filename*=UTF-8''c\"at.png&sig=deadbeef";
        assert_eq!(text(url), "https://h.example/a.png");
        let quoted = text("no https://h.example/a.png?x=UTF-8''cat.png&sig=deadbeef here");
        assert_eq!(quoted, "no https://h.example/a.png here");
    }

    #[test]
    fn data_uri_with_spaces_shows_none_of_its_bytes() {
        let body = json!({ "image_url": "data:image/png; base64,aGVsbG8=" });
        let redacted = request(body.as_object().unwrap_or(&Map::new()), None);
        assert_eq!(redacted["image_url"]["bytes"], 5);
        for quoted in [
            "'data:image/png; base64,aGVsbG8='",
            "'data:image/png;base64, aGVsbG8='",
        ] {
            assert_eq!(text(&format!("bad {quoted} there")), "bad '…' there");
        }
        assert_eq!(text("metadata:x, data: a b, c"), "metadata:x, data: a b, c");
    }

    #[test]
    fn message_that_quotes_media_shows_none_of_their_bytes() {
        let quoted = format!("bad image \"data:image/png;base64,{}\"!", "QUJD".repeat(99));
        assert_eq!(text(&quoted), "bad image \"…\"!");
    }
}
