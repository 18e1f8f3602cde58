//! Tests of the encodings, formats and positions of text input.

use proptest::prelude::*;

use super::*;

fn decoded(bytes: &[u8]) -> Result<String, String> {
    whole(bytes, "a.json")
}

fn encoded(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let utf_16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(bytes);
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    [
        ("UTF-8", text.as_bytes().to_vec()),
        (
            "UTF-8 with a mark",
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        ),
        ("UTF-16LE", utf_16(b"\xFF\xFE", u16::to_le_bytes)),
        ("UTF-16BE", utf_16(b"\xFE\xFF", u16::to_be_bytes)),
    ]
}

proptest! {
    #[test]
    fn text_is_decoded_from_every_encoding(
        // A byte order mark at the beginning is not part of the text; elsewhere it is a character.
        text in "[^\0\u{FEFF}][^\0]{0,40}|(\\PC|[\r\n\u{0A0A}\u{0A00}\u{000D}]){0,40}"
    ) {
        for (encoding, bytes) in encoded(&text) {
            prop_assert_eq!(decoded(&bytes), Ok(text.clone()), "{}", encoding);
        }
    }

    #[test]
    fn lines_end_at_line_feeds_in_every_encoding(lines in prop::collection::vec("[a-z\u{0A0A}\u{4E0A}\u{100A}\r]{0,5}", 1..8)) {
        let text = lines.join("\n");
        let expected: Vec<&str> = text.split_inclusive('\n').collect();
        for (encoding, bytes) in encoded(&text) {
            let read: Result<Vec<String>, String> = Text::new(&bytes[..], "a").and_then(Iterator::collect);
            prop_assert_eq!(read, Ok(expected.iter().map(ToString::to_string).collect()), "{}", encoding);
        }
    }

    #[test]
    fn arbitrary_bytes_are_text_or_an_error_with_a_remedy(bytes: Vec<u8>, mark in 0_usize..6) {
        let marks: [&[u8]; 6] = [b"", b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF", b"\xFF\xFE\0\0", b"{\0"];
        let bytes = [marks[mark], &bytes].concat();
        if let Err(message) = decoded(&bytes) {
            prop_assert!(message.starts_with("a.json ") && message.contains("; "), "{}", message);
        }
    }
}

#[test]
fn text_in_another_encoding_is_an_error_with_its_place_and_a_remedy() {
    let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let little = |text: &str| {
        units(text)
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let big = |text: &str| {
        units(text)
            .into_iter()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<u8>>()
    };
    let wide = |text: &str| {
        text.chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let wide_big = |text: &str| {
        text.chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let body = "{\"prompt\": \"x\"}\n";
    for (bytes, parts) in [
        (
            little(body),
            ["UTF-16LE without a byte order mark", "line 1"],
        ),
        (big(body), ["UTF-16BE without a byte order mark", "line 1"]),
        (wide(body), ["UTF-32LE without a byte order mark", "line 1"]),
        (
            wide_big(body),
            ["UTF-32BE without a byte order mark", "line 1"],
        ),
        (
            wide(&format!("\u{FEFF}{body}")),
            ["UTF-32LE, as its byte order mark", "iconv"],
        ),
        (
            wide_big(&format!("\u{FEFF}{body}")),
            ["UTF-32BE, as its byte order mark", "iconv"],
        ),
        (
            [body.as_bytes(), &little(body)].concat(),
            ["line 2 has a zero byte", "save all of it as UTF-8"],
        ),
        (
            b"{}\n{\"a\": \"caf\xE9 d\xE9j\xE0 vu\"}".to_vec(),
            ["byte 11 of line 2 is 0xE9", "windows-1252"],
        ),
        (
            b"{\"a\": \"\xD2\xBB\xD6\xBB\xC3\xA8\xD4\xDA\xD1\xA9\xB5\xD8\xC0\xEF\xC5\xDC\"}"
                .to_vec(),
            ["byte 14 of line 1 is 0xD4", "iconv -f GBK -t UTF-8 a.json"],
        ),
        (
            b"{\"a\": \"\xED\xA0\xBD\xED\xB8\x80\"}".to_vec(),
            ["CESU-8", "byte 8"],
        ),
        (
            b"{\"a\": \"\xF0\x9F\x98".to_vec(),
            ["ends within a UTF-8 character", "byte 8"],
        ),
        (
            [&b"\xFF\xFE"[..], &little(body), b"x"].concat(),
            ["odd number of bytes", "line 2"],
        ),
        (
            [&b"\xFF\xFE"[..], &little("a\nb"), b"\x3D\xD8\x61\0"].concat(),
            ["character 2 of line 2", "surrogate 0xD83D"],
        ),
        (
            [&b"\xFE\xFF"[..], &big("ab\0")].concat(),
            ["zero character in line 1", "UTF-8"],
        ),
        (
            b"{\"a\": \"\0\"}".to_vec(),
            ["a zero byte in line 1 (byte 8)", "UTF-8"],
        ),
        (
            b"\x1F\x8B\x08\0\0\0\0\0\0\x03\xAB\xAE\x05\0".to_vec(),
            ["gzip data", "unpack"],
        ),
        (
            b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\xFF".to_vec(),
            ["a ZIP archive", "unpack"],
        ),
        (
            b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(),
            ["a PDF document", "export"],
        ),
        (
            b"\x28\xB5\x2F\xFD\x04\x58\xFF".to_vec(),
            ["binary format", "unpack"],
        ),
    ] {
        let message = decoded(&bytes).expect_err(parts[0]);
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn second_byte_order_mark_is_removed() {
    for (encoding, bytes) in encoded("\u{FEFF}{}") {
        assert_eq!(decoded(&bytes).as_deref(), Ok("{}"), "{encoding}");
    }
}

#[test]
fn json_error_has_the_line_and_the_column_of_the_source_once() {
    for (line, text, expected) in [
        (1, "{\"a\": x}", "b.json:1:7: not JSON: expected value"),
        (3, "{\"é猫\": x}", "b.json:3:8: not JSON: expected value"),
        (
            1,
            "{\n  \"a\": 1,\n  b\n}",
            "b.json:3:3: not JSON: key must be a string",
        ),
        (7, "{", "b.json:7:1: not JSON: EOF while parsing an object"),
        (1, "", "b.json:1:1: not JSON: EOF while parsing a value"),
    ] {
        let error = serde_json::from_str::<serde_json::Value>(text).expect_err(text);
        assert_eq!(json_error("b.json", line, text, &error), expected);
    }
    let error = serde_json::from_str::<Vec<u8>>("[1,\n \"é\", 2]").expect_err("text");
    let message = json_error("b.json", 1, "[1,\n \"é\", 2]", &error);
    assert!(
        message.starts_with("b.json:2:") && !message.contains("line"),
        "{message}"
    );
}
