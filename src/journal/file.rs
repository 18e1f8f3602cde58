//! The file of a journal: read whole, and appended to line by line. A line that cannot be written whole is taken off again.

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

/// No line is longer: what is has not been written here.
const LINE_MOST: usize = 1024 * 1024;

/// What a journal needs of a file.
pub(super) trait Disk {
    fn write(&mut self, at: u64, text: &[u8]) -> io::Result<()>;

    /// Returns when what was written survives a loss of power.
    fn sync(&mut self) -> io::Result<()>;

    fn cut(&mut self, end: u64) -> io::Result<()>;
}

impl Disk for File {
    fn write(&mut self, at: u64, text: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(text)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, end: u64) -> io::Result<()> {
        self.set_len(end)
    }
}

/// The end of the file, where lines are appended.
pub(super) struct Tail<D: Disk> {
    disk: D,
    /// Where the last whole line ends.
    end: u64,
    /// Whether a part of a line may stand behind that.
    is_torn: bool,
    /// Whole lines of what happened that could not be written yet.
    behind: Vec<u8>,
}

impl<D: Disk> Tail<D> {
    fn new(disk: D, end: u64) -> Self {
        Self {
            disk,
            end,
            is_torn: false,
            behind: Vec::new(),
        }
    }

    /// Appends a line. What happened and cannot be written comes before the next one that can be; what is only meant is
    /// not written then, so nothing is bought that the file may not come to know.
    pub(super) fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut text = serde_json::to_vec(event)?;
        text.push(b'\n');
        if text.len() > LINE_MOST {
            let what = format!("a line of {} bytes is too long for it", text.len());
            return Err(io::Error::other(what));
        }
        if matches!(event, Event::Intent { .. }) {
            self.catch_up()?;
            return self.write(&text, true);
        }
        self.behind.extend(text);
        self.catch_up()
    }

    fn catch_up(&mut self) -> io::Result<()> {
        if self.behind.is_empty() {
            return Ok(());
        }
        let behind = std::mem::take(&mut self.behind);
        let end = self.end;
        let written = self.write(&behind, false);
        if self.end == end {
            self.behind = behind;
        }
        written
    }

    /// Writes the text as a whole or not at all. What `must_last` is taken off again if it may not survive a loss of power;
    /// anything else is better there than not.
    fn write(&mut self, text: &[u8], must_last: bool) -> io::Result<()> {
        if self.is_torn {
            self.cut()?;
        }
        let written = self.disk.write(self.end, text);
        let synced = written.and_then(|()| {
            let synced = self.disk.sync();
            if synced.is_ok() || !must_last {
                self.end += text.len() as u64;
            }
            synced
        });
        if synced.is_err() {
            // If not even that can be done, it is tried again before the next line.
            let _ = self.cut();
        }
        synced
    }

    fn cut(&mut self) -> io::Result<()> {
        self.is_torn = true;
        self.disk.cut(self.end)?;
        self.is_torn = false;
        Ok(())
    }
}

impl<D: Disk> Drop for Tail<D> {
    fn drop(&mut self) {
        // The last chance; whoever wrote was told already.
        let _ = self.catch_up();
    }
}

/// Opens the file, or begins one, and tells what it holds.
pub(super) fn open(path: &Path) -> Result<(BTreeMap<usize, JournalEntry>, Tail<File>), Error> {
    let io = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => {
                "cannot be used; its folder must be there, so make it or name another"
            }
            _ => "cannot be used; name another, or see to it that it can be written",
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
        let what = "is in use, by another process or by a batch of this one of which a create is still on its way; wait for it";
        return Err(failed(path, what, None));
    }
    let Contents {
        jobs,
        end,
        is_unended,
    } = read(&mut BufReader::new(&file), path)?;
    // Only what is known to be a journal is touched.
    let mut tail = Tail::new(file, end);
    if end < tail.disk.metadata().map_err(io)?.len() {
        tail.cut().map_err(io)?;
    }
    if is_unended {
        tail.write(b"\n", false).map_err(io)?;
    }
    if end == 0 {
        tail.write(&first_line(), true).map_err(io)?;
    }
    // Each time, for the process that began it may have been killed before.
    name_to_disk(path);
    Ok((jobs, tail))
}

/// Whether the journal is this process's alone. Without locks, two batches with one journal could both create a request, so
/// a file system that has none is refused before anything is created.
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

/// Sees to it that a new file's name is on disk, too.
fn name_to_disk(path: &Path) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Not every system can open a folder; where it can, this keeps a crash from losing the file.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

struct Contents {
    jobs: BTreeMap<usize, JournalEntry>,
    /// How many bytes are to be kept.
    end: u64,
    /// Whether the last line lacks nothing but its end.
    is_unended: bool,
}

