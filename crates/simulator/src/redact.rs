//! Removal of what reports and recordings must not contain: keys, the signatures of URLs, and the bytes of media.

use aimlapi_video_contract::redacted_urls;
use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Base64 text of this length or more counts as media, in bytes.
const MIN_MEDIA_BYTES: usize = 256;

/// Returns the key of a request, for its removal from other fields.
///
/// A key of fewer than 8 characters is ignored: it may equal an ordinary word.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let key = value.split_once(' ').map_or(value, |(_, key)| key).trim();
    (key.len() >= 8).then_some(key)
}

/// Replaces every occurrence of the key.
pub(super) fn redact(key: Option<&str>, text: &str) -> String {
    key.map_or_else(|| text.to_owned(), |key| text.replace(key, "…"))
}

/// Removes every occurrence of the key, and the queries of URLs, which may be signatures.
pub(super) fn redact_text(key: Option<&str>, text: &str) -> String {
    redact(key, &redacted_urls(text, ""))
}

/// Whether the value of a header is secret, so that it is never stored.
pub(super) fn is_secret(name: &str) -> bool {
    const SECRET: &[&str] = &[
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
    ];
    SECRET.contains(&name) || name.contains("api-key")
}

/// Returns a JSON value without the key, without the queries of URLs, and with hashes in place of media.
pub(super) fn without_secrets(key: Option<&str>, value: &Value) -> Value {
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
/// The same bytes have the same hash in both forms.
fn without_media(text: &str) -> Option<String> {
    let data = match text.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("data:") => text.split_once(',')?.1,
        _ => text,
    };
    let is_media = data.len() < text.len() || data.len() >= MIN_MEDIA_BYTES;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if !is_media || (data.len() == text.len() && !data.bytes().all(is_base64)) {
        return None;
    }
    Some(match BASE64_STANDARD.decode(data) {
        Ok(bytes) => hash(&bytes),
        Err(_) => hash(data.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(without_secrets(Some("key-1234567"), &value), expected);
    }
}
