//! Runs a command in a pseudo-terminal of a given size, and records the screen.

use std::{fs::File, io::Read, os::unix::ffi::OsStrExt, process::Stdio};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
};

pub struct Shown {
    pub code: i32,
    /// All bytes that the command wrote.
    pub bytes: Vec<u8>,
    /// The screen after each write, as one string for each row.
    pub screens: Vec<Vec<String>>,
}

impl Shown {
    /// The rows of the last screen, without the empty rows at the end.
    pub fn last(&self) -> &[String] {
        self.screens.last().map_or(&[], Vec::as_slice)
    }

    /// The written lines, without the line breaks of a narrow terminal.
    pub fn lines(&self) -> Vec<String> {
        let size = |size| std::num::NonZero::new(size).unwrap();
        let mut wide = vt100::Parser::new(size(2000), size(1000), 0);
        wide.process(&self.bytes);
        let rows = wide.screen().rows(0, 1000);
        rows.map(|row| row.trim_end().to_owned()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A command whose standard streams are a terminal.
pub struct Terminal {
    pub child: Child,
    /// The keyboard, and the size of the screen.
    pub keyboard: File,
    reading: JoinHandle<(Vec<u8>, Vec<Vec<String>>)>,
}

/// Runs a command in a terminal until its end.
pub async fn run(command: Command, rows: u16, columns: u16) -> Shown {
    Terminal::start(command, rows, columns).end().await
}

impl Terminal {
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let far = File::options().read(true).write(true).open(path).unwrap();
        tcsetwinsize(&far, size).unwrap();
        let end = || Stdio::from(far.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        // The terminal ends when all handles to it are closed.
        drop((command, far));
        let terminal = File::from(terminal);
        let keyboard = terminal.try_clone().unwrap();
        let reading = tokio::task::spawn_blocking(move || read(terminal, rows, columns));
        Self {
            child,
            keyboard,
            reading,
        }
    }

    /// Waits for the end of the command.
    pub async fn end(mut self) -> Shown {
        let code = self.child.wait().await.unwrap().code().unwrap();
        let (bytes, screens) = self.reading.await.unwrap();
        Shown {
            code,
            bytes,
            screens,
        }
    }
}

fn read(mut terminal: File, rows: u16, columns: u16) -> (Vec<u8>, Vec<Vec<String>>) {
    let size = |size| std::num::NonZero::new(size).unwrap();
    let mut screen = vt100::Parser::new(size(rows), size(columns), 0);
    let (mut bytes, mut screens) = (Vec::new(), Vec::new());
    let mut piece = [0; 64 * 1024];
    // Linux reports the end as an error.
    while let Ok(length @ 1..) = terminal.read(&mut piece) {
        bytes.extend_from_slice(&piece[..length]);
        screen.process(&piece[..length]);
        let rows = screen.screen().rows(0, columns);
        let mut rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        screens.push(rows);
    }
    (bytes, screens)
}