fn read(file: &mut impl BufRead, path: &Path) -> Result<Contents, Error> {
    let mut contents = Contents {
        jobs: BTreeMap::new(),
        end: 0,
        is_unended: false,
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let most = LINE_MOST as u64 + 1;
        let length = file
            .take(most)
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(path, "cannot be read", Some(error)))?;
        let other = |what: String| {
            let what = format!("is no journal of this version: its line {number} is {what}");
            Err(failed(path, &what, None))
        };
        let is_whole = line.ends_with(b"\n");
        if !is_whole && line.len() > LINE_MOST {
            return other(format!("longer than {LINE_MOST} bytes"));
        }
        if !is_whole && number == 1 {
            // Cut off when it was begun; any other text is somebody's file.
            return match first_line().starts_with(&line) {
                true => Ok(contents),
                false => other("not whole, and no beginning of one".into()),
            };
        }
        if is_whole && number > 1 && line.trim_ascii().is_empty() {
            contents.end += length as u64;
            continue;
        }
        let event = match serde_json::from_slice(&line) {
            // Cut off when it was written; a request leaves only after the whole line of its intent.
            Err(_) if !is_whole => return Ok(contents),
            Err(error) => return other(error.to_string()),
            Ok(Event::Journal { version }) if version != VERSION => {
                let what = format!("is of version {version}, and {VERSION} is read");
                return Err(failed(path, &what, None));
            }
            Ok(event) => event,
        };
        if (number == 1) != matches!(event, Event::Journal { .. }) {
            return other("not what stands there in a journal".into());
        }
        if event.line() == Some(0) {
            return other("about line 0, and lines are counted from 1".into());
        }
        apply(&mut contents.jobs, &event);
        contents.end += length as u64;
        contents.is_unended = !is_whole;
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

    /// A disk with room for so many bytes, which may be stuck.
    #[derive(Default)]
    struct Full {
        bytes: Vec<u8>,
        room: usize,
        is_stuck: bool,
        loses: bool,
    }

    impl Disk for Full {
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
            match self.loses {
                true => Err(io::Error::other("lost")),
                false => Ok(()),
            }
        }

        fn cut(&mut self, end: u64) -> io::Result<()> {
            if self.is_stuck {
                return Err(io::Error::other("stuck"));
            }
            self.bytes.truncate(usize::try_from(end).expect("small"));
            Ok(())
        }
    }

    fn tail(room: usize) -> Tail<Full> {
        let disk = Full {
            room,
            ..Full::default()
        };
        let mut tail = Tail::new(disk, 0);
        tail.write(&first_line(), true).expect("there is room");
        tail
    }

    fn lines(tail: &Tail<Full>) -> Vec<String> {
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
    fn file_system_without_locks_is_refused_with_what_to_do() {
        let path = Path::new("j.jsonl");
        // Linux: EPERM, EINVAL, ENOTTY, ENOLCK, ENOSYS, EOPNOTSUPP.
        for errno in [1, 22, 25, 37, 38, 95] {
            let try_lock = || Err(io::Error::from_raw_os_error(errno));
            let error = lock(try_lock, path).expect_err("there is no lock");
            let told = error.to_string();
            assert!(
                told.contains("the journal j.jsonl cannot be locked"),
                "{told}"
            );
            assert!(told.ends_with("name a journal on a local disk"), "{told}");
        }
        let mut answers = vec![Ok(true), Err(io::ErrorKind::Interrupted.into())];
        let is_locked = lock(|| answers.pop().expect("asked twice"), path);
        assert!(is_locked.expect("an answer"));
        assert!(!lock(|| Ok(false), path).expect("an answer"));
    }

    #[test]
    fn a_line_that_does_not_fit_leaves_no_part_of_it() {
        let mut tail = tail(100);
        tail.append(&intent()).expect_err("it is full");
        tail.append(&Event::Completed { line: 2 })
            .expect("there is room for less");
        assert_eq!(lines(&tail), [COMPLETED]);
    }

    #[test]
    fn what_happened_and_had_no_room_comes_before_the_next_line_and_no_intent_before_it() {
        let mut tail = tail(40);
        tail.append(&Event::Failed { line: 1 }).expect_err("full");
        tail.append(&Event::Completed { line: 2 })
            .expect_err("full");
        tail.append(&intent()).expect_err("the file is behind");
        tail.disk.room = 1000;
        tail.append(&intent()).expect("there is room again");
        let lines = lines(&tail);
        assert_eq!(lines[..2], [r#"{"event":"failed","line":1}"#, COMPLETED]);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn while_a_part_of_a_line_cannot_be_taken_off_nothing_is_written_behind_it() {
        let mut tail = tail(100);
        tail.disk.is_stuck = true;
        tail.append(&intent()).expect_err("it is full");
        tail.disk.room = 1000;
        tail.append(&intent()).expect_err("a part stands there");
        tail.disk.is_stuck = false;
        tail.append(&Event::Completed { line: 2 })
            .expect("all is well again");
        assert_eq!(lines(&tail), [COMPLETED]);
    }

    #[test]
    fn what_may_not_last_stays_unless_it_is_an_intent() {
        let mut tail = tail(1000);
        tail.disk.loses = true;
        tail.append(&intent()).expect_err("lost");
        tail.append(&Event::Completed { line: 2 })
            .expect_err("lost");
        assert_eq!(lines(&tail), [COMPLETED]);
    }
}
