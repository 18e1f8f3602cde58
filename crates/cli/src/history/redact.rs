//! Requests and messages without media and without the queries of URLs, which may be signatures.

use aimlapi_video::Model;
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
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len().min(4096));
    for piece in text.split_inclusive(ends) {
        let word = piece.trim_end_matches(ends);
        match word.split_once("://") {
            _ if is_inline(word) => shown.push('…'),
            Some((scheme, rest)) => {
                let path = rest.split(['?', '#']).next().unwrap_or_default();
                let (authority, path) = path.split_at(path.find('/').unwrap_or(path.len()));
                let host = authority.rsplit('@').next().unwrap_or_default();
                shown += &format!("{scheme}://{host}{path}");
            }
            None => shown += word,
        }
        shown += &piece[word.len()..];
    }
    shown
}

/// Whether a text is a data URI, or base64 that is longer than any word.
fn is_inline(text: &str) -> bool {
    let has_scheme = |head: &str| {
        let start = head.trim_start().get(..5);
        start.is_some_and(|start| start.eq_ignore_ascii_case("data:"))
    };
    let head = text.split_once(',').map(|(head, _)| head);
    let is_data_uri = head.is_some_and(|head| has_scheme(head) && !head.trim().contains(' '));
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_%\r\n".contains(&byte);
    is_data_uri || text.len() >= MIN_BASE64 && text.bytes().all(is_base64)
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
    fn message_that_quotes_media_shows_none_of_their_bytes() {
        let quoted = format!("bad image \"data:image/png;base64,{}\"!", "QUJD".repeat(99));
        assert_eq!(text(&quoted), "bad image \"…\"!");
    }
}
