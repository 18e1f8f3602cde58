//! The key in what a service sends back: no answer is kept before it is blanked out there.

/// Takes the place of a key.
const BLANK: &[u8] = b"[key]";

/// A shorter key is none of the service's, and may be a word of an answer.
const LEAST: usize = 12;

/// What some writers of JSON put a backslash before.
const ESCAPED: [u8; 3] = *b"\"\\/";

/// An end of a text that was cut off counts as the beginning of a key from this length on.
const BEGINNING: usize = 4;

/// The bytes without the key, as it is and as JSON writes it; nothing, if it is not in them.
pub(crate) fn blanked(bytes: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    // True of most headers, and this is done to each one of every answer.
    if key.len() < LEAST || bytes.len() < key.len() {
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
pub(crate) fn before_cut_key(bytes: &[u8], key: &[u8]) -> usize {
    let mut beginnings = (BEGINNING..key.len()).rev();
    let cut = beginnings.find(|length| key.len() >= LEAST && bytes.ends_with(&key[..*length]));
    bytes.len() - cut.unwrap_or(0)
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
        kept.extend_from_slice(BLANK);
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

    const KEY: &[u8] = b"sk-4711-do-not-tell";

    #[test]
    fn a_key_is_blanked_wherever_it_stands() {
        for (text, expected) in [
            ("", None),
            ("nothing of it: sk-4711-do-not", None),
            ("sk-4711-do-not-tell", Some("[key]")),
            (
                "a sk-4711-do-not-tellsk-4711-do-not-tell b",
                Some("a [key][key] b"),
            ),
        ] {
            let found = blanked(text.as_bytes(), KEY);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{text}");
        }
        let escaped = blanked(
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
            blanked(b"https://a.example/simulated.mp4", b"simulated"),
            None
        );
        assert_eq!(before_cut_key(b"simul", b"simulated"), 5);
    }

    #[test]
    fn the_beginning_of_a_key_at_a_cut_is_left_out() {
        assert_eq!(before_cut_key(b"key sk-4711-do", KEY), 4);
        assert_eq!(before_cut_key(b"key sk-", KEY), 7);
        assert_eq!(before_cut_key(b"", KEY), 0);
    }
}
