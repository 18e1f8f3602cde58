//! Writing lines where a full disk or a closed pipe is no reason to panic.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// A line on standard output, flushed: what the command was asked for.
pub(crate) fn answer(line: impl AsRef<str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", line.as_ref())?;
    out.flush()
}

/// A line on standard error: what a person may want to know. One that nobody can read is let go.
pub(crate) fn note(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
}

/// Prints what was asked for, and ends well. Whoever reads only the beginning has what it wants.
pub(crate) fn said(text: impl AsRef<str>) -> ExitCode {
    match answer(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(format!("note: standard output cannot be written: {error}"));
        }
        _ => {}
    }
    ExitCode::SUCCESS
}
