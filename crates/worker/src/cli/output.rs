//! Lines on the standard streams. A closed pipe causes no panic, and no control character reaches a terminal.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Prints a result on standard output.
pub(crate) fn print(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    // A reader that closes the pipe early, as `head` does, is not an error.
    let _ = writeln!(out, "{}", printable(text.as_ref())).and_then(|()| out.flush());
}

/// Prints a line on standard error.
pub(crate) fn note(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(line.as_ref()));
}

/// The text with control characters, which a service may have put there, as JSON escapes. JSON stays the same JSON.
fn printable(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_unsafe) {
        return text.into();
    }
    let escape = |c: char| match is_unsafe(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Rows below a header, in columns.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let lines = || std::iter::once(&header).chain(rows);
    let width = |column: usize| lines().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        line.trim_end().to_owned()
    };
    lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_table_are_aligned() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [row(["a", "waiting", ""]), row(["kites-0001", "", "x"])];
        let expected = "JOB         STATE    MODEL\na           waiting\nkites-0001           x";
        assert_eq!(table(["JOB", "STATE", "MODEL"], &rows), expected);
    }

    #[test]
    fn control_characters_are_printed_as_json_escapes() {
        assert_eq!(printable("a\tb\n\u{1b}[2Jé"), "a\tb\n\\u001b[2Jé");
    }
}
