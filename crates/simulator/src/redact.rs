//! Removal of what reports and recordings must not contain: keys, the signatures of URLs, and the bytes of media.

use aimlapi_video_contract::redacted_urls;
use axum::http::HeaderMap;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Base64 text of this length or more counts as media, in bytes.
const MIN_MEDIA_BYTES: usize = 256;

/// Base64 text has lines of this length or more, which no word has, in bytes.
const MIN_LINE_BYTES: usize = 40;

/// The key of a request, for its removal from other fields: the value of each secret header.
///
/// A value of fewer than 8 characters is ignored: it may equal an ordinary word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key<'a>(Option<&'a HeaderMap>);

/// Returns the key of a request.
pub(super) fn key(headers: &HeaderMap) -> Key<'_> {
    Key(Some(headers))
}

impl<'a> Key<'a> {
    pub(super) fn values(self) -> impl Iterator<Item = &'a str> {
        let headers = self.0.into_iter().flatten();
        headers.filter_map(|(name, value)| {
            let value = value.to_str().ok().filter(|_| is_secret(name.as_str()))?;
            let key = value.split_once(' ').map_or(value, |(_scheme, key)| key);
            Some(key.trim()).filter(|key| key.len() >= 8)
        })
    }
}

/// Replaces every occurrence of the key.
pub(super) fn redact(key: Key<'_>, text: &str) -> String {
    key.values()
        .fold(text.to_owned(), |text, key| text.replace(key, "…"))
}

/// Removes every occurrence of the key, and the queries of URLs, which may be signatures.
pub(super) fn redact_text(key: Key<'_>, text: &str) -> String {
    redact(key, &redacted_urls(text, ""))
}

/// Whether the value of a header is secret, so that it is never stored.
pub(super) fn is_secret(name: &str) -> bool {
    const SECRET: &[&str] = &[
        "api-key",
        "auth-key",
        "authorization",
        "cookie",
        "password",
        "secret",
        "subscription-key",
    ];
    // The name of a limit may contain `tokens`.
    name.ends_with("token") || SECRET.iter().any(|part| name.contains(part))
}

/// Returns a JSON value without the key, without the queries of URLs, and with hashes in place of media.
pub(super) fn without_secrets(key: Key<'_>, value: &Value) -> Value {
    match value {
        Value::String(text) => without_media(text).map_or_else(
            || redact_text(key, text).into(),
            |reference| reference.into(),
        ),
        Value::Array(items) => items
            .iter()
            .map(|item| without_secrets(key, item))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (redact_text(key, name), without_secrets(key, value)))
            .collect(),
        other => other.clone(),
    }
}

/// Returns the hash of bytes, as it replaces media.
pub(super) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Returns the hash that replaces inline media: a data URI, or plain base64 text of some length.
///
/// The same bytes have the same hash in all forms.
fn without_media(text: &str) -> Option<String> {
    let data = data_of_uri(text).or_else(|| is_base64(text).then_some(text))?;
    let joined: String = data.split_ascii_whitespace().collect();
    let decoded = BASE64_STANDARD
        .decode(&joined)
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(joined.trim_end_matches('=')));
    Some(match decoded {
        Ok(bytes) => hash(&bytes),
        Err(_) => hash(data.as_bytes()),
    })
}

/// Returns the data of a data URI (RFC 2397).
fn data_of_uri(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let (kind, data) = rest.split_once(',')?;
    let (media_type, _parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let is_kind = (media_type.contains('/') || kind.starts_with(';'))
        && !kind.contains(|c: char| c.is_whitespace());
    (scheme.eq_ignore_ascii_case("data") && is_kind).then_some(data)
}

/// Whether a text is long base64 text in either alphabet, which may be divided into lines.
fn is_base64(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    let mut lines = text.split_ascii_whitespace();
    let _last = lines.next_back();
    text.len() >= MIN_MEDIA_BYTES
        && lines.all(|line| line.len() >= MIN_LINE_BYTES)
        && text
            .bytes()
            .all(|byte| is_digit(byte) || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header::AUTHORIZATION};
    use serde_json::json;

    #[test]
    fn value_keeps_neither_keys_nor_signatures_nor_media() {
        let media = BASE64_STANDARD.encode([7; 300]);
        let value = json!({
            "prompt": "see https://a.test/?q=1 for key-1234567",
            "url": "https://a.test/v.mp4?Signature=s",
            "upper": " HTTPS://a.test/v.mp4?Signature=s",
            "https://a.test/?q=1": 1,
            "image": format!("data:image/png;base64,{media}"),
            "same": media,
            "key-1234567": [1, null],
        });
        let hash = hash(&[7; 300]);
        let expected = json!({
            "prompt": "see https://a.test/ for …",
            "url": "https://a.test/v.mp4",
            "upper": " HTTPS://a.test/v.mp4",
            "https://a.test/": 1,
            "image": hash,
            "same": hash,
            "…": [1, null],
        });
        let headers = [(
            AUTHORIZATION,
            HeaderValue::from_static("Bearer key-1234567"),
        )];
        let headers = HeaderMap::from_iter(headers);
        assert_eq!(without_secrets(key(&headers), &value), expected);
    }

    #[test]
    fn media_of_every_form_have_the_hash_of_their_bytes_and_prompts_are_kept() {
        let bytes: Vec<u8> = (0..=255).cycle().take(600).collect();
        let text = BASE64_STANDARD.encode(&bytes);
        let lines = text.as_bytes().chunks(76);
        let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
        let lines = lines.join("\r\n");
        let url = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
        for media in [
            format!("Data:image/png;base64,{lines}\n"),
            format!("data:;base64,{url}"),
            format!("data:video/mp4;codecs=\"avc1.4\";base64,{text}"),
            text,
            lines,
            url,
        ] {
            assert_eq!(
                without_secrets(Key::default(), &json!(media)),
                hash(&bytes),
                "{media}"
            );
        }
        for prompt in [
            "Data: a chart, and a cat".to_owned(),
            "Data:, data, everywhere".to_owned(),
            "a cat on a mat ".repeat(30),
            "rain\nsnow\n".repeat(30),
        ] {
            assert_eq!(without_secrets(Key::default(), &json!(prompt)), prompt);
        }
    }
}
