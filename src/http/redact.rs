//! Redaction of the key: a service may repeat it, so that it is taken out of every response before anything else.

use reqwest::header::{HeaderMap, HeaderValue};

/// Replaces a key.
const REPLACEMENT: &[u8] = b"[key]";

/// A shorter key is not one that the service issues, and may be a word of a response.
const MIN_KEY: usize = 12;

/// The characters that some writers of JSON escape by a backslash.
const ESCAPED: [u8; 3] = *b"\"\\/";

/// An end of a text that was cut off counts as the beginning of a key from this length on.
const MIN_PREFIX: usize = 4;

/// The bytes without the key, both as it is and as JSON may escape it; `None` if they do not hold it.
pub(super) fn redact(bytes: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    // The usual case, and this function sees each header of every response.
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

/// How many bytes of a text that was cut off are left before what may be the beginning of the key.
pub(super) fn len_before_cut_key(bytes: &[u8], key: &[u8]) -> usize {
    let mut beginnings = (MIN_PREFIX..key.len()).rev();
    let cut = beginnings.find(|length| key.len() >= MIN_KEY && bytes.ends_with(&key[..*length]));
    bytes.len() - cut.unwrap_or(0)
}

/// Takes the key out of every header.
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

/// As some writers of JSON escape it.
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
    fn a_key_is_redacted_wherever_it_occurs() {
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
    fn a_word_that_serves_as_a_key_changes_no_answer() {
        assert_eq!(
            redact(b"https://a.example/simulated.mp4", b"simulated"),
            None
        );
        assert_eq!(len_before_cut_key(b"simul", b"simulated"), 5);
    }

    #[test]
    fn the_beginning_of_a_key_at_a_cut_is_left_out() {
        assert_eq!(len_before_cut_key(b"key sk-4711-do", KEY), 4);
        assert_eq!(len_before_cut_key(b"key sk-", KEY), 7);
        assert_eq!(len_before_cut_key(b"", KEY), 0);
    }
}
