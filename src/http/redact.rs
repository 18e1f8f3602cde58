//! Redaction of the key: a service may repeat the key, so it is removed from every response before the response is read.

use reqwest::header::{HeaderMap, HeaderValue};

/// The replacement of a key.
const REPLACEMENT: &[u8] = b"[key]";

/// The minimum length in bytes of a key that is redacted: the service issues no shorter keys, and a shorter one may be an
/// ordinary word of a response.
const MIN_KEY: usize = 12;

/// The characters that some JSON serializers escape with a backslash.
const ESCAPED: [u8; 3] = *b"\"\\/";

/// The minimum length in bytes from which the end of a truncated text counts as the beginning of the key.
const MIN_PREFIX: usize = 4;

/// The bytes without the key, plain or escaped as in JSON; `None` if the bytes do not hold the key.
pub(super) fn redact(bytes: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    // Return early in the usual case, since this function is called for each header of every response.
    if key.len() < MIN_KEY || bytes.len() < key.len() {
        return None;
    }
    let plain = replaced(bytes, key);
    let [quote, backslash, slash] = ESCAPED;
    if memchr::memchr3(quote, backslash, slash, key).is_none() {
        return plain;
    }
    let escaped = escaped(key);
    let both = replaced(plain.as_deref().unwrap_or(bytes), &escaped);
    both.or(plain)
}

/// The length of a truncated text without an end that may be the beginning of the key.
pub(super) fn len_before_cut_key(bytes: &[u8], key: &[u8]) -> usize {
    let cut = |key: &[u8]| {
        let mut beginnings = (MIN_PREFIX..key.len()).rev();
        beginnings.find(|length| key.len() >= MIN_KEY && bytes.ends_with(&key[..*length]))
    };
    let longest = cut(key).max(cut(&escaped(key)));
    bytes.len() - longest.unwrap_or(0)
}

/// Removes the key from every header.
pub(super) fn headers(headers: &mut HeaderMap, key: &[u8]) {
    for value in headers.values_mut() {
        if let Some(redacted) = redact(value.as_bytes(), key) {
            *value =
                HeaderValue::from_bytes(&redacted).unwrap_or(HeaderValue::from_static("[key]"));
        }
    }
}

fn replaced(bytes: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let first = *key.first()?;
    let next = |from: usize| {
        let mut beginnings = memchr::memchr_iter(first, bytes.get(from..)?).map(|at| from + at);
        beginnings.find(|at| bytes[*at..].starts_with(key))
    };
    let mut found = next(0)?;
    let (mut kept, mut from) = (Vec::with_capacity(bytes.len()), 0);
    loop {
        kept.extend_from_slice(&bytes[from..found]);
        kept.extend_from_slice(REPLACEMENT);
        from = found + key.len();
        match next(from) {
            Some(next) => found = next,
            None => break,
        }
    }
    kept.extend_from_slice(&bytes[from..]);
    Some(kept)
}

/// The key as some JSON serializers escape it.
fn escaped(key: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(key.len());
    for byte in key {
        if ESCAPED.contains(byte) {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"sk-4711-do-not-leak";

    #[test]
    fn key_is_redacted_wherever_it_occurs() {
        for (text, expected) in [
            ("", None),
            ("nothing of it: sk-4711-do-not", None),
            ("sk-4711-do-not-leak", Some("[key]")),
            (
                "a sk-4711-do-not-leaksk-4711-do-not-leak b",
                Some("a [key][key] b"),
            ),
        ] {
            let found = redact(text.as_bytes(), KEY);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{text}");
        }
        let escaped = redact(
            br#"{"message":"ab\/cd\"ef\\ghi and ab/cd"}"#,
            br#"ab/cd"ef\ghi"#,
        );
        assert_eq!(
            escaped.as_deref(),
            Some(&br#"{"message":"[key] and ab/cd"}"#[..])
        );
    }

    #[test]
    fn key_shorter_than_the_minimum_is_not_redacted() {
        assert_eq!(
            redact(b"https://a.example/simulated.mp4", b"simulated"),
            None
        );
        assert_eq!(len_before_cut_key(b"simul", b"simulated"), 5);
    }

    #[test]
    fn beginning_of_a_key_at_the_end_of_a_truncated_text_is_removed() {
        assert_eq!(len_before_cut_key(b"key sk-4711-do", KEY), 4);
        assert_eq!(len_before_cut_key(b"key sk-", KEY), 7);
        assert_eq!(len_before_cut_key(b"", KEY), 0);
        assert_eq!(len_before_cut_key(br"key ab\/cd\/e", b"ab/cd/efghijk"), 4);
    }
}
