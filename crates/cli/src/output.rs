//! Lines on the standard streams. A full disk or a closed pipe causes no panic, and no control character reaches a terminal.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use console::Term;

use crate::style::Line;

/// Writes a line to standard output and flushes it.
pub(crate) fn write_line(line: impl Into<Line>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", line.into().styled())?;
    out.flush()
}

/// Prints the result of a command on standard output, and returns the exit code of success.
///
/// A reader that closes the pipe early, as `head` does, is not an error.
pub(crate) fn print_result(text: impl Into<Line>) -> ExitCode {
    match write_line(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_note(format!("note: standard output cannot be written: {error}"));
        }
        _ => {}
    }
    ExitCode::SUCCESS
}

/// Prints a line on standard error, on a terminal with line breaks between words. An error of the write is ignored, since it
/// cannot be reported.
pub(crate) fn print_note(line: impl Into<Line>) {
    let line = line.into();
    let line = match Term::stderr().size_checked() {
        Some((_, columns)) => line.wrapped(columns.into()),
        None => line,
    };
    let _ = writeln!(anstream::stderr().lock(), "{}", line.styled());
}

/// Rings the bell of the terminal when it is dropped, however the command ends.
pub(crate) struct Bell(pub(crate) bool);

impl Drop for Bell {
    fn drop(&mut self) {
        if self.0 && io::stderr().is_terminal() {
            let _ = io::stderr().write_all(b"\x07");
        }
    }
}

/// The text with control characters, which a service may have put there, as JSON escapes: `\u001b`. Line breaks and tabs
/// stay. JSON stays the same JSON.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_unsafe) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unsafe(c) {
            true => escaped += &format!("\\u{:04x}", u32::from(c)),
            false => escaped.push(c),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_escapes_control_characters_as_json_does() {
        assert_eq!(printable("a\tb\nc"), "a\tb\nc");
        assert_eq!(printable("\x1b[2J\r\u{9b}é"), "\\u001b[2J\\u000d\\u009bé");
        let json = serde_json::json!("\x1b\u{7f}\u{9b}\n");
        let read: serde_json::Value =
            serde_json::from_str(&printable(&json.to_string())).expect("JSON");
        assert_eq!(read, json);
    }
}
