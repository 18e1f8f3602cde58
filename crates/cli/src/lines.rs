//! The lines of a file of requests, for `batch` and `validate`.

use std::io::BufRead;

use crate::{layout, text::Text};

/// The lines that are not blank, each with its number in the file, counted from 1.
pub(crate) struct Lines<R> {
    text: Text<R>,
    number: usize,
    /// The first lines, which were read to recognise the layout.
    ahead: std::vec::IntoIter<Line>,
}

type Line = Result<(usize, String), String>;

impl<R: BufRead> Lines<R> {
    /// Reads the first lines.
    ///
    /// # Errors
    ///
    /// If the source has another layout than one request a line; the error names the conversion.
    pub(crate) fn new(source: R, name: &str) -> Result<Self, String> {
        let mut lines = Self {
            text: Text::new(source, name)?,
            number: 0,
            ahead: Vec::new().into_iter(),
        };
        let ahead: Vec<Line> = lines.by_ref().take(layout::LINES).collect();
        let head: Vec<&str> = ahead
            .iter()
            .map_while(|line| line.as_ref().ok())
            .map(|(_, line)| line.as_str())
            .collect();
        if let Some(other) = layout::error(&head, name) {
            // The first lines of a PDF look like text.
            return Err(lines.text.binary_error().unwrap_or(other));
        }
        lines.ahead = ahead.into_iter();
        Ok(lines)
    }

    fn read(&mut self) -> Result<Option<(usize, String)>, String> {
        for line in self.text.by_ref() {
            self.number += 1;
            // Each of several concatenated files may begin with a byte order mark.
            let line = line?;
            let line = line.trim_start_matches('\u{FEFF}').trim_end();
            if !line.trim_start().is_empty() {
                return Ok(Some((self.number, line.to_owned())));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        self.ahead.next().or_else(|| self.read().transpose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(usize, String)>, String> {
        Lines::new(bytes, "a.jsonl")?.collect()
    }

    #[test]
    fn blank_lines_are_counted_and_byte_order_marks_are_removed() {
        let text = "{}\r\n\n \t\r\n[1]\n\u{FEFF}\n\u{FEFF}2";
        let expected =
            [(1, "{}"), (4, "[1]"), (6, "2")].map(|(line, text)| (line, text.to_owned()));
        let utf_16: Vec<u8> = format!("\u{FEFF}{text}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(text.as_bytes()).expect("UTF-8"), expected);
        assert_eq!(
            read(format!("\u{FEFF}{text}").as_bytes()).expect("UTF-8"),
            expected
        );
        assert_eq!(read(&utf_16).expect("UTF-16"), expected);
        assert_eq!(read(b"\xEF\xBB\xBF\n\n").expect("no line"), []);
    }

    #[test]
    fn document_whose_first_lines_are_text_is_named() {
        let message =
            read(b"%PDF-1.4\n1 0 obj\n<<\n/Type /Catalog\n\xE2\xE3\n").expect_err("a PDF");
        assert!(message.contains("a PDF document"), "{message}");
    }

    #[test]
    fn lines_before_an_undecodable_line_are_returned_first() {
        let lines: Vec<Line> = Lines::new(&b"{}\n\n{\"a\": \"\xE9\"}\n"[..], "a.jsonl")
            .expect("lines")
            .collect();
        assert_eq!(lines[0], Ok((1, "{}".to_owned())));
        assert!(
            lines[1]
                .as_ref()
                .is_err_and(|error| error.contains("line 3")),
            "{lines:?}"
        );
    }
}
