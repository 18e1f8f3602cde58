//! The file of a journal: [`open`] locks and reads the whole file, [`Tail`] appends lines.
//!
//! A line that cannot be written completely is removed again, so that the file always consists of complete lines,
//! except after a crash, whose incomplete last line the next [`open`] removes.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use fs4::fs_std::FileExt;

use super::{
    JournalEntry,
    event::{Event, apply},
};
use crate::{Error, ErrorKind};

const VERSION: u32 = 1;

/// The maximum length of a line in bytes. A longer line was not written by this crate.
const MAX_LINE: usize = 1024 * 1024;

/// The file operations of a journal, as a trait so that tests can replace the disk.
pub(super) trait Disk {
    fn write(&mut self, at: u64, text: &[u8]) -> io::Result<()>;

    /// Returns when the written bytes survive a power failure.
    fn sync(&mut self) -> io::Result<()>;

    fn truncate(&mut self, end: u64) -> io::Result<()>;
}

impl Disk for File {
    fn write(&mut self, at: u64, text: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(text)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, end: u64) -> io::Result<()> {
        self.set_len(end)
    }
}

/// The end of the file, where lines are appended.
pub(super) struct Tail<D: Disk> {
    disk: D,
    /// The end of the last complete line.
    end: u64,
    /// Whether the file may have an incomplete line after `end`.
    is_torn: bool,
    /// The lines of events that happened and could not be written yet.
    backlog: Vec<u8>,
}

impl<D: Disk> Tail<D> {
    fn new(disk: D, end: u64) -> Self {
        Self {
            disk,
            end,
            is_torn: false,
            backlog: Vec::new(),
        }
    }

    /// Appends a line. The line of an event that happened is kept if it cannot be written, and written before the next
    /// line. An intent is only written after the backlog, so a request is not sent while the file cannot record its
    /// outcome.
    pub(super) fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut text = serde_json::to_vec(event)?;
        text.push(b'\n');
        if text.len() > MAX_LINE {
            let what = format!(
                "a line has {} bytes, and the maximum is {MAX_LINE}",
                text.len()
            );
            return Err(io::Error::other(what));
        }
        if matches!(event, Event::Intent { .. }) {
            self.write_backlog()?;
            return self.write(&text, true);
        }
        self.backlog.extend(text);
        self.write_backlog()
    }

    fn write_backlog(&mut self) -> io::Result<()> {
        if self.backlog.is_empty() {
            return Ok(());
        }
        let backlog = std::mem::take(&mut self.backlog);
        let end = self.end;
        let written = self.write(&backlog, false);
        if self.end == end {
            self.backlog = backlog;
        }
        written
    }

    /// Writes the text completely or not at all. If the sync fails, a text that `must_be_durable` is removed again; any
    /// other text stays, since it may survive a power failure.
    fn write(&mut self, text: &[u8], must_be_durable: bool) -> io::Result<()> {
        if self.is_torn {
            self.truncate()?;
        }
        let written = self.disk.write(self.end, text);
        let synced = written.and_then(|()| {
            let synced = self.disk.sync();
            if synced.is_ok() || !must_be_durable {
                self.end += text.len() as u64;
            }
            synced
        });
        if synced.is_err() {
            // If truncation fails, it is retried before the next line.
            let _ = self.truncate();
        }
        synced
    }

    /// Removes an incomplete line after the last complete line.
    fn truncate(&mut self) -> io::Result<()> {
        self.is_torn = true;
        self.disk.truncate(self.end)?;
        self.is_torn = false;
        Ok(())
    }
}

impl<D: Disk> Drop for Tail<D> {
    fn drop(&mut self) {
        // The last attempt. The error was already returned to the caller that appended the line.
        let _ = self.write_backlog();
    }
}

/// Opens or creates the file, locks it, and reads its entries.
pub(super) fn open(path: &Path) -> Result<(BTreeMap<usize, JournalEntry>, Tail<File>), Error> {
    let io = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => {
                "cannot be used, since its folder does not exist; create the folder, or name another file"
            }
            _ => "cannot be used; name another file, or make this one writable",
        };
        failed(path, what, Some(error))
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io)?;
    if !lock(|| file.try_lock_exclusive(), path)? {
        let what = "is in use by another process, or by a batch of this process with a create in progress; wait until it ends";
        return Err(failed(path, what, None));
    }
    let Contents {
        entries,
        end,
        lacks_line_break,
    } = read(&mut BufReader::new(&file), path)?;
    // The file is only modified now that it is known to be a journal.
    let mut tail = Tail::new(file, end);
    if end < tail.disk.metadata().map_err(io)?.len() {
        tail.truncate().map_err(io)?;
    }
    if lacks_line_break {
        tail.write(b"\n", false).map_err(io)?;
    }
    if end == 0 {
        tail.write(&first_line(), true).map_err(io)?;
    }
    // On every open, since the process that created the file may have been killed before this step.
    sync_folder(path);
    Ok((entries, tail))
}

