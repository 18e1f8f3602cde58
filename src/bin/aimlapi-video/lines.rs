//! The lines of a file of requests, as `batch` and `validate` read them.

use std::io::{self, BufRead};

/// The lines that say something, each with its number in the file, counted from 1. Blank ones count, and are passed over.
pub(crate) struct Lines<R> {
    source: R,
    /// What the source is called in an error.
    name: String,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(source: R, name: impl Into<String>) -> Self {
        Self {
            source,
            name: name.into(),
            number: 0,
        }
    }

    fn read(&mut self) -> Result<Option<(usize, String)>, String> {
        loop {
            let mut line = Vec::new();
            let read = self.source.read_until(b'\n', &mut line);
            if read.map_err(|error| self.unreadable(&error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let text = self.text(&line)?;
            if !text.trim().is_empty() {
                return Ok(Some((self.number, text.trim_end().to_owned())));
            }
        }
    }

    /// The line as text; a mark at the start of the file that says that it is UTF-8 is none of it.
    fn text<'a>(&self, line: &'a [u8]) -> Result<&'a str, String> {
        let (name, number) = (&self.name, self.number);
        if self.number == 1 && (line.starts_with(UTF_16_LITTLE) || line.starts_with(UTF_16_BIG)) {
            return Err(format!(
                "{name} is UTF-16, as its line 1 shows; save it as UTF-8"
            ));
        }
        let line = match number {
            1 => line.strip_prefix(UTF_8).unwrap_or(line),
            _ => line,
        };
        if line.contains(&0) {
            return Err(format!(
                "{name} holds a zero byte in line {number}, as UTF-16 does; save it as UTF-8"
            ));
        }
        std::str::from_utf8(line).map_err(|error| {
            let at = error.valid_up_to();
            let byte = line.get(at).copied().unwrap_or_default();
            format!(
                "{name} is not UTF-8: line {number} holds the byte 0x{byte:02X} as its byte {}; save it as UTF-8",
                at + 1
            )
        })
    }

    fn unreadable(&self, error: &io::Error) -> String {
        format!("{} cannot be read: {error}", self.name)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(usize, String), String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

const UTF_8: &[u8] = b"\xEF\xBB\xBF";
const UTF_16_LITTLE: &[u8] = b"\xFF\xFE";
const UTF_16_BIG: &[u8] = b"\xFE\xFF";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(usize, String)>, String> {
        Lines::new(bytes, "a.jsonl").collect()
    }

    #[test]
    fn blank_lines_count_and_a_mark_of_utf_8_is_no_text() {
        let lines = read(b"\xEF\xBB\xBF{}\r\n\n \t\r\n[1]\n\n2").expect("text");
        let expected = [(1, "{}"), (4, "[1]"), (6, "2")];
        assert_eq!(lines, expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(read(b"\xEF\xBB\xBF\n\n").expect("text"), []);
    }

    #[test]
    fn what_is_no_utf_8_is_told_with_its_line_and_the_way_out() {
        let utf_16 = |mark: &[u8]| [mark, &[b'{', 0, b'}', 0, b'\n', 0]].concat();
        let latin_1 = b"{}\n\n{\"a\": \"\xE9\"}\n";
        for (bytes, told) in [
            (utf_16(UTF_16_LITTLE), "UTF-16, as its line 1 shows"),
            (utf_16(UTF_16_BIG), "UTF-16, as its line 1 shows"),
            (utf_16(b""), "zero byte in line 1"),
            (latin_1.to_vec(), "line 3 holds the byte 0xE9 as its byte 8"),
        ] {
            let error = read(&bytes).expect_err("no UTF-8");
            assert!(error.contains(told), "{error}");
            assert!(error.starts_with("a.jsonl ") && error.ends_with("; save it as UTF-8"));
        }
    }
}
