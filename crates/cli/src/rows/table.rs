//! Requests in a table: CSV with a header, separated by commas, semicolons or tabs.

use csv::{ByteRecord, ReaderBuilder};

use super::{Content, Row, Unreadable};

/// The names of the columns, and the rows below them.
pub(super) fn parse(text: &str, name: &str) -> Result<(Vec<String>, Vec<Row>), String> {
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut lines = LineCounter {
        text,
        at: 0,
        line: 1,
    };
    let mut record = ByteRecord::new();
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    loop {
        let start = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let has_record = reader.read_byte_record(&mut record);
        if !has_record.map_err(|error| format!("{name} cannot be read: {error}"))? {
            break;
        }
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let number = lines.line_of(start);
        let raw = text.get(start..end).unwrap_or_default();
        let cells = record
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).into_owned());
        let cells: Vec<String> = cells.collect();
        if columns.is_empty() {
            columns = header(cells).map_err(|error| format!("{name}:{number}: {error}"))?;
        } else if cells.iter().any(|cell| !cell.is_empty()) {
            let content = content(cells, &columns, raw);
            let content = content.map_err(|reason| Unreadable {
                message: format!("{name}:{number}: {reason}"),
                column: None,
                reason,
            });
            rows.push(Row { number, content });
        }
    }
    Ok((columns, rows))
}

/// The separator that the header has most of.
fn separator(text: &str) -> u8 {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    // Of equal counts the last is the maximum.
    let separators = [b'\t', b';', b','].into_iter();
    separators.max_by_key(count).unwrap_or(b',')
}

fn header(cells: Vec<String>) -> Result<Vec<String>, String> {
    let columns: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
    let is_repeated =
        |(index, name): &(usize, &String)| !name.is_empty() && columns[..*index].contains(name);
    match columns.iter().enumerate().find(is_repeated) {
        Some((_, name)) => Err(format!(
            "two columns are named {name:?}; remove one of them"
        )),
        None => Ok(columns),
    }
}

fn content(cells: Vec<String>, columns: &[String], raw: &str) -> Result<Content, String> {
    // A quote that is never closed takes all lines that follow into its cell.
    if !raw.matches('"').count().is_multiple_of(2) {
        return Err(
            "has a double quote without its partner; put the text in double quotes, and write each one within it twice".into(),
        );
    }
    let (given, expected) = (cells.len(), columns.len());
    if given != expected {
        return Err(format!(
            "has {given} cells, and the header has {expected}; put a text with separators in double quotes"
        ));
    }
    let cells = cells.into_iter().enumerate();
    let cells: Vec<(usize, String)> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
    match cells.iter().find(|(index, _)| columns[*index].is_empty()) {
        Some((index, _)) => Err(format!(
            "has a cell in column {}, whose header is empty; name the column after a parameter",
            index + 1
        )),
        None => Ok(Content::Cells(cells)),
    }
}

/// Counts lines up to rising offsets. The reader's own count begins a record at the blank lines before it.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    /// The line of the record that begins at or after an offset.
    fn line_of(&mut self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let is_break = |at: usize| matches!(bytes.get(at), Some(b'\r' | b'\n'));
        while self.at < offset || is_break(self.at) {
            // A carriage return with a line feed is one break.
            let is_first_half = bytes.get(self.at..self.at + 2) == Some(b"\r\n");
            self.line += usize::from(is_break(self.at) && !is_first_half);
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use csv::{Terminator, WriterBuilder};
    use proptest::prelude::*;

    use super::*;

    fn lines_in(text: &[u8]) -> usize {
        let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
        text.matches(['\r', '\n']).count()
    }

    proptest! {
        #[test]
        fn table_is_read_as_it_was_written_with_the_lines_of_its_records(
            records in prop::collection::vec(prop::array::uniform3("[a-z\",;\t\r\n]{0,5}"), 1..6),
            ends_as_windows: bool,
        ) {
            let terminator = match ends_as_windows {
                true => Terminator::CRLF,
                false => Terminator::Any(b'\n'),
            };
            let mut writer = WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).expect("a header");
            let mut expected = Vec::new();
            for record in &records {
                writer.flush().expect("memory");
                let cells: Vec<(usize, String)> = record
                    .iter()
                    .cloned()
                    .enumerate()
                    .filter(|(_, cell)| !cell.is_empty())
                    .collect();
                if !cells.is_empty() {
                    expected.push((lines_in(writer.get_ref()) + 1, cells));
                }
                writer.write_record(record).expect("memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            let (columns, rows) = parse(&text, "a.csv").expect("a table");
            let cells = |row: Row| match row.content {
                Ok(Content::Cells(cells)) => (row.number, cells),
                _ => panic!("line {}", row.number),
            };
            let rows: Vec<(usize, Vec<(usize, String)>)> = rows.into_iter().map(cells).collect();
            prop_assert_eq!(columns, ["a", "b", "c"]);
            prop_assert_eq!(rows, expected);
        }
    }
}