/// Locks the journal for this process; returns `false` if another holder has the lock. Without locks, two batches with
/// one journal could both create a request, so a file system without locks is an error.
fn lock(mut try_lock: impl FnMut() -> io::Result<bool>, path: &Path) -> Result<bool, Error> {
    loop {
        match try_lock() {
            Ok(is_locked) => return Ok(is_locked),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let what = "cannot be locked, and without a lock two batches could create and pay for the same requests; \
                            its file system may have no locks, as some network file systems, so name a journal on a local disk";
                return Err(failed(path, what, Some(error)));
            }
        }
    }
}

fn first_line() -> Vec<u8> {
    format!("{{\"event\":\"journal\",\"version\":{VERSION}}}\n").into_bytes()
}

/// Syncs the folder, so that the name of a new file is on disk, too.
fn sync_folder(path: &Path) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Not every system can open a folder. Where it can, a crash does not lose the file.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

struct Contents {
    entries: BTreeMap<usize, JournalEntry>,
    /// The end of the last complete line.
    end: u64,
    /// Whether the last line lacks only its line break.
    lacks_line_break: bool,
}

fn read(file: &mut impl BufRead, path: &Path) -> Result<Contents, Error> {
    let mut contents = Contents {
        entries: BTreeMap::new(),
        end: 0,
        lacks_line_break: false,
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let max = MAX_LINE as u64 + 1;
        let length = file
            .take(max)
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(path, "cannot be read", Some(error)))?;
        let other = |what: String| {
            let what = format!("is not a journal of this version: its line {number} is {what}");
            Err(failed(path, &what, None))
        };
        let is_whole = line.ends_with(b"\n");
        if !is_whole && line.len() > MAX_LINE {
            return other(format!("longer than {MAX_LINE} bytes"));
        }
        if !is_whole && number == 1 {
            // A crash at the creation leaves the beginning of the first line; any other text is another program's file.
            return match first_line().starts_with(&line) {
                true => Ok(contents),
                false => other("incomplete, and not the beginning of a journal".into()),
            };
        }
        if is_whole && number > 1 && line.trim_ascii().is_empty() {
            contents.end += length as u64;
            continue;
        }
        let event = match serde_json::from_slice(&line) {
            // A crash during a write leaves an incomplete line; a request is sent only after the complete line of its
            // intent.
            Err(_) if !is_whole => return Ok(contents),
            Err(error) => return other(error.to_string()),
            Ok(Event::Journal { version }) if version != VERSION => {
                let what = format!("has version {version}; this crate reads version {VERSION}");
                return Err(failed(path, &what, None));
            }
            Ok(event) => event,
        };
        if (number == 1) != matches!(event, Event::Journal { .. }) {
            return other("not an event that is allowed at this line".into());
        }
        if event.line() == Some(0) {
            return other("about line 0, and lines are counted from 1".into());
        }
        apply(&mut contents.entries, &event);
        contents.end += length as u64;
        contents.lacks_line_break = !is_whole;
        if !is_whole {
            return Ok(contents);
        }
    }
    Ok(contents)
}

fn failed(path: &Path, what: &str, source: Option<io::Error>) -> Error {
    let what = format!("the journal {} {what}", path.display());
    let error = Error::new(ErrorKind::Io, what);
    match source {
        Some(source) => error.with_source(source),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for `room` bytes, whose truncation and sync can fail.
    #[derive(Default)]
    struct FakeDisk {
        bytes: Vec<u8>,
        room: usize,
        fails_to_truncate: bool,
        fails_to_sync: bool,
    }

    impl Disk for FakeDisk {
        fn write(&mut self, at: u64, text: &[u8]) -> io::Result<()> {
            let at = usize::try_from(at).expect("small");
            self.bytes.resize(at.max(self.bytes.len()), 0);
            let fits = text.len().min(self.room.saturating_sub(at));
            self.bytes.splice(
                at..self.bytes.len().min(at + fits),
                text[..fits].iter().copied(),
            );
            match fits == text.len() {
                true => Ok(()),
                false => Err(io::ErrorKind::StorageFull.into()),
            }
        }

        fn sync(&mut self) -> io::Result<()> {
            match self.fails_to_sync {
                true => Err(io::Error::other("lost")),
                false => Ok(()),
            }
        }

        fn truncate(&mut self, end: u64) -> io::Result<()> {
            if self.fails_to_truncate {
                return Err(io::Error::other("stuck"));
            }
            self.bytes.truncate(usize::try_from(end).expect("small"));
            Ok(())
        }
    }

    fn tail(room: usize) -> Tail<FakeDisk> {
        let disk = FakeDisk {
            room,
            ..FakeDisk::default()
        };
        let mut tail = Tail::new(disk, 0);
        tail.write(&first_line(), true).expect("there is room");
        tail
    }

    fn lines(tail: &Tail<FakeDisk>) -> Vec<String> {
        let text = String::from_utf8(tail.disk.bytes.clone()).expect("text");
        assert!(text.ends_with('\n'), "{text}");
        text.lines().skip(1).map(str::to_owned).collect()
    }

    fn intent() -> Event {
        Event::Intent {
            line: 1,
            sha256: "0".repeat(64),
            model: "m".into(),
            at: None,
            request_id: None,
            origin: None,
        }
    }

    const COMPLETED: &str = r#"{"event":"completed","line":2}"#;

    #[test]
    fn file_system_without_locks_is_refused_with_advice() {
        let path = Path::new("j.jsonl");
        // Linux: EPERM, EINVAL, ENOTTY, ENOLCK, ENOSYS, EOPNOTSUPP.
        for errno in [1, 22, 25, 37, 38, 95] {
            let try_lock = || Err(io::Error::from_raw_os_error(errno));
            let error = lock(try_lock, path).expect_err("there is no lock");
            let message = error.to_string();
            assert!(
                message.contains("the journal j.jsonl cannot be locked"),
                "{message}"
            );
            assert!(
                message.ends_with("name a journal on a local disk"),
                "{message}"
            );
        }
        let mut results = vec![Ok(true), Err(io::ErrorKind::Interrupted.into())];
        let is_locked = lock(|| results.pop().expect("two calls"), path);
        assert!(is_locked.expect("a result"));
        assert!(!lock(|| Ok(false), path).expect("a result"));
    }

    #[test]
    fn line_that_does_not_fit_is_removed() {
        let mut tail = tail(100);
        tail.append(&intent()).expect_err("the disk is full");
        tail.append(&Event::Completed { line: 2 })
            .expect("there is room for less");
        assert_eq!(lines(&tail), [COMPLETED]);
    }

    #[test]
    fn unwritten_events_are_written_before_the_next_line_and_before_any_intent() {
        let mut tail = tail(40);
        tail.append(&Event::Failed { line: 1 }).expect_err("full");
        tail.append(&Event::Completed { line: 2 })
            .expect_err("full");
        tail.append(&intent())
            .expect_err("the backlog is not written");
        tail.disk.room = 1000;
        tail.append(&intent()).expect("there is room again");
        let lines = lines(&tail);
        assert_eq!(lines[..2], [r#"{"event":"failed","line":1}"#, COMPLETED]);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn line_is_not_written_after_an_incomplete_one_that_cannot_be_removed() {
        let mut tail = tail(100);
        tail.disk.fails_to_truncate = true;
        tail.append(&intent()).expect_err("the disk is full");
        tail.disk.room = 1000;
        tail.append(&intent()).expect_err("an incomplete line");
        tail.disk.fails_to_truncate = false;
        tail.append(&Event::Completed { line: 2 })
            .expect("the line is removed");
        assert_eq!(lines(&tail), [COMPLETED]);
    }

    #[test]
    fn line_whose_sync_fails_stays_unless_it_is_an_intent() {
        let mut tail = tail(1000);
        tail.disk.fails_to_sync = true;
        tail.append(&intent()).expect_err("lost");
        tail.append(&Event::Completed { line: 2 })
            .expect_err("lost");
        assert_eq!(lines(&tail), [COMPLETED]);
    }
}
